/** A client's byte stream over WebSocket, with or without TLS (§6). @module */
import { isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { WebSocket } from 'ws'
import type { Incoming, Transport } from '../protocol/transport.ts'
import { type Address, urlOfAddress } from './address.ts'
import type { Attempt } from './client-side.ts'
import { tlsOptionsOf } from './tls-transport.ts'

/**
 * Opens a WebSocket with the subprotocol `mqtt` [5.0 MQTT-6.0.0-3].
 *
 * @param through a connection that a proxy has opened
 */
export function dialWebSocket(address: Address, attempt: Attempt, through?: Socket): void {
  const { transport, host, headers, localAddress, tls = {} } = address
  const open = (): Socket =>
    transport === 'ws'
      ? // After the proxy it was stopped; the server waits for the request.
        through!.resume()
      : connectTls({ socket: through!, ...(isIP(host) === 0 && { servername: host }), ...tlsOptionsOf(tls) })
  const socket = new WebSocket(urlOfAddress(address), ['mqtt'], {
    perMessageDeflate: false,
    ...(headers !== undefined && { headers: { ...headers } }),
    ...(localAddress !== undefined && { localAddress }),
    ...(through !== undefined && { createConnection: open }),
    ...tlsOptionsOf(tls),
  })
  // Also reports that it was closed before it opened.
  const failed = (error: Error): void => attempt.failed(error)
  socket.once('error', failed)
  attempt.whenOver(() => socket.terminate())
  socket.once('open', () => {
    socket.off('error', failed)
    new WebSocketTransport(socket).start(attempt)
  })
}

class WebSocketTransport implements Transport {
  readonly #socket: WebSocket
  #incoming: Incoming | undefined
  #error: Error | undefined
  #owesDrained = false

  constructor(socket: WebSocket) {
    this.#socket = socket
  }

  start(attempt: Attempt): void {
    const socket = this.#socket
    socket.on('error', (error) => (this.#error = error))
    socket.on('close', () => this.#incoming?.lost(this.#error))
    this.#incoming = attempt.opened(this)
    // [5.0 MQTT-6.0.0-1]: another frame than a binary one closes the connection.
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.#incoming?.receive(data)
      else socket.terminate()
    })
  }

  /** The frame is masked in place, and so is a copy. */
  write(bytes: Uint8Array): boolean {
    this.#socket.send(Buffer.from(bytes), () => {
      if (!this.#owesDrained || this.#socket.bufferedAmount > 0) return
      this.#owesDrained = false
      this.#incoming?.drained()
    })
    if (this.#socket.bufferedAmount > 0) this.#owesDrained = true
    return true
  }

  get unsentBytes(): number {
    return this.#socket.bufferedAmount
  }

  pauseReading(): void {
    this.#socket.pause()
  }

  resumeReading(): void {
    this.#socket.resume()
  }

  end(): void {
    this.#socket.close(1000)
  }

  destroy(): void {
    this.#socket.terminate()
  }
}
