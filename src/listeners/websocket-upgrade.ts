/**
 * From an HTTP request to a WebSocket that speaks MQTT (§6): path, origin and subprotocol are looked at, then `ws` does the
 * rest. A refusal is an HTTP status that says why.
 *
 *   404   the path is not the listener's
 *   426   an upgrade to something else than WebSocket
 *   403   a page of another origin that is not listed (`origin.ts`)
 *   400   none of our subprotocols is offered, or the request is not a WebSocket handshake (this one by `ws`)
 *
 * @module
 */
import { STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type ServerOptions } from 'ws'
import type { ListenerOptions } from '../config/options.ts'
import type { Peer } from '../protocol/transport.ts'
import type { Clock } from '../base/clock.ts'
import { logRefusal } from '../base/log.ts'
import { saidByPeer } from '../base/printable.ts'
import { addressList } from '../access/address.ts'
import type { Arrival } from '../broker/sessions/arrival.ts'
import { cutOff } from './cut-off.ts'
import { forwardedAddress } from './forwarded-for.ts'
import type { ListenerHost } from './host.ts'
import { OriginRules, type OriginOptions } from './origin.ts'
import { pumpWebSocket } from './websocket-pump.ts'

/** What of a listener's options is about WebSocket. */
export type WebSocketOptions = Pick<
  ListenerOptions,
  'name' | 'websocketPath' | 'trustedProxies' | 'maxPacketSize' | 'maxConnectPacketSize' | keyof OriginOptions
>

/** Names of MQTT as a subprotocol, the one we like best first [5.0 MQTT-6.0.0-4]. */
const SUBPROTOCOLS = ['mqtt', 'mqttv3.1'] as const

/** A frame may hold many small packets, so a small Maximum Packet Size must not make frames small. */
const MIN_FRAME_LIMIT_BYTES = 1024 * 1024

/** How long a peer may take to answer our close frame. */
const CLOSE_TIMEOUT_MS = 5000
/** Characters of a refusal that are logged: an Origin, and what to do about it. */
const MAX_CAUSE = 500
/** How long a peer may take to read why it was refused. */
const ANSWER_TIMEOUT_MS = 1000

interface Refusal {
  readonly status: number
  readonly cause: string
}

export class WebSocketUpgrade {
  readonly #options: WebSocketOptions
  readonly #host: ListenerHost
  readonly #isTrusted: (address: string) => boolean
  readonly #origins: OriginRules
  readonly #server: WebSocketServer
  /** What `ws` found wrong with the request at hand. */
  #invalid: string | undefined

  constructor(options: WebSocketOptions, host: ListenerHost) {
    this.#options = options
    this.#host = host
    this.#isTrusted = addressList(options.trustedProxies)
    this.#origins = new OriginRules(options)
    // The published types lag behind in closeTimeout.
    const settings: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: Math.max(options.maxPacketSize, MIN_FRAME_LIMIT_BYTES) + 5,
      closeTimeout: CLOSE_TIMEOUT_MS,
      handleProtocols: (offered) => SUBPROTOCOLS.find((name) => offered.has(name)) ?? false,
    }
    this.#server = new WebSocketServer(settings)
    this.#server.on('wsClientError', ({ message }) => (this.#invalid = message))
  }

  isForUs(request: IncomingMessage): boolean {
    const { websocketPath } = this.#options
    return websocketPath === '' || request.url?.split('?', 1)[0] === websocketPath
  }

  /**
   * Makes a Connection of an upgrade request, or refuses it.
   *
   * @param leave called when it is a WebSocket: it ends the wait for that, and says how the stream was counted
   * @returns false when it was refused
   */
  upgrade(
    request: IncomingMessage,
    stream: Duplex,
    head: Buffer,
    socketPeer: Peer,
    leave: () => Arrival | undefined = () => undefined,
  ): boolean {
    const peer = this.#behindProxies(socketPeer, request)
    const refusal = this.#refusal(request)
    if (refusal !== undefined) {
      this.#tell(peer, refusal)
      answerAndClose(stream, refusal.status, refusal.cause, this.#host.clock)
      return false
    }
    this.#invalid = undefined
    const beforeLogin = { stream, maxBytes: this.#options.maxConnectPacketSize }
    this.#server.handleUpgrade(request, stream, head, (socket) =>
      pumpWebSocket(socket, peer, this.#host, beforeLogin, leave()),
    )
    return this.#isValid(peer, stream)
  }

  /** A request that `ws` does not accept: it says so before `handleUpgrade` returns. */
  #isValid(peer: Peer, stream: Duplex): boolean {
    const cause = this.#invalid
    if (cause === undefined) return true
    this.#tell(peer, { status: 400, cause })
    answerAndClose(stream, 400, cause, this.#host.clock)
    return false
  }

  /** Logs what was turned away and makes an event of it. @param request what may name the address behind proxies */
  turnedAway(socketPeer: Peer, status: number, cause: string, request?: IncomingMessage): void {
    const peer = request === undefined ? socketPeer : this.#behindProxies(socketPeer, request)
    this.#tell(peer, { status, cause })
  }

  #tell({ listener, address }: Peer, refusal: Refusal): void {
    const fields = { listener, address, ...refusal }
    logRefusal(this.#host.log, fields, `WebSocket refused: ${saidByPeer(refusal.cause, MAX_CAUSE)}; from ${address}`)
    this.#host.turnedAway({ listener, address, stage: 'WebSocket', detail: refusal.cause })
  }

  #refusal(request: IncomingMessage): Refusal | undefined {
    const { origin, host } = request.headers
    if (!this.isForUs(request)) return { status: 404, cause: 'There is no MQTT on this path' }
    if (!isWebSocketRequest(request)) return { status: 426, cause: 'This path speaks MQTT over WebSocket' }
    const refused = this.#origins.refusal(origin, host)
    if (refused !== undefined) return { status: 403, cause: refused }
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
    if (SUBPROTOCOLS.some((name) => offered.includes(name))) return undefined
    return { status: 400, cause: `Subprotocol must be ${SUBPROTOCOLS.join(' or ')}` }
  }

  #behindProxies(peer: Peer, { headers }: IncomingMessage): Peer {
    const forwarded = headers['x-forwarded-for']
    if (forwarded === undefined) return peer
    const address = forwardedAddress(peer.address, String(forwarded), this.#isTrusted)
    return address === peer.address ? peer : { ...peer, address, port: undefined }
  }
}

export function isWebSocketRequest({ headers: { upgrade = '' } }: IncomingMessage): boolean {
  return upgrade.toLowerCase() === 'websocket'
}

/** Answers a request that shall not become a WebSocket. */
export function answerAndClose(stream: Duplex, status: number, cause: string, clock: Clock): void {
  const body = `${cause}\n`
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    // What would do instead has to be said (RFC 9110 §15.5.22).
    // The version that would do (RFC 6455 §4.4).
    ...(status === 400 ? ['Sec-WebSocket-Version: 13'] : []),
    ...(status === 426 ? ['Upgrade: websocket', 'Connection: Upgrade, close'] : ['Connection: close']),
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  // Nobody is left to tell of an error while the answer leaves.
  stream.on('error', () => stream.destroy())
  const patience = clock.setTimer(ANSWER_TIMEOUT_MS, () => cutOff(stream))
  stream.on('close', () => patience.cancel())
  stream.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => stream.destroy())
}
