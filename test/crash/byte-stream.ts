/** A byte stream to the broker: over TCP to a process, or straight into a Broker in this one. @module */
import { connect } from 'node:net'
import type { Incoming, Peer, Transport } from '../../src/protocol/transport.ts'

export interface ByteStream {
  write(bytes: Uint8Array): void
  /** Ends it without a word. */
  cut(): void
}

/** What the owner of a stream is told. */
export interface ByteStreamEnd {
  receive(bytes: Uint8Array): unknown
  /** It has ended, by whichever side; told once. */
  ended(): unknown
}

/** How a stream is opened. */
export type Dial = (end: ByteStreamEnd) => ByteStream

export function dialTcp(port: number): Dial {
  return (end) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.on('data', (bytes) => end.receive(bytes))
    // What happened is clear: the broker was killed. `close` follows.
    socket.on('error', () => undefined)
    socket.once('close', () => end.ended())
    return { write: (bytes) => void socket.write(bytes), cut: () => void socket.destroy() }
  }
}

/** Anything that takes Connections as a Broker does. */
export interface Acceptor {
  accept(transport: Transport, peer: Peer): Incoming | undefined
}

class MemoryTransport implements Transport {
  readonly unsentBytes = 0
  readonly #end: ByteStreamEnd
  incoming: Incoming | undefined
  #isLost = false

  constructor(end: ByteStreamEnd) {
    this.#end = end
  }

  write(bytes: Uint8Array): boolean {
    if (!this.#isLost) this.#end.receive(Uint8Array.from(bytes))
    return true
  }

  pauseReading(): void {}

  resumeReading(): void {}

  end(): void {
    this.destroy()
  }

  destroy(): void {
    if (this.#isLost) return
    this.#isLost = true
    this.incoming?.lost()
    this.#end.ended()
  }

  /** Later, as from a socket: an answer never comes while the Server still writes. */
  receive(bytes: Uint8Array): void {
    queueMicrotask(() => {
      if (!this.#isLost) this.incoming?.receive(Uint8Array.from(bytes))
    })
  }
}

export function dialMemory(broker: Acceptor): Dial {
  return (end) => {
    const transport = new MemoryTransport(end)
    transport.incoming = broker.accept(transport, { listener: 'attached', address: '192.0.2.1', encrypted: false })
    return { write: (bytes) => transport.receive(bytes), cut: () => transport.destroy() }
  }
}
