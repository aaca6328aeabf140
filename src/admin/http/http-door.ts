/**
 * Where the HTTP API is served: on a Unix domain socket, on a TCP address, or on both. What answers requests is loaded
 * with the first of them.
 *
 * @module
 */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server } from 'node:net'
import { serverOf, type Broker } from '../../broker/broker.ts'
import type { AdminChange, AdminDoor, AdminHandlerOptions, AdminHost } from '../../broker/host/admin-door.ts'
import type { ListenerCertificate } from '../../broker/host/open-listeners.ts'
import type { Directory } from '../../access/directory/directory.ts'
import type { Clock } from '../../base/clock.ts'
import type { ListenerOptions } from '../../config/options.ts'
import type { AdminOpenidOptions } from '../../config/option-types.ts'
import type { AdminOptions, Options } from '../../config/resolved-options.ts'
import { ConfigError } from '../../base/errors.ts'
import { MadeOnce } from '../made-once.ts'
import { messageOf } from '../../base/thrown.ts'
import { setAdminServices, type AdminServices } from '../admin-services.ts'
import { ApiKeys } from '../api-keys.ts'
import { History } from '../history/history.ts'
import { LoginLinks } from '../logins/login-links.ts'
import { OperatorLogins } from '../logins/operator-logins.ts'
import type { VerifyToken } from '../logins/provider-tokens.ts'
import type { Credentials } from './api.ts'
import { AuditLog } from './audit-log.ts'
import { HttpServer, type WebSockets } from './http-server.ts'
import type { TlsFiles } from './trusted-certificates.ts'

/** Makes a server listen, and explains why it cannot: as listeners do. */
export type Listen = (
  server: Server,
  options: Pick<ListenerOptions, 'name' | 'type' | 'host' | 'port' | 'path' | 'mode' | 'group' | 'ipv6Only'>,
  listenerAt: (address: string, port: number) => string | undefined,
) => Promise<void>

type CertificateOptions = Pick<
  ListenerOptions,
  'name' | 'certfile' | 'keyfile' | 'keyfilePasswordFile' | 'cafile' | 'certificates' | 'minTlsVersion'
> &
  Pick<ListenerOptions, 'certificateWarningDays'>

/** What listeners have as well, and is handed in because they are on the same floor. */
export interface Sockets {
  readonly listen: Listen
  /** Reads and checks the files of TLS. */
  readonly loadCertificates: (options: CertificateOptions) => Promise<Loaded>
  /** What makes WebSockets of requests for a console. */
  readonly webSockets: (clock: Clock) => WebSockets
  /** Loads what checks the passwords of users. */
  readonly openPasswords: (directory: Directory, clock: Clock) => Promise<Passwords>
  /** Loads what verifies tokens of an OpenID provider. */
  readonly openTokens: (options: AdminOpenidOptions, clock: Clock) => Promise<VerifyToken>
}

interface Passwords {
  check(userName: string, password: string): Promise<boolean>
  close(): Promise<void>
}

interface Loaded extends TlsFiles {
  readonly summary: readonly ListenerCertificate[]
  warnings(nowMs: number): string[]
}

type Address = Parameters<Listen>[1] & { readonly isEncrypted: boolean }

/** @throws {ConfigError} `ERR_LISTENER_…` if an address cannot be opened */
export async function openHttpDoor(
  broker: Broker,
  options: Options,
  host: AdminHost,
  sockets: Sockets,
): Promise<AdminDoor> {
  const keys = await ApiKeys.open(options.admin!.keysFile, host.clock)
  const door = new HttpDoor(broker, options, host, sockets, keys)
  ;(await door.prepare(options)).commit()
  return door
}

interface OpenPlace {
  readonly address: Address
  readonly http: HttpServer
}

class HttpDoor implements AdminDoor {
  readonly #broker: Broker
  readonly #host: AdminHost
  readonly #sockets: Sockets
  #keys: ApiKeys
  readonly #audit: AuditLog
  readonly #logins: OperatorLogins
  readonly #links: LoginLinks
  readonly #history: History
  readonly #passwords = new MadeOnce(() =>
    this.#sockets.openPasswords(serverOf(this.#broker).directory, this.#host.clock),
  )
  #options: Options
  #certificates: readonly ListenerCertificate[] = []
  #places: readonly OpenPlace[] = []
  /** No longer open, but with connections. */
  readonly #retired = new Set<HttpServer>()
  readonly #api = new MadeOnce(async () => {
    const { Api: ApiOf } = await import('./api.ts')
    return new ApiOf(this.#broker, this.#options, this.#host, this.#services, this.#credentials)
  })
  readonly #mounted = new MadeOnce(async () => {
    const { MountedApi: Mounted } = await import('./mounted-api.ts')
    return new Mounted(this.#options, () => this.#api.get())
  })

  constructor(broker: Broker, options: Options, host: AdminHost, sockets: Sockets, keys: ApiKeys) {
    this.#keys = keys
    const { auditFile, maxAuditBytes } = options.admin!
    this.#audit = new AuditLog(auditFile, maxAuditBytes, host.log, (lines) => {
      if (broker.state === 'started') serverOf(broker).metrics.adminAuditLinesLost += lines
    })
    this.#logins = new OperatorLogins(host.clock, options.admin!)
    this.#logins.onCrowded = () => {
      if (broker.state !== 'started') return
      serverOf(broker).metrics.adminOverLimit++
      host.events.emit('limitReached', { option: 'admin.max-logins', owner: '' })
    }
    this.#links = new LoginLinks(host.clock)
    this.#history = new History(broker, host, options.admin!.historyFile)
    this.#broker = broker
    this.#options = options
    this.#host = host
    this.#sockets = sockets
  }

  get urls(): readonly string[] {
    return this.#places.map(urlOf)
  }

  get certificates(): readonly ListenerCertificate[] {
    return this.#certificates
  }

  get #services(): AdminServices {
    const urls = (): readonly string[] => [
      ...this.#places.filter(({ address }) => address.type === 'tcp').map(browserUrlOf),
      ...(this.#host.mountUrls?.() ?? []),
    ]
    return {
      keys: this.#keys,
      audit: this.#audit,
      logins: this.#logins,
      links: this.#links,
      history: this.#history,
      urls,
      certificates: () => this.#certificates,
    }
  }

  async prepare(options: Options): Promise<AdminChange> {
    const wanted = addressesOf(options.admin!)
    const loaded = await this.#loadTls(options.admin!)
    const staying = this.#places.filter((place) => wanted.some((address) => isSame(address, place.address)))
    const coming = wanted.filter((address) => !staying.some((place) => isSame(address, place.address)))
    const isSameFile = options.admin!.keysFile === this.#options.admin!.keysFile
    const keys = isSameFile ? this.#keys : await ApiKeys.open(options.admin!.keysFile, this.#host.clock)
    const leaving = this.#places.filter((place) => !staying.includes(place))
    const opened: OpenPlace[] = []
    const paused: OpenPlace[] = []
    const abandon = async (): Promise<void> => {
      await Promise.all(opened.map(({ http }) => http.close()))
      for (const place of paused) await this.#resume(place)
    }
    const open = async (address: Address): Promise<void> => {
      const place = await this.#open(address, options, loaded)
      if (place !== undefined) opened.push(place)
    }
    try {
      for (const address of coming) {
        await open(address).catch((error: unknown) => {
          const inTheWay = leaving.filter((place) => !paused.includes(place) && isInTheWay(place, address, error))
          if (inTheWay.length === 0) throw error
          for (const place of inTheWay) place.http.pause()
          paused.push(...inTheWay)
          return open(address)
        })
      }
    } catch (error) {
      await abandon()
      throw error
    }
    return { commit: () => this.#commit(options, keys, [...staying, ...opened], loaded), abandon }
  }

  #commit(options: Options, keys: ApiKeys, places: readonly OpenPlace[], tls: Loaded | undefined): void {
    const before = this.#places
    this.#places = places
    this.#options = options
    this.#keys = keys
    this.#certificates = tls?.summary ?? []
    this.#audit.path = options.admin!.auditFile
    this.#audit.maxBytes = options.admin!.maxAuditBytes
    this.#history.path = options.admin!.historyFile
    this.#history.start()
    this.#logins.limits = options.admin!
    setAdminServices(this.#broker, this.#services)
    void this.#api.ifMade((api) => api.configure(options, keys))
    void this.#mounted.ifMade((mounted) => void (mounted.options = options))
    for (const { http } of before.filter((place) => !places.includes(place))) this.#retire(http)
    for (const { http } of places) {
      http.options = options
      if (tls !== undefined) http.renew(tls)
    }
    for (const place of places.filter((one) => !before.includes(one))) this.#announce(place)
  }

  /** Listens again where a place had made room for another one. */
  async #resume(place: OpenPlace): Promise<void> {
    const { address, http } = place
    const isClosed = (): boolean => !this.#places.includes(place)
    if (isClosed()) return
    try {
      await this.#sockets.listen(http.server, address, () => undefined)
      if (isClosed()) await http.close()
    } catch (error) {
      this.#host.log.error({ err: error }, `the HTTP API is no longer served: ${messageOf(error)}`)
    }
  }

  #retire(http: HttpServer): void {
    this.#retired.add(http)
    void http.retire(this.#host.clock).then(() => this.#retired.delete(http))
  }

  /** The socket of every program is at the same place, which is not worth a line. */
  #announce(place: OpenPlace): void {
    const url = urlOf(place)
    this.#host.log[place.address.type === 'unix' ? 'debug' : 'info'](
      { url },
      `the page for operators and the HTTP API are served at ${url}`,
    )
  }

  /** @returns `undefined` for an address that nobody has asked for and that cannot be opened */
  async #open(address: Address, options: Options, tls: Loaded | undefined): Promise<OpenPlace | undefined> {
    const isLocal = address.type === 'unix'
    const wallNow = (): number => this.#host.clock.wallNow()
    const webSockets = this.#sockets.webSockets(this.#host.clock)
    const tlsFiles = isLocal ? undefined : tls
    const http = new HttpServer(options, isLocal, tlsFiles, () => this.#api.get(), wallNow, webSockets)
    // The folder of the store exists only if something is stored.
    if (address.type === 'unix') await mkdir(dirname(address.path), { recursive: true, mode: 0o700 }).catch(() => {})
    const listenerAt = (_: string, port: number): string | undefined =>
      this.#broker.listeners.find((listener) => listener.port === port)?.name
    try {
      await this.#sockets.listen(http.server, address, listenerAt)
      return { address, http }
    } catch (error) {
      if (isLocal ? options.admin!.isSocketAsked : options.admin!.isBindAsked) throw error
      const what = isLocal ? 'there is no socket for commands' : 'the HTTP API is not served over TCP'
      this.#host.log.warn(`${what}: ${messageOf(error)}`)
      return undefined
    }
  }

  /** @throws {ConfigError} if a file cannot be used */
  async #loadTls(options: AdminOptions): Promise<Loaded | undefined> {
    if (!options.ssl || options.bind === undefined) return undefined
    const fixed = {
      name: 'admin',
      certificates: [],
      minTlsVersion: '1.2',
    } as const
    const certificates = await this.#sockets.loadCertificates({ ...options, ...fixed })
    for (const warning of certificates.warnings(this.#host.clock.wallNow())) this.#host.log.warn(warning)
    return certificates
  }

  get #credentials(): Credentials {
    return {
      checkPassword: (...what) => this.#checkPassword(...what),
      openTokens: (options) => this.#sockets.openTokens(options, this.#host.clock),
    }
  }

  async #checkPassword(userName: string, password: string): Promise<boolean> {
    return (await this.#passwords.get()).check(userName, password)
  }

  serve(request: IncomingMessage, response: ServerResponse, mount: AdminHandlerOptions): void {
    this.#mounted
      .get()
      .then((mounted) => mounted.serve(request, response, mount))
      .catch((error: unknown) => {
        this.#host.log.error({ err: error }, 'a request to the HTTP API failed')
        response.destroy()
      })
  }

  async close(): Promise<void> {
    void this.#mounted.ifMade((mounted) => mounted.close())
    const places = this.#places
    this.#places = []
    setAdminServices(this.#broker, undefined)
    const api = this.#api.ifMade((loaded) => loaded.close())
    const servers = [...places.map(({ http }) => http), ...this.#retired]
    const passwords = this.#passwords.ifMade((opened) => opened.close())
    await Promise.all([api, passwords, this.#history.close(), ...servers.map((http) => http.close())])
  }
}

function addressesOf({ bind, socket, ssl }: AdminOptions): Address[] {
  const common = { name: 'admin', mode: '', group: '', ipv6Only: false, host: '', port: 0, path: '' }
  const local: Address = { ...common, type: 'unix', path: socket, mode: '0600', isEncrypted: false }
  const remote: Address = { ...common, type: 'tcp', ...bind, isEncrypted: ssl }
  return [...(socket === '' ? [] : [local]), ...(bind === undefined ? [] : [remote])]
}

function isSame(one: Address, other: Address): boolean {
  return (['type', 'host', 'port', 'path', 'isEncrypted'] as const).every((key) => one[key] === other[key])
}

/**
 * Whether that address, which is to be given up, keeps another one from being opened: TLS is turned on, or only the
 * host differs.
 */
function isInTheWay({ http }: OpenPlace, { type, port }: Address, error: unknown): boolean {
  if (type === 'unix' || !(error instanceof ConfigError) || error.code !== 'ERR_LISTENER_IN_USE') return false
  const bound = http.server.address()
  return typeof bound === 'object' && bound !== null && bound.port === port
}

/** An address of every interface is none to type. */
function browserUrlOf(place: OpenPlace): string {
  return urlOf(place).replace(/\/\/(0\.0\.0\.0|\[::\])(?=:)/, '//localhost')
}

function urlOf({ address, http }: OpenPlace): string {
  const bound = http.server.address()
  if (typeof bound !== 'object' || bound === null) return `unix:${address.path}`
  const scheme = address.isEncrypted ? 'https' : 'http'
  return `${scheme}://${bound.address.includes(':') ? `[${bound.address}]` : bound.address}:${bound.port}`
}
