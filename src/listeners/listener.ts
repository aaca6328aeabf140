/**
 * A listener: one address that Clients can connect to, and what stands between the socket and the broker.
 *
 * @module
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Logger } from '../base/log.ts'
import type { ListenerOptions } from '../broker/options.ts'
import type { Incoming, Peer, Transport } from '../protocol/transport.ts'
import { plainAddress } from './address.ts'
import { openError } from './open-error.ts'
import { pumpStream } from './pump.ts'

/** What a listener works for. */
export interface ListenerHost {
  /** Takes a new Network Connection; `undefined` refuses it, and it is closed. */
  accept(transport: Transport, peer: Peer): Incoming | undefined
  readonly log: Logger
}

/** An open listener. */
export interface Listener {
  readonly name: string
  /** Where Clients find it, such as `mqtt://127.0.0.1:1883`. */
  readonly url: string
  /** The address it is bound to. */
  readonly address: string
  /** The port it is bound to, also where 0 was asked for; `undefined` for a Unix socket. */
  readonly port: number | undefined
  /** Stops accepting at once and frees the address. Connections that were accepted are their owner's to close. */
  close(): Promise<void>
}

/**
 * Opens a listener.
 *
 * @throws {ConfigError} when the address cannot be had; it names the listener, the address, the cause and the way out
 */
export async function openListener(options: ListenerOptions, host: ListenerHost): Promise<Listener> {
  const listener = new SocketListener(options, host)
  await listener.open()
  return listener
}

class SocketListener implements Listener {
  readonly name: string
  address = ''
  port: number | undefined
  readonly #options: ListenerOptions
  readonly #host: ListenerHost
  readonly #server: Server

  constructor(options: ListenerOptions, host: ListenerHost) {
    this.name = options.name
    this.#options = options
    this.#host = host
    const { tcpKeepalive } = options
    this.#server = createServer({
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: tcpKeepalive > 0,
      keepAliveInitialDelay: tcpKeepalive * 1000,
    })
  }

  get url(): string {
    const address = this.address.includes(':') ? `[${this.address}]` : this.address
    return `mqtt://${address}:${this.port}`
  }

  async open(): Promise<void> {
    const server = this.#server
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause: NodeJS.ErrnoException) => reject(openError(this.#options, cause)))
      const { host, port } = this.#options
      server.listen(host === '' ? { port } : { host, port }, resolve)
    })
    const bound = server.address() as AddressInfo
    this.address = bound.address
    this.port = bound.port
    server.removeAllListeners('error')
    server.on('error', (error) => this.#host.log.error({ listener: this.name, error }, 'Accepting a connection failed'))
    server.on('connection', (socket) => this.#enter(socket))
  }

  async close(): Promise<void> {
    this.#server.close()
  }

  #enter(socket: Socket): void {
    const { remoteAddress, remotePort } = socket
    // The peer may be gone before it was looked at.
    if (remoteAddress === undefined) return void socket.destroy()
    const peer = { listener: this.name, address: plainAddress(remoteAddress), port: remotePort, encrypted: false }
    pumpStream(socket, peer, this.#accept)
  }

  readonly #accept = (transport: Transport, peer: Peer): Incoming | undefined => this.#host.accept(transport, peer)
}
