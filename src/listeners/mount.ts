/**
 * MQTT over WebSocket on an HTTP server of the host program.
 *
 * As soon as anything listens to `upgrade`, Node sends every request with an `Upgrade` header there and none of them to
 * the program's own routes, where they belong unless a mount serves them: `curl --http2` and Java's HTTP client offer
 * HTTP/2 with each first request. A server may ignore the offer (RFC 9110 §7.8). A request that no mount serves and no
 * other listener handles therefore becomes an ordinary one again: it is put back on its connection without the offer.
 *
 * @module
 */
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { UsageError } from '../base/errors.ts'
import { plainAddress } from '../access/address.ts'
import type { OpenMount } from '../broker/host/open-listeners.ts'
import type { ListenerHost } from './host.ts'
import { answerAndClose, isWebSocketRequest, WebSocketUpgrade, type WebSocketOptions } from './websocket-upgrade.ts'

/** What takes some of the requests for an upgrade. */
export interface UpgradeTaker {
  isFor(request: IncomingMessage): boolean
  take(request: IncomingMessage, stream: Duplex, head: Buffer): void
  /** Answers one that nothing on the server is for. */
  answerNotFound(stream: Duplex): void
}

/** The mounts of each HTTP server. All brokers in this process share one listener on it. */
const mountsOf = new WeakMap<Server, Mounts>()

/**
 * Accepts WebSocket requests for one path of an HTTP or HTTPS server. Requests for other paths, upgrades and ordinary
 * ones, are left to the other listeners of that server.
 *
 * @param options `websocketPath` is the path; an empty one accepts every WebSocket
 * @returns `close` stops accepting; open Connections stay, and their owner closes them
 * @throws {UsageError} if `server` is not an HTTP server
 */
export function mountWebSocket(server: Server, options: WebSocketOptions, host: ListenerHost): OpenMount {
  if (!isHttpServer(server)) {
    throw new UsageError('mount() takes the HTTP server itself, as returned by http.createServer() or app.listen()')
  }
  const mount = new Mount(options, host)
  return {
    reload: (changed) => mount.use(changed),
    close: serveUpgrades(server, mount),
    get refusedUpgrades() {
      return mount.refusedUpgrades
    },
  }
}

/**
 * Lets it take requests for an upgrade. Those that it is not for become ordinary ones again.
 *
 * @returns what ends that
 */
export function serveUpgrades(server: Server, taker: UpgradeTaker): () => void {
  const mounts = mountsOf.get(server) ?? new Mounts(server)
  mountsOf.set(server, mounts)
  mounts.add(taker)
  return () => mounts.remove(taker)
}

/** A framework's application has `on`, too, but does not emit a server's events. */
function isHttpServer(server: unknown): boolean {
  if (typeof server !== 'object' || server === null) return false
  const { on, listening } = server as Partial<Server>
  return typeof on === 'function' && typeof listening === 'boolean'
}

class Mount implements UpgradeTaker {
  refusedUpgrades = 0
  readonly #host: ListenerHost
  #options: WebSocketOptions
  #upgrade: WebSocketUpgrade

  constructor(options: WebSocketOptions, host: ListenerHost) {
    this.#host = host
    this.#options = options
    this.#upgrade = new WebSocketUpgrade(options, host)
  }

  /** Takes effect with the next request. */
  use(options: WebSocketOptions): void {
    this.#options = options
    this.#upgrade = new WebSocketUpgrade(options, this.#host)
  }

  isFor(request: IncomingMessage): boolean {
    return isWebSocketRequest(request) && this.#upgrade.isForUs(request)
  }

  take(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const { remoteAddress = '', remotePort } = request.socket as Socket
    const peer = {
      listener: this.#options.name,
      address: plainAddress(remoteAddress) ?? '',
      port: remotePort,
      encrypted: request.socket instanceof TLSSocket,
    }
    if (!this.#upgrade.upgrade(request, stream, head, peer)) this.refusedUpgrades++
  }

  answerNotFound(stream: Duplex): void {
    answerAndClose(stream, 404, 'There is nothing at this path', this.#host.clock)
  }
}

class Mounts {
  readonly #server: Server
  readonly #mounts: UpgradeTaker[] = []

  constructor(server: Server) {
    this.#server = server
  }

  add(mount: UpgradeTaker): void {
    if (this.#mounts.push(mount) === 1) this.#server.on('upgrade', this.#onUpgrade)
  }

  remove(mount: UpgradeTaker): void {
    const at = this.#mounts.indexOf(mount)
    if (at < 0) return
    this.#mounts.splice(at, 1)
    if (this.#mounts.length === 0) this.#server.off('upgrade', this.#onUpgrade)
  }

  readonly #onUpgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    const mount = this.#mounts.find((one) => one.isFor(request))
    if (mount !== undefined) mount.take(request, stream, head)
    else if (this.#server.listenerCount('upgrade') > 1) return
    else if (this.#server.listenerCount('request') > 0) this.#replay(request, stream, head)
    else this.#mounts[0]!.answerNotFound(stream)
  }

  /** Parses the connection again from the start of this request, whose body may not have arrived yet. */
  #replay(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    stream.unshift(Buffer.concat([Buffer.from(removeOffer(request), 'latin1'), head]))
    this.#server.emit(stream instanceof TLSSocket ? 'secureConnection' : 'connection', stream)
  }
}

/** The head of a request as it was received, but without the offer of another protocol. */
function removeOffer({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name, value] = [rawHeaders[at]!, rawHeaders[at + 1]!]
    const lower = name.toLowerCase()
    if (lower === 'upgrade' || lower === 'http2-settings') continue
    const kept = lower === 'connection' ? withoutOptions(value) : value
    if (kept !== '' || lower !== 'connection') lines.push(`${name}: ${kept}`)
  }
  return `${lines.join('\r\n')}\r\n\r\n`
}

function withoutOptions(connection: string): string {
  const options = connection.split(',').map((option) => option.trim())
  return options.filter((option) => !/^(upgrade|http2-settings)$/i.test(option)).join(', ')
}
