/**
 * The HTTP API for operators, as the broker sees it: opened with the broker, changed by a reload, closed with it.
 * `src/admin/http` implements it, and is loaded only if `admin` is configured.
 *
 *   reload ──> prepare: what is new opens ──> everything else of the reload ──> commit: what is no longer wanted closes
 *                                                     └── fails ──> abandon: what has just opened closes
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { UsageError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import { show } from '../../base/show.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Options } from '../../config/options.ts'
import type { Events } from '../../reporting/events.ts'
import type { ListenerCertificate } from './open-listeners.ts'

/** The parts that the API uses besides the broker itself. */
export interface AdminHost {
  readonly clock: Clock
  readonly log: Logger
  readonly events: Events
  /** Where programs say that browsers find it on their own servers. */
  readonly mountUrls?: () => readonly string[]
}

/** How the host program serves the API on its own HTTP server. */
export interface AdminHandlerOptions {
  /**
   * The path below which the program serves it, such as `/broker`. Default: none, also for frameworks that cut off the
   * path themselves.
   */
  readonly path?: string
  /** Whether browsers come through TLS, which a proxy may end. Default: whether the connection uses TLS. */
  readonly isEncrypted?: boolean
  /**
   * The IP address of the peer, if proxies are in front of the program: from a header that they set and nobody else
   * can. Default: that of the connection.
   */
  readonly addressOf?: (request: IncomingMessage) => string
  /** Where browsers find it, such as `https://example.com/broker`: for links to log in. Default: not known. */
  readonly url?: string
}

/** Answers a request of `node:http`, or of a framework that passes them on. */
export type AdminHandler = (request: IncomingMessage, response: ServerResponse) => void

/** A change that is prepared; one of its methods has to be called. */
export interface AdminChange {
  /** Applies the new options. */
  commit(): void
  /** Leaves everything as it was. */
  abandon(): Promise<void>
}

/** The open API. */
export interface AdminDoor {
  /** Where it is served, such as `unix:/run/sluice/admin.sock` and `http://127.0.0.1:8083`. */
  readonly urls: readonly string[]
  /** Empty without TLS. */
  readonly certificates: readonly ListenerCertificate[]
  /**
   * Opens everything that new options add.
   *
   * @throws {ConfigError} if something cannot be opened or used; nothing has changed then
   */
  prepare(options: Options): Promise<AdminChange>
  /** Answers a request to the host program's own server. */
  serve(request: IncomingMessage, response: ServerResponse, options: AdminHandlerOptions): void
  /** Closes everything at once, including requests in progress. */
  close(): Promise<void>
}

/** @throws {ConfigError} as `AdminDoor.prepare` */
export type OpenAdmin = (options: Options, host: AdminHost) => Promise<AdminDoor>

/** The API of one broker, which may have none. */
export class AdminDoors {
  #door: AdminDoor | undefined = undefined
  #change: AdminChange | undefined = undefined
  readonly #open: OpenAdmin
  readonly #host: AdminHost
  /** Of handlers. */
  readonly #urls = new Set<string>()

  constructor(open: OpenAdmin, host: AdminHost) {
    this.#open = open
    this.#host = { ...host, mountUrls: () => [...this.#urls] }
  }

  /** @throws {UsageError} for options that cannot be */
  handler(options: AdminHandlerOptions): AdminHandler {
    const checked = checkedHandler(options)
    if (checked.url !== undefined) this.#urls.add(checked.url)
    return (request, response) => {
      if (this.#door !== undefined) return this.#door.serve(request, response, checked)
      response.writeHead(503, { 'Content-Type': 'text/plain' }).end('this broker serves no HTTP API now\n')
    }
  }

  get door(): AdminDoor | undefined {
    return this.#door
  }

  /** @throws {ConfigError} as `AdminDoor.prepare` */
  async open(options: Options): Promise<void> {
    if (options.admin !== undefined) this.#door = await this.#open(options, this.#host)
  }

  /** @throws {ConfigError} as `AdminDoor.prepare` */
  async prepare(options: Options): Promise<void> {
    const door = this.#door
    if (options.admin === undefined) {
      this.#change = { commit: () => void this.close(), abandon: () => Promise.resolve() }
    } else if (door === undefined) {
      const opened = await this.#open(options, this.#host)
      this.#change = { commit: () => (this.#door = opened), abandon: () => opened.close() }
    } else {
      this.#change = await door.prepare(options)
    }
  }

  commit(): void {
    const change = this.#change
    this.#change = undefined
    change?.commit()
  }

  async abandon(): Promise<void> {
    const change = this.#change
    this.#change = undefined
    await change?.abandon()
  }

  async close(): Promise<void> {
    const door = this.#door
    this.#door = undefined
    await door?.close()
  }
}

const HANDLER_KEYS: readonly (keyof AdminHandlerOptions)[] = ['path', 'isEncrypted', 'addressOf', 'url']

/** @throws {UsageError} */
function checkedHandler(options: AdminHandlerOptions): AdminHandlerOptions {
  for (const key of Object.keys(options)) {
    if ((HANDLER_KEYS as readonly string[]).includes(key)) continue
    const near = nearest(key, HANDLER_KEYS)
    const hint = near === undefined ? `it has ${HANDLER_KEYS.join(', ')}` : `did you mean ${near}?`
    throw new UsageError(`adminHandler has no option ${show(key)}; ${hint}`)
  }
  const { path = '', url } = options
  if (path !== '' && !/^(\/[^/?#]+)*\/?$/.test(path)) {
    throw new UsageError(`adminHandler: path must be one such as /broker, got ${show(path)}`)
  }
  if (url !== undefined && !/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : '')) {
    throw new UsageError(`adminHandler: url must be an http or https address, got ${show(url)}`)
  }
  return { ...options, path: path.replace(/\/$/, ''), ...(url !== undefined && { url: url.replace(/\/$/, '') }) }
}
