/** A client's byte stream over TCP or a Unix socket. @module */
import { connect, type Socket } from 'node:net'
import type { Incoming, Transport } from '../protocol/transport.ts'
import type { Address } from './address.ts'
import type { Attempt } from './client-side.ts'

/** Opens a TCP connection or a Unix socket. @param through a connection that a proxy has opened */
export function dialSocket(address: Address, attempt: Attempt, through?: Socket): void {
  if (through !== undefined) {
    new SocketTransport(through, false).start(attempt)
    return
  }
  const { transport, host, port, path, localAddress } = address
  const socket =
    transport === 'unix'
      ? connect({ path: path! })
      : connect({ host, port, noDelay: true, ...(localAddress !== undefined && { localAddress }) })
  startSocket(socket, 'connect', attempt, false)
}

/**
 * Connects a socket with a client once it is open.
 *
 * @param opened the event that reports it
 * @param copies whether the socket may still read the bytes after it reports them as written
 */
export function startSocket(
  socket: Socket,
  opened: 'connect' | 'secureConnect',
  attempt: Attempt,
  copies: boolean,
): void {
  const failed = (error: Error): void => attempt.failed(plain(error))
  socket.once('error', failed)
  attempt.whenOver(() => socket.destroy())
  socket.once(opened, () => {
    socket.off('error', failed)
    new SocketTransport(socket, copies).start(attempt)
  })
}

/** When every address of a name was tried, Node's error has no message of its own. */
function plain(error: Error): Error {
  const [first] = error instanceof AggregateError ? (error.errors as Error[]) : []
  return first ?? error
}

class SocketTransport implements Transport {
  readonly #socket: Socket
  readonly #copies: boolean
  #incoming: Incoming | undefined
  #error: Error | undefined
  /** A write has returned false, and `drained` has to follow. */
  #owesDrained = false
  readonly #written: () => void

  constructor(socket: Socket, copies: boolean) {
    this.#socket = socket
    this.#copies = copies
    this.#written = () => {
      if (!this.#owesDrained || this.#socket.writableLength > 0) return
      this.#owesDrained = false
      this.#incoming?.drained()
    }
  }

  start(attempt: Attempt): void {
    const socket = this.#socket
    socket.on('error', (error) => (this.#error = error))
    socket.on('close', () => this.#incoming?.lost(this.#error))
    this.#incoming = attempt.opened(this)
    socket.on('data', (chunk) => this.#incoming?.receive(chunk))
    // After a proxy it was stopped.
    socket.resume()
  }

  write(bytes: Uint8Array): boolean {
    this.#socket.write(this.#copies ? Buffer.from(bytes) : bytes, this.#written)
    if (this.#socket.writableLength > 0) this.#owesDrained = true
    return this.#copies || this.#socket.writableLength === 0
  }

  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  pauseReading(): void {
    this.#socket.pause()
  }

  resumeReading(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
