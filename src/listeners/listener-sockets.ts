/**
 * The sockets of one listener, one for each address of its `bind`. A name may have several, such as 127.0.0.1 and ::1.
 *
 *   bind ──> addresses ──> listening?  all          ──> open
 *               ^                      some, or none ──> `retry: on`: open those that work, and retry the others
 *               └──── pause: 1 s, 2 s, 4 s … 60 s ───────┘
 *
 * Without `retry`, an address that cannot be opened fails the start. Of a name's addresses, those that this machine
 * does not have (such as ::1 with IPv6 disabled) are only reported, as long as another one works.
 *
 * @module
 */
import { lookup } from 'node:dns/promises'
import { createServer, isIP, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Timer } from '../base/clock.ts'
import type { ConfigError } from '../base/errors.ts'
import { stayAlive } from '../turn/clock.ts'
import { isLoopback } from '../config/listener-checks.ts'
import type { ListenerOptions } from '../config/options.ts'
import type { ListenerHost } from './host.ts'
import { isAbsent, listen, isTransient, openError } from './socket-address.ts'

/** The pause before the second try; it doubles with each further one. */
const FIRST_PAUSE_MS = 1000
/** The longest pause. */
const LONGEST_PAUSE_MS = 60_000
/** With port 0: how many ports chosen by the system are tried until all addresses of a name have the same one. */
const MAX_PORTS = 10

/** The addresses of a host name. */
export type Resolver = (name: string) => Promise<readonly string[]>

/** Receives sockets, and reports about listening. */
export interface SocketsOwner {
  readonly host: ListenerHost
  entered(socket: Socket): void
  /** An address could not be opened. @param pauseMs delay until the next try; `undefined`: there is none */
  failed(error: ConfigError, pauseMs: number | undefined): void
  /** More addresses are open than before; called for those that opened after `open` and `change` had returned. */
  opened(): void
}

export async function resolveHost(name: string): Promise<readonly string[]> {
  const found = await lookup(name, { all: true })
  return found.map(({ address }) => address)
}

export class ListenerSockets {
  #options: ListenerOptions
  readonly #owner: SocketsOwner
  readonly #resolve: Resolver
  readonly #servers = new Map<string, Server>()
  /** Why some addresses are not open. */
  #missing: ConfigError | undefined
  #pauseMs = FIRST_PAUSE_MS
  #timer: Timer | undefined
  #alive: Timer | undefined
  #attempt: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(options: ListenerOptions, owner: SocketsOwner, resolve: Resolver) {
    this.#options = options
    this.#owner = owner
    this.#resolve = resolve
  }

  /** The open addresses: IP addresses, or the path of a Unix domain socket. */
  get addresses(): readonly string[] {
    return Array.from(this.#servers.values(), addressOf)
  }

  /** The same for all addresses; `undefined` for a Unix domain socket, and while none is open. */
  get port(): number | undefined {
    const [first] = this.#servers.values()
    const bound = first?.address()
    return typeof bound === 'object' ? bound?.port : undefined
  }

  /** @throws {ConfigError} if it cannot open and does not wait either; the caller has to close what is open by then */
  async open(): Promise<void> {
    await this.#openAll()
    const missing = this.#missing
    if (missing === undefined) return
    const { retry } = this.#options
    if (retry && isTransient(missing)) this.#wait(missing)
    else if (!retry && this.#servers.size > 0 && isAbsent(missing)) this.#owner.failed(missing, undefined)
    else throw missing
  }

  /**
   * Applies another `retry`; the address stays the same.
   *
   * @throws {ConfigError} if it must not wait any longer and still cannot open: nothing has changed then
   */
  async change(options: ListenerOptions): Promise<void> {
    const before = this.#options
    await this.#stopWaiting()
    this.#options = options
    if (this.#missing === undefined) return
    try {
      await this.open()
    } catch (error) {
      this.#options = before
      if (before.retry) this.#wait(error as ConfigError)
      throw error
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancel()
    this.#closeAll()
    await this.#attempt
  }

  async #stopWaiting(): Promise<void> {
    this.#cancel()
    await this.#attempt
    // The attempt may have ended in another pause.
    this.#cancel()
  }

  #cancel(): void {
    this.#timer?.cancel()
    this.#alive?.cancel()
    this.#alive = undefined
  }

  #wait(missing: ConfigError): void {
    const pauseMs = this.#pauseMs
    this.#pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
    this.#owner.failed(missing, pauseMs)
    // A program whose only listener waits has nothing else that keeps it running.
    this.#alive ??= stayAlive()
    this.#timer = this.#owner.host.clock.setTimer(pauseMs, () => {
      this.#attempt = this.#tryAgain()
    })
  }

  async #tryAgain(): Promise<void> {
    const before = this.#servers.size
    await this.#openAll()
    if (this.#isClosed) return
    if (this.#servers.size > before) this.#owner.opened()
    // At the start a mistake would be fatal; now it is waited for, like any other error.
    if (this.#missing !== undefined) return this.#wait(this.#missing)
    this.#pauseMs = FIRST_PAUSE_MS
    this.#cancel()
  }

  /** Opens the addresses that are not open yet; the error of one that cannot be opened is left in `#missing`. */
  async #openAll(): Promise<void> {
    const addresses = await this.#resolved()
    for (let tries = 1; addresses !== undefined; tries++) {
      const wasEmpty = this.#servers.size === 0
      await this.#openEach(addresses)
      const isOdd = this.#missing?.code === 'ERR_LISTENER_IN_USE' && this.#options.port === 0
      if (!isOdd || !wasEmpty || tries === MAX_PORTS) break
      this.#closeAll()
    }
    if (this.#isClosed) this.#closeAll()
  }

  /** @returns `undefined` if the name has no address at present */
  async #resolved(): Promise<readonly string[] | undefined> {
    const { type, host } = this.#options
    if (type === 'unix' || host === '' || isIP(host.split('%', 1)[0]!) !== 0) return [host]
    try {
      const found = [...new Set(await this.#resolve(host))]
      // A listener on `localhost` may accept anonymous clients: whatever the hosts file contains, it must not be
      // reachable from outside.
      const meant = host.toLowerCase() === 'localhost' ? found.filter(isLoopback) : found
      if (meant.length > 0) return meant
      throw Object.assign(new Error(`${host} has no address`), { code: 'ENOTFOUND' })
    } catch (cause) {
      this.#missing = openError(this.#options, cause as NodeJS.ErrnoException)
      return undefined
    }
  }

  async #openEach(addresses: readonly string[]): Promise<void> {
    this.#missing = undefined
    for (const address of addresses) {
      if (this.#servers.has(address) || this.#isClosed) continue
      try {
        this.#servers.set(address, await this.#openOne(address))
      } catch (error) {
        // The first error that is more than an absent address is kept.
        if (this.#missing === undefined || isAbsent(this.#missing)) this.#missing = error as ConfigError
      }
    }
  }

  async #openOne(address: string): Promise<Server> {
    const { host } = this.#owner
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    server.on('connection', (socket) => this.#owner.entered(socket))
    const place = { ...this.#options, host: address, port: this.port ?? this.#options.port }
    await listen(server, place, (...where) => host.listenerAt(...where))
    server.on('error', (error) => acceptFailed(host, place.name, error))
    return server
  }

  #closeAll(): void {
    for (const server of this.#servers.values()) server.close()
    this.#servers.clear()
  }
}

function addressOf(server: Server): string {
  const bound = server.address() as AddressInfo | string
  return typeof bound === 'string' ? bound : bound.address
}

/** A connection could not be accepted: the system may have no file for it. */
export function acceptFailed(host: ListenerHost, listener: string, error: NodeJS.ErrnoException): void {
  if (error.code === 'EMFILE' || error.code === 'ENFILE') host.lostToFiles()
  else host.log.error({ listener, err: error }, 'accepting a connection failed')
}
