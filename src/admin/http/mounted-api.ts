/**
 * The API behind a path of the host program's own HTTP server.
 *
 *   program ──its own routes, limits, time-outs──> handler ──path is cut off──> Api ──the same locks──> answer
 *
 * Of what the program and its proxies say about a request, only what the program says here is believed: a header such
 * as `X-Forwarded-For` may come from anybody. No request is ever that of the local administrator, and certificates that
 * the program has accepted are its own affair.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { TLSSocket } from 'node:tls'
import { plainAddress } from '../../access/address.ts'
import type { AdminHandlerOptions } from '../../broker/host/admin-door.ts'
import type { Options } from '../../config/resolved-options.ts'
import type { Api } from './api.ts'
import { bodyOf, follow, lossOf, send } from './exchange.ts'
import { Problem, problemAnswer } from './problem.ts'
import type { RequestHead } from './request.ts'
import { notFound } from './routes.ts'

export class MountedApi {
  options: Options
  readonly #api: () => Promise<Api>
  readonly #followers = new Set<() => void>()
  #isClosed = false

  /** @param api is asked for with the first request */
  constructor(options: Options, api: () => Promise<Api>) {
    this.options = options
    this.#api = api
  }

  async serve(request: IncomingMessage, response: ServerResponse, mount: AdminHandlerOptions): Promise<void> {
    const target = targetOf(request, mount.path ?? '')
    if (target === undefined) return send(response, problemAnswer(notFound()), request.method === 'HEAD')
    if (typeof target === 'object') return redirect(response, target.location)
    const { maxRequestBytes, requestTimeout } = this.options.admin!
    const readBody = (maxBytes?: number): Promise<Uint8Array> =>
      bodyOf(request, Math.min(maxRequestBytes, maxBytes ?? Infinity), maxBytes === undefined)
    const api = await this.#api()
    const answer = await api.answer({ ...headOf(request, target, mount), signal: lossOf(response) }, readBody)
    if (!request.complete) response.shouldKeepAlive = false
    if (answer.follow === undefined) return send(response, answer, request.method === 'HEAD')
    const isOver = request.method === 'HEAD' || this.#isClosed
    follow(response, answer, { isOver, timeoutMs: requestTimeout * 1000, followers: this.#followers })
  }

  /** Ends those who follow events. */
  close(): void {
    this.#isClosed = true
    for (const end of this.#followers) end()
  }
}

/**
 * @returns path and query below `path`; where to go instead, for relative links to work; `undefined` if it is elsewhere
 */
function targetOf(request: IncomingMessage, path: string): string | { readonly location: string } | undefined {
  const { url = '' } = request
  // Frameworks cut off the path themselves, and keep it here.
  const { originalUrl = url } = request as { readonly originalUrl?: string }
  if (!url.startsWith(path)) return undefined
  const target = url.slice(path.length)
  if (target === '' || target.startsWith('?') || isWithoutSlash(originalUrl, url)) {
    // Below this server, also if the path begins with two slashes.
    return { location: `./${/[^/?]*(?=$|\?)/.exec(originalUrl)?.[0] ?? ''}/` }
  }
  return target.startsWith('/') ? target : undefined
}

function isWithoutSlash(originalUrl: string, url: string): boolean {
  return originalUrl !== url && url === '/' && !originalUrl.endsWith('/')
}

function redirect(response: ServerResponse, location: string): void {
  send(response, { status: 308, headers: { Location: location, 'Cache-Control': 'no-store' }, body: [] }, false)
}

function headOf(request: IncomingMessage, target: string, mount: AdminHandlerOptions): RequestHead {
  const { method = '', headers, socket } = request
  const { isEncrypted = socket instanceof TLSSocket, addressOf } = mount
  const address = plainAddress((addressOf?.(request) ?? socket.remoteAddress) || '') ?? 'unknown'
  return { method, target, headers: headers as RequestHead['headers'], address, isEncrypted }
}

/** For requests while there is no API. */
export function unavailable(response: ServerResponse): void {
  send(response, problemAnswer(new Problem('ERR_UNAVAILABLE', 'the broker serves no HTTP API now')), false)
}
