/** Requests to the HTTP API of a broker in virtual time, without a socket. @module */
import { join } from 'node:path'
import { Events } from '../../../../src/reporting/events.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { resolveOptions, type ConfigInput } from '../../../../src/config/options.ts'
import { setAdminServices, type AdminServices } from '../../../../src/admin/admin-services.ts'
import { ApiKeys } from '../../../../src/admin/api-keys.ts'
import { History } from '../../../../src/admin/history/history.ts'
import { LoginLinks } from '../../../../src/admin/logins/login-links.ts'
import type { VerifyToken } from '../../../../src/admin/logins/provider-tokens.ts'
import { OperatorLogins } from '../../../../src/admin/logins/operator-logins.ts'
import { serverOf } from '../../../../src/broker/broker.ts'
import { Api } from '../../../../src/admin/http/api.ts'
import { AuditLog } from '../../../../src/admin/http/audit-log.ts'
import type { Answer, RequestHead } from '../../../../src/admin/http/request.ts'
import { PageFiles } from '../../../../src/admin/page/page-files.ts'
import type { AdminRole } from '../../../../src/broker/host/api-key-views.ts'
import { listLogger } from '../../../support/list-logger.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'
import { VirtualBroker } from '../../../support/virtual-broker.ts'
import { settled } from '../support.ts'

export const REMOTE = '192.0.2.9'

export interface Asked {
  /** A value that is sent as JSON, or bytes as they are. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Default: the Unix domain socket. */
  readonly address?: string
  readonly isEncrypted?: boolean
  /** The name in a certificate that the API trusts. */
  readonly certificateName?: string
  /** Of that certificate; default: one for each name. */
  readonly fingerprint?: string
  /** Whether it still is. */
  readonly isTrusted?: () => boolean
  /** Aborted when the caller leaves. */
  readonly signal?: AbortSignal
}

export interface Got {
  readonly status: number
  readonly headers: Answer['headers']
  readonly text: string
  /** Of a body in JSON. */
  readonly value: unknown
}

export interface ProblemDocument {
  readonly status: number
  readonly title: string
  readonly code: string
  readonly detail: string
  readonly parameter?: string
  readonly expected?: string
  readonly limit?: number
  readonly option?: string
}

export class TestApi {
  readonly test: VirtualBroker
  readonly api: Api
  readonly audit: AuditLog
  readonly services: AdminServices
  readonly log: { readonly lines: string[] }

  constructor(test: VirtualBroker, api: Api, services: AdminServices, log: { readonly lines: string[] }) {
    this.test = test
    this.api = api
    this.services = services
    this.audit = services.audit
    this.log = log
  }

  /** @param tokens what stands in for the OpenID provider */
  static async start(
    admin: ConfigInput['admin'] = {},
    config: ConfigInput = {},
    page: PageFiles = new PageFiles([]),
    tokens: VerifyToken = () => Promise.reject(new Error('nobody asks')),
  ): Promise<TestApi> {
    const test = await VirtualBroker.start(config)
    const options = resolveOptions({ ...config, admin: { socket: join(scratchFolder(), 'admin.sock'), ...admin } })
    const log = listLogger()
    const host = { clock: test.clock, log, events: new Events(silentLogger) }
    const keys = await ApiKeys.open(options.admin!.keysFile, test.clock)
    const { auditFile, maxAuditBytes } = options.admin!
    const audit = new AuditLog(auditFile, maxAuditBytes, log)
    const logins = new OperatorLogins(test.clock, options.admin!)
    const links = new LoginLinks(test.clock)
    const history = new History(test.broker, host, options.admin!.historyFile)
    history.start()
    const urls = (): string[] => ['http://localhost:8083']
    const services: AdminServices = { keys, audit, logins, links, history, urls, certificates: () => [] }
    setAdminServices(test.broker, services)
    const { directory } = serverOf(test.broker)
    // To check a real one takes a thread.
    const checkPassword = async (user: string, password: string): Promise<boolean> =>
      directory.get('user', user)?.entry.passwordHash !== undefined && password === passwordOf(user)
    const openTokens = async () => (token: string) => tokens(token)
    const api = new Api(test.broker, options, host, services, { checkPassword, openTokens }, page)
    return new TestApi(test, api, services, log)
  }

  /** @param path and query, below `/api/v1` unless it begins with two slashes, of which one is left out */
  async ask(method: string, path: string, asked: Asked = {}): Promise<Got> {
    const { body, address = '', isEncrypted = false, signal } = asked
    const bytes = bytesOf(body)
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const headers = { host: 'localhost', ...type, ...asked.headers }
    const target = path.startsWith('//') ? path.slice(1) : `/api/v1${path}`
    const head: RequestHead = {
      method,
      target,
      headers,
      address,
      isEncrypted,
      certificate: certificateOf(asked),
      ...(signal && { signal }),
    }
    const answer = await settled(
      this.test,
      this.api.answer(head, () => Promise.resolve(bytes)),
    )
    const text = Buffer.concat(answer.body.map((piece) => Buffer.from(piece as string))).toString()
    const isJson = /json/.test(answer.headers['Content-Type'] ?? '')
    return { status: answer.status, headers: answer.headers, text, value: isJson ? JSON.parse(text) : undefined }
  }

  /** Applies other options of the API. */
  reload(admin: ConfigInput['admin']): void {
    const socket = join(scratchFolder(), 'admin.sock')
    this.api.configure(resolveOptions({ admin: { socket, ...admin } }), this.services.keys)
  }

  /** A new key of that role, as a header. */
  async key(
    role: AdminRole,
    expiresInSeconds?: number,
  ): Promise<{ readonly keyId: string; readonly headers: { authorization: string } }> {
    const { keyId, key } = await this.test.broker.admin.createApiKey({ name: role, role, expiresInSeconds })
    return { keyId, headers: { authorization: `Bearer ${key}` } }
  }

  /** The document of a request that is refused. */
  async problem(method: string, path: string, asked: Asked = {}): Promise<ProblemDocument> {
    const { headers, value } = await this.ask(method, path, asked)
    if (headers['Content-Type'] !== 'application/problem+json') throw new Error(`${method} ${path} was not refused`)
    return value as ProblemDocument
  }

  async close(): Promise<void> {
    await this.services.history.close()
    await this.test.close()
  }
}

/** The right password of a user. */
export const passwordOf = (userName: string): string => `password of ${userName}`

function certificateOf({ certificateName: name, fingerprint = name, isTrusted = () => true }: Asked) {
  return name === undefined ? undefined : { name, fingerprint: fingerprint!, isTrusted }
}

function bytesOf(body: unknown): Uint8Array {
  if (body === undefined) return new Uint8Array()
  return body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body))
}
