/**
 * A listener: an address that clients can connect to, and the doors behind it.
 *
 *   socket ──> PROXY header? ──> doors (TLS? WebSocket?) ──> pump ──> the host's Incoming
 *
 * @module
 */
import type { Socket } from 'node:net'
import { UsageError, type ConfigError } from '../base/errors.ts'
import { realClock } from '../turn/clock.ts'
import { logRefusal } from '../base/log.ts'
import type { ListenerCertificate } from '../broker/host/open-listeners.ts'
import type { ListenerOptions } from '../config/options.ts'
import type { Peer } from '../protocol/transport.ts'
import { addressList, plainAddress } from '../access/address.ts'
import type { Trust } from './certificates.ts'
import { cutOff } from './cut-off.ts'
import { PlainDoor, type Door, type House } from './door.ts'
import type { Listener, ListenerCounters, ListenerHost } from './host.ts'
import { readProxyHeader } from './proxy-protocol.ts'
import { ListenerSockets, resolveHost, type Resolver } from './listener-sockets.ts'
import { placeOf } from './socket-address.ts'
import { WaitingRoom } from './waiting-room.ts'

export type { Listener, ListenerCounters, ListenerHost } from './host.ts'

/**
 * Opens a listener. With `retry: on` it may wait for its address, in which case `addresses` is empty.
 *
 * @throws {ConfigError} `ERR_LISTENER_…` if the address cannot be opened, or a certificate, key, CA or CRL cannot be
 * used; it names the listener, the address or file, the cause and the remedy
 */
export async function openListener(
  options: ListenerOptions,
  host: ListenerHost,
  resolve: Resolver = resolveHost,
): Promise<Listener> {
  const listener = new SocketListener(options, host, resolve)
  await listener.open()
  return listener
}

/**
 * Checks the files of a listener without opening it.
 *
 * @returns problems that do not prevent the start but make the broker refuse clients now or soon, one sentence each
 * @throws {ConfigError} `ERR_LISTENER_FILE` or `ERR_LISTENER_CERTIFICATE`
 */
export async function checkListenerFiles(options: ListenerOptions): Promise<string[]> {
  if (!options.ssl) return []
  const { loadCertificates } = await import('./certificates.ts')
  return (await loadCertificates(options)).warnings(realClock.wallNow())
}

class SocketListener implements Listener {
  readonly name: string
  readonly counters: ListenerCounters = {
    failedHandshakes: 0,
    refusedProxyHeaders: 0,
    refusedUpgrades: 0,
    refusedWaiting: 0,
    failedOpens: 0,
  }
  readonly #host: ListenerHost
  readonly #room: WaitingRoom
  readonly #sockets: ListenerSockets
  #options: ListenerOptions
  #door: Door | undefined
  #isTrusted: (address: string) => boolean
  #accepting = true

  /** The last message about an address, so that each is logged as a warning once. */
  #complaint: string | undefined

  constructor(options: ListenerOptions, host: ListenerHost, resolve: Resolver) {
    this.name = options.name
    this.#options = options
    this.#host = host
    this.#isTrusted = addressList(options.trustedProxies)
    this.#room = new WaitingRoom(options, host, this.counters)
    const owner = {
      host,
      entered: (socket: Socket) => this.#enter(socket),
      failed: (error: ConfigError, pauseMs: number | undefined) => this.#failed(error, pauseMs),
      opened: () => this.#opened(),
    }
    this.#sockets = new ListenerSockets(options, owner, resolve)
  }

  get addresses(): readonly string[] {
    return this.#sockets.addresses
  }

  get address(): string {
    return this.addresses[0] ?? ''
  }

  get port(): number | undefined {
    return this.#sockets.port
  }

  get urls(): readonly string[] {
    const { type, ssl, websocketPath } = this.#options
    if (type === 'unix') return this.addresses.map((path) => `unix:${path}`)
    const [scheme, path] = type === 'ws' ? [ssl ? 'wss' : 'ws', websocketPath] : [ssl ? 'mqtts' : 'mqtt', '']
    return this.addresses.map(
      (address) => `${scheme}://${address.includes(':') ? `[${address}]` : address}:${this.port}${path}`,
    )
  }

  get url(): string {
    return this.urls[0] ?? ''
  }

  get certificates(): readonly ListenerCertificate[] {
    return this.#door?.certificates ?? []
  }

  async open(): Promise<void> {
    this.#door = await this.#buildDoor(this.#options)
    try {
      this.#judgeBy(this.#door)
      await this.#sockets.open()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  #judgeBy(door: Door): void {
    this.#host.certificates.judge =
      door.judge === undefined ? undefined : (socket, asOf) => door.judge!(socket, asOf as Trust)
  }

  #failed(error: ConfigError, pauseMs: number | undefined): void {
    this.counters.failedOpens++
    const { code, message } = error
    const outcome = pauseMs === undefined ? 'its other addresses are open' : `next try in ${pauseMs / 1000} s`
    const level = message === this.#complaint ? 'debug' : 'warn'
    this.#complaint = message
    this.#host.log[level]({ listener: this.name, code }, `${message}; ${outcome}`)
    this.#host.cannotListen({ listener: this.name, code, detail: message, retryMs: pauseMs })
  }

  #opened(): void {
    this.#complaint = undefined
    this.#host.log.info({ listener: this.name, urls: this.urls }, `listening on ${this.urls.join(' and ')}`)
    this.#host.listens({ listener: this.name, urls: this.urls })
  }

  async reload(options: ListenerOptions): Promise<void> {
    if (placeOf(options) !== placeOf(this.#options)) {
      throw new UsageError(
        `Listener \`${this.name}\` is at ${placeOf(this.#options)}; it cannot move to ${placeOf(options)}, which needs another listener`,
      )
    }
    const door = await this.#buildDoor(options)
    try {
      await this.#sockets.change(options)
    } catch (error) {
      door.close()
      throw error
    }
    this.#door?.close()
    this.#door = door
    this.#judgeBy(door)
    this.#options = options
    this.#room.options = options
    this.#isTrusted = addressList(options.trustedProxies)
  }

  pauseAccepting(): void {
    this.#accepting = false
  }

  resumeAccepting(): void {
    this.#accepting = true
  }

  async close(): Promise<void> {
    this.#accepting = false
    this.#door?.close()
    this.#room.close()
    await this.#sockets.close()
  }

  async #buildDoor(options: ListenerOptions): Promise<Door> {
    const house: House = { options, host: this.#host, room: this.#room, counters: this.counters }
    const door = options.type === 'ws' ? await webSocketDoor(house) : new PlainDoor(house)
    if (!options.ssl) return door
    try {
      const { TlsDoor } = await import('./tls-door.ts')
      return await TlsDoor.open(house, door)
    } catch (error) {
      door.close()
      throw error
    }
  }

  #enter(socket: Socket): void {
    const { type, tcpKeepalive, proxyProtocol, ssl } = this.#options
    const address = type === 'unix' ? '' : plainAddress(socket.remoteAddress ?? '')
    // The peer may be gone by now.
    if (!this.#accepting || address === undefined) return cutOff(socket)
    if (!this.#host.hasFile(address)) return cutOff(socket)
    if (tcpKeepalive > 0 && type !== 'unix') socket.setKeepAlive(true, tcpKeepalive * 1000)
    const peer: Peer = { listener: this.name, address, port: socket.remotePort, encrypted: false }
    if (proxyProtocol) return this.#enterBehindProxy(socket, peer)
    if (!ssl && type !== 'ws') return this.#door!.enter(socket, peer, undefined)
    const speaksForOthers = type === 'ws' && this.#isTrusted(address)
    const stay = this.#room.enter(socket, address, speaksForOthers, ignore)
    if (stay !== undefined) this.#door!.enter(socket, peer, stay)
  }

  /** Any process that can reach the path of a Unix domain socket is trusted as the proxy. */
  #enterBehindProxy(socket: Socket, peer: Peer): void {
    if (peer.address !== '' && !this.#isTrusted(peer.address)) {
      return this.#refuseProxy(socket, peer, 'the address is not in trusted-proxies')
    }
    const stay = this.#room.enter(socket, peer.address, true, (cause) => {
      const { connectTimeout } = this.#options
      if (cause === 'late')
        this.#refuseProxy(socket, peer, `no PROXY protocol header within ${connectTimeout * 1000} ms`)
    })
    if (stay === undefined) return
    readProxyHeader(socket, (header) => {
      if (header === 'silent') return this.#closedSilently(socket, peer)
      if (typeof header === 'string') return this.#refuseProxy(socket, peer, header)
      stay.headerBytes = header.length
      stay.onLost = ignore
      const source = { ...peer, ...header.source }
      if (this.#room.comesFrom(stay, source.address)) this.#door!.enter(socket, source, stay)
    })
  }

  /** Mostly a health check of a load balancer. */
  #closedSilently(socket: Socket, { address }: Peer): void {
    const from = address || 'a Unix domain socket'
    const fields = { listener: this.name, address }
    this.#host.log.debug(fields, `a connection from ${from} was closed before it sent anything`)
    socket.destroy()
  }

  #refuseProxy(socket: Socket, { address }: Peer, cause: string): void {
    this.counters.refusedProxyHeaders++
    const message = `Connection refused, PROXY protocol: ${cause}; from ${address || 'a Unix domain socket'}`
    logRefusal(this.#host.log, { listener: this.name, address, cause }, message)
    this.#host.turnedAway({ listener: this.name, address, stage: 'PROXY protocol', detail: cause })
    cutOff(socket)
  }
}

async function webSocketDoor(house: House): Promise<Door> {
  const { WebSocketDoor } = await import('./websocket-door.ts')
  return new WebSocketDoor(house)
}

function ignore(): void {}
