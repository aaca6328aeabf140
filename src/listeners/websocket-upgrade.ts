/**
 * Turns an HTTP request into a WebSocket that speaks MQTT (§6): checks path, origin and subprotocol, then `ws` does the
 * rest. A refusal is an HTTP status and the reason.
 *
 *   404   the path is not that of the listener
 *   426   an upgrade to another protocol than WebSocket
 *   403   a page of another origin that is not listed (`origin.ts`)
 *   400   none of our subprotocols is offered, or the request is not a WebSocket handshake (this one by `ws`)
 *
 * @module
 */
import { STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ServerOptions, WebSocketServer } from 'ws'
import type { ListenerOptions } from '../config/options.ts'
import type { Peer } from '../protocol/transport.ts'
import type { Clock } from '../base/clock.ts'
import { lazyPackage } from '../base/lazy-package.ts'
import { logRefusal } from '../base/log.ts'
import { safeExcerpt } from '../base/printable.ts'
import { addressList } from '../access/address.ts'
import type { Arrival } from '../broker/sessions/arrival.ts'
import { cutOff } from './cut-off.ts'
import { forwardedAddress } from './forwarded-for.ts'
import type { ListenerHost } from './host.ts'
import { OriginRules, type OriginOptions } from './origin.ts'
import { pumpWebSocket } from './websocket-pump.ts'

const ws = lazyPackage<typeof import('ws')>('ws')

/** The options of a listener that concern WebSocket. */
export type WebSocketOptions = Pick<
  ListenerOptions,
  'name' | 'websocketPath' | 'trustedProxies' | 'maxPacketSize' | 'maxConnectPacketSize' | keyof OriginOptions
>

/** For `ws`: what came with the request goes through the pump, which counts it. */
export const NO_HEAD: Buffer = Buffer.alloc(0)

/** Names of MQTT as a subprotocol, in order of preference [5.0 MQTT-6.0.0-4]. */
const SUBPROTOCOLS = ['mqtt', 'mqttv3.1'] as const

/** A frame may contain many small packets, so a small Maximum Packet Size must not limit frames. */
const MIN_FRAME_LIMIT_BYTES = 1024 * 1024

/** How long a peer may take to answer our close frame. */
const CLOSE_TIMEOUT_MS = 5000
/** Characters of a refusal that are logged: enough for an Origin and the remedy. */
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
  /** The error that `ws` found in the current request. */
  #invalid: string | undefined

  constructor(options: WebSocketOptions, host: ListenerHost) {
    this.#options = options
    this.#host = host
    this.#isTrusted = addressList(options.trustedProxies)
    this.#origins = new OriginRules(options)
    this.#server = webSocketServer(options.maxPacketSize)
    this.#server.on('wsClientError', ({ message }) => (this.#invalid = message))
  }

  isForUs(request: IncomingMessage): boolean {
    const { websocketPath } = this.#options
    return websocketPath === '' || request.url?.split('?', 1)[0] === websocketPath
  }

  /**
   * Makes a Connection from an upgrade request, or refuses it.
   *
   * @param leave called when it is a WebSocket: ends the wait, and returns how the stream was counted
   * @returns false if it was refused
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
      this.#report(peer, refusal)
      answerAndClose(stream, refusal.status, refusal.cause, this.#host.clock)
      return false
    }
    this.#invalid = undefined
    const below = { stream, head, maxBytes: this.#options.maxConnectPacketSize }
    this.#server.handleUpgrade(request, stream, NO_HEAD, (socket) =>
      pumpWebSocket(socket, peer, this.#host, below, leave()),
    )
    return this.#isValid(peer, stream)
  }

  /** Handles a request that `ws` does not accept, which it reports before `handleUpgrade` returns. */
  #isValid(peer: Peer, stream: Duplex): boolean {
    const cause = this.#invalid
    if (cause === undefined) return true
    this.#report(peer, { status: 400, cause })
    answerAndClose(stream, 400, cause, this.#host.clock)
    return false
  }

  /** Logs a refused request and emits an event. @param request may name the client's address behind proxies */
  turnedAway(socketPeer: Peer, status: number, cause: string, request?: IncomingMessage): void {
    const peer = request === undefined ? socketPeer : this.#behindProxies(socketPeer, request)
    this.#report(peer, { status, cause })
  }

  #report({ listener, address }: Peer, refusal: Refusal): void {
    const fields = { listener, address, ...refusal }
    logRefusal(this.#host.log, fields, `WebSocket refused: ${safeExcerpt(refusal.cause, MAX_CAUSE)}; from ${address}`)
    this.#host.turnedAway({ listener, address, stage: 'WebSocket', detail: refusal.cause })
  }

  #refusal(request: IncomingMessage): Refusal | undefined {
    const { origin, host } = request.headers
    if (!this.isForUs(request)) return { status: 404, cause: 'There is no MQTT service at this path' }
    if (!isWebSocketRequest(request)) return { status: 426, cause: 'This path serves MQTT over WebSocket' }
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

/** What makes WebSockets of requests, whose frames may be as large as a packet of that size. */
export function webSocketServer(maxPacketSize: number): WebSocketServer {
  // The published types lack closeTimeout.
  const settings: ServerOptions & { closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: Math.max(maxPacketSize, MIN_FRAME_LIMIT_BYTES) + 5,
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: (offered) => SUBPROTOCOLS.find((name) => offered.has(name)) ?? false,
  }
  const { WebSocketServer: ServerOfPackage } = ws()
  return new ServerOfPackage(settings)
}

export function isWebSocketRequest({ headers: { upgrade = '' } }: IncomingMessage): boolean {
  return upgrade.toLowerCase() === 'websocket'
}

/** Answers a request that does not become a WebSocket. @param type of the text */
export function answerAndClose(
  stream: Duplex,
  status: number,
  cause: string,
  clock: Clock,
  type = 'text/plain; charset=utf-8',
): void {
  const body = `${cause}\n`
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    // The supported protocol has to be named (RFC 9110 §15.5.22).
    // The supported version (RFC 6455 §4.4).
    ...(status === 400 ? ['Sec-WebSocket-Version: 13'] : []),
    ...(status === 426 ? ['Upgrade: websocket', 'Connection: Upgrade, close'] : ['Connection: close']),
    `Content-Type: ${type}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  // An error can no longer be reported while the answer is sent.
  stream.on('error', () => stream.destroy())
  const patience = clock.setTimer(ANSWER_TIMEOUT_MS, () => cutOff(stream))
  stream.on('close', () => patience.cancel())
  stream.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => stream.destroy())
}
