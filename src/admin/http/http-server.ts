/**
 * The API behind a server of `node:http`, which is loaded for WebSocket anyway. It reads bodies, writes answers, and
 * bounds what a peer can hold: connections, headers, the time of a request and of an answer. A connection has one
 * request at a time.
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer, Server as SecureServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { networkOf, plainAddress } from '../../access/address.ts'
import type { Clock } from '../../base/clock.ts'
import type { AdminOptions, Options } from '../../config/resolved-options.ts'
import { CONSOLE_PATH } from '../console/console-protocols.ts'
import type { Api } from './api.ts'
import { ConnectionRoom } from './connection-room.ts'
import { bodyOf, follow, lossOf, send } from './exchange.ts'
import { Problem, problemAnswer } from './problem.ts'
import { LOCAL_ADDRESS, type ClientCertificate, type ConsoleOpening, type RequestHead } from './request.ts'
import { TrustedCertificates, type TlsFiles } from './trusted-certificates.ts'

const MAX_HEADER_BYTES = 16_384
const HEADERS_TIMEOUT_MS = 10_000
const CHECKING_INTERVAL_MS = 2_000
/** Node waits two minutes. */
const HANDSHAKE = { handshakeTimeout: 10_000 }

/** What makes WebSockets of requests: listeners have it, on the same floor. */
export interface WebSockets {
  /** Passes on requests for an upgrade, and lets all that it is not for be ordinary ones. */
  readonly serve: (server: Server, taker: UpgradeTaker) => () => void
  readonly open: (request: IncomingMessage, stream: Duplex, head: Buffer, opening: ConsoleOpening) => void
  /** Answers, and closes. */
  readonly refuse: (stream: Duplex, status: number, body: string, type: string) => void
}

interface UpgradeTaker {
  isFor(request: IncomingMessage): boolean
  take(request: IncomingMessage, stream: Duplex, head: Buffer): void
  answerNotFound(stream: Duplex): void
}

export class HttpServer {
  readonly server: Server | SecureServer
  readonly #api: () => Promise<Api>
  readonly #certificates: TrustedCertificates
  /** Known from the start, because a socket whose peer is gone has no address either. */
  readonly #isLocal: boolean
  /** Connections with a request under way. */
  readonly #busy = new WeakSet<Socket>()
  /** Connections that sent another request meanwhile, and end with the answer to that. */
  readonly #refused = new WeakSet<Socket>()
  /** Below TLS: Node does not close those that are still in their handshake. */
  readonly #room = new ConnectionRoom<Socket>()
  /** Connections in their TLS handshake, by `peerOf`: Node does not tell which of them became secure. */
  readonly #handshakes = new Map<string, Socket>()
  /** For each connection with TLS, the one below it. */
  readonly #below = new WeakMap<Socket, Socket>()
  /** What ends each of those who follow events. */
  readonly #followers = new Set<() => void>()
  #options: AdminOptions
  #ipv6PrefixLength: number

  /**
   * @param isLocal whether it is served on a Unix domain socket
   * @param tls what TLS uses; `undefined` without it
   * @param api is asked for with the first request
   * @param wallNow wall-clock milliseconds
   * @param webSockets without them, there is no console
   */
  constructor(
    options: Options,
    isLocal: boolean,
    tls: TlsFiles | undefined,
    api: () => Promise<Api>,
    wallNow: () => number,
    webSockets?: WebSockets,
  ) {
    this.#certificates = new TrustedCertificates(tls, wallNow)
    this.#api = api
    this.#isLocal = isLocal
    this.#options = options.admin!
    this.#ipv6PrefixLength = options.ipv6PrefixLength
    const limits = { maxHeaderSize: MAX_HEADER_BYTES, connectionsCheckingInterval: CHECKING_INTERVAL_MS }
    const serve = (request: IncomingMessage, response: ServerResponse): void => void this.#serve(request, response)
    // Whether a certificate is good is looked at with each request: without one, an API key is needed.
    const certificates = { requestCert: tls?.context.ca !== undefined, rejectUnauthorized: false }
    this.server =
      tls === undefined
        ? createServer({ ...limits, noDelay: true }, serve)
        : createSecureServer({ ...limits, ...HANDSHAKE, noDelay: true, ...tls.context, ...certificates }, serve)
    this.server.on('connection', (socket: Socket) => this.#hold(socket))
    this.server.on('secureConnection', (socket: Socket) => this.#secure(socket))
    if (webSockets !== undefined) this.#serveConsoles(webSockets)
    this.options = options
  }

  #serveConsoles(webSockets: WebSockets): void {
    webSockets.serve(this.server, {
      isFor: isForConsole,
      take: (request, stream, head) => void this.#upgrade(webSockets, request, stream as Socket, head),
      answerNotFound: (stream) => stream.destroy(),
    })
  }

  /** Applies new options to requests from now on. */
  set options(options: Options) {
    this.#options = options.admin!
    this.#ipv6PrefixLength = options.ipv6PrefixLength
    this.#room.maxConnections = this.#options.maxConnections
    this.server.requestTimeout = this.#options.requestTimeout * 1000
    this.server.headersTimeout = Math.min(HEADERS_TIMEOUT_MS, this.server.requestTimeout)
  }

  /** Uses other certificates for connections from now on; client certificates are judged by the new CAs at once. */
  renew(tls: TlsFiles): void {
    if (!(this.server instanceof SecureServer)) return
    this.#certificates.files = tls
    this.server.setSecureContext(tls.context)
    // Without types, but read for each connection.
    Object.assign(this.server, { requestCert: tls.context.ca !== undefined })
  }

  #hold(socket: Socket): void {
    // A request that asked for another protocol is read again as an ordinary one.
    if (this.#room.has(socket)) return
    const network = networkOf(socket.remoteAddress ?? '', this.#ipv6PrefixLength)
    const peer = peerOf(socket)
    if (this.server instanceof SecureServer) {
      this.#handshakes.set(peer, socket)
      this.#certificates.begin(socket)
    }
    socket.once('close', () => {
      this.#room.leave(socket)
      if (this.#handshakes.get(peer) === socket) this.#handshakes.delete(peer)
    })
    const superfluous = this.#room.enter(socket, network)
    if (superfluous === undefined) return
    superfluous.destroy()
    void this.#api().then((api) => api.overLimit('admin.max-connections', network))
  }

  #secure(socket: Socket): void {
    const below = this.#handshakes.get(peerOf(socket))
    if (below !== undefined) this.#below.set(socket, below)
    this.#handshakes.delete(peerOf(socket))
  }

  /** Stops listening for a while; connections with a request under way go on. */
  pause(): void {
    this.server.close()
  }

  /**
   * Stops listening; requests that are under way get their answers. Node no longer looks for those that do not arrive.
   *
   * @returns once the last connection is closed
   */
  async retire(clock: Clock): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()))
    for (const end of this.#followers) end()
    this.server.closeIdleConnections()
    const timer = clock.setTimer(this.#options.requestTimeout * 1000, () => this.#destroyAll())
    await closed
    timer.cancel()
  }

  /** Closes everything at once. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()))
    this.#destroyAll()
    await closed
  }

  #destroyAll(): void {
    this.server.closeAllConnections()
    for (const socket of this.#room.connections) socket.destroy()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request
    if (this.#busy.has(socket)) return this.#refusePipelining(socket, response)
    this.#begin(socket, response)
    const api = await this.#api()
    const readBody = (maxBytes?: number): Promise<Uint8Array> => {
      const limit = Math.min(this.#options.maxRequestBytes, maxBytes ?? Infinity)
      return this.#whileWaiting(socket, bodyOf(request, limit, maxBytes === undefined))
    }
    const head = headOf(request, this.#isLocal, this.#certificateOf(socket))
    const answer = await api.answer({ ...head, signal: lossOf(response) }, readBody)
    if (!request.complete || !this.server.listening) response.shouldKeepAlive = false
    if (answer.follow !== undefined) {
      const isOver = request.method === 'HEAD' || !this.server.listening
      const { requestTimeout } = this.#options
      return follow(response, answer, { isOver, timeoutMs: requestTimeout * 1000, followers: this.#followers })
    }
    socket.setTimeout(this.#options.requestTimeout * 1000)
    send(response, answer, request.method === 'HEAD')
  }

  #certificateOf(socket: Socket): ClientCertificate | undefined {
    return socket instanceof TLSSocket ? this.#certificates.of(socket, this.#below.get(socket) ?? socket) : undefined
  }

  /** A body that does not arrive takes no place from others either: logins have one, and anybody may send them. */
  async #whileWaiting(socket: Socket, body: Promise<Uint8Array>): Promise<Uint8Array> {
    const below = this.#below.get(socket) ?? socket
    this.#room.end(below)
    try {
      return await body
    } finally {
      this.#room.begin(below)
    }
  }

  #begin(socket: Socket, response: ServerResponse): void {
    const below = this.#below.get(socket) ?? socket
    this.#busy.add(socket)
    this.#room.begin(below)
    const done = (): void => {
      // Both events come; the next request may have begun between them.
      if (isDone) return
      isDone = true
      this.#busy.delete(socket)
      this.#room.end(below)
    }
    let isDone = false
    response.once('finish', done).once('close', done)
  }

  /** From now on the connection is one with a request under way, which does not give way to others. */
  async #upgrade(webSockets: WebSockets, request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    // Node no longer looks after it.
    socket.on('error', () => socket.destroy())
    if (this.#busy.has(socket)) return void socket.destroy()
    this.#busy.add(socket)
    this.#room.begin(this.#below.get(socket) ?? socket)
    const api = await this.#api()
    const asked = { ...headOf(request, this.#isLocal, this.#certificateOf(socket)), isUpgrade: true } as const
    const { upgrade, status, headers, body } = await api.answer(asked, noBody)
    if (upgrade === undefined) {
      return webSockets.refuse(socket, status, body.map(String).join(''), headers['Content-Type'] ?? '')
    }
    if (!this.server.listening) return void socket.destroy()
    const close = (): void => void socket.destroy()
    this.#followers.add(close)
    socket.once('close', () => this.#followers.delete(close))
    webSockets.open(request, socket, head, upgrade)
  }

  /**
   * The answers would have to wait for each other, and nothing would limit how many there are. Only one is given: a
   * chunk may contain thousands of requests, and anybody may send it.
   */
  #refusePipelining(socket: Socket, response: ServerResponse): void {
    if (this.#refused.has(socket)) return
    this.#refused.add(socket)
    // What follows would be parsed for nothing.
    socket.pause()
    response.shouldKeepAlive = false
    send(response, problemAnswer(new Problem('ERR_RATE', 'send the next request after the answer to this one')), false)
  }
}

function isForConsole({ url = '', headers }: IncomingMessage): boolean {
  return url.split('?', 1)[0] === CONSOLE_PATH && headers.upgrade?.toLowerCase() === 'websocket'
}

function noBody(): Promise<Uint8Array> {
  return Promise.resolve(new Uint8Array())
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}

function headOf(
  { method = '', url = '', headers, socket }: IncomingMessage,
  isLocal: boolean,
  certificate: ClientCertificate | undefined,
): RequestHead {
  const isEncrypted = socket instanceof TLSSocket
  const address = isLocal ? LOCAL_ADDRESS : (plainAddress(socket.remoteAddress ?? '') ?? 'unknown')
  return { method, target: url, headers: headers as RequestHead['headers'], address, isEncrypted, certificate }
}
