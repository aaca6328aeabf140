/**
 * The HTTP API without HTTP: a request becomes an answer.
 *
 *   rate ──> host, origin ──> /health, the page ──> who is it? ──> path, method ──> role ──> body ──> parameters ──> operation ──> audit
 *
 * The body is read only for those who may do what they ask for. Views are read in slices of turns, so that clients are
 * served meanwhile.
 *
 * @module
 */
import { logRefusal, silentLogger } from '../../base/log.ts'
import { messageOf } from '../../base/thrown.ts'
import { networkOf, addressList } from '../../access/address.ts'
import type { Directory } from '../../access/directory/directory.ts'
import { serverOf, type Broker } from '../../broker/broker.ts'
import type { Admin, CallOptions, OperationName } from '../../broker/host/admin.ts'
import type { AdminHost } from '../../broker/host/admin-door.ts'
import type { AdminRole } from '../../broker/host/api-key-views.ts'
import type { AdminOptions, Options } from '../../config/resolved-options.ts'
import { createAdmin } from '../admin.ts'
import type { AdminServices } from '../admin-services.ts'
import type { ApiKeys } from '../api-keys.ts'
import { withOfferedLogin } from '../console/console-login.ts'
import { CONSOLE_PATH } from '../console/console-protocols.ts'
import { CONSOLE_ROLE } from '../console/console-rights.ts'
import { Consoles } from '../console/consoles.ts'
import { LoginChecks } from '../logins/login-checks.ts'
import { ProviderTokens, type OpenTokens } from '../logins/provider-tokens.ts'
import type { Operation } from '../operation.ts'
import { PageFiles } from '../page/page-files.ts'
import { recordAction, whyNotRecorded } from '../record-action.ts'
import { PROMETHEUS_CONTENT_TYPE, prometheusText } from '../prometheus.ts'
import { auditedParameters } from './audited-parameters.ts'
import type { AuditLog } from './audit-log.ts'
import { followedTrace } from './trace-query.ts'
import { NO_TRACE, Streams } from './streams.ts'
import { Health } from './health.ts'
import { checkHost } from './host-check.ts'
import { LimitReports } from './limit-reports.ts'
import { writeJson } from './json-output.ts'
import { Locks, nameOf } from './locks.ts'
import { LoginRequests, MAX_LOGIN_BYTES, type CheckPassword } from './login-requests.ts'
import { openApiText } from './openapi.ts'
import { callerOf, checkRole, type Principal } from './principal.ts'
import { Problem, problemAnswer, problemOf } from './problem.ts'
import { jsonAnswer, LOCAL_ADDRESS, type Answer, type RequestHead } from './request.ts'
import { bodyOf, jsonOf, type ReadBody } from './request-body.ts'
import { requestParameters } from './request-parameters.ts'
import { RequestRate } from './request-rate.ts'
import { API_ROOT, findRoute, methodProblem, notFound, targetOf, type FoundRoute } from './routes.ts'

const COMMON_HEADERS: Answer['headers'] = {
  'Cache-Control': 'private, no-cache',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

/** What checks the credentials that are not kept here. */
export interface Credentials {
  readonly checkPassword: CheckPassword
  readonly openTokens: OpenTokens
}

export class Api {
  readonly #broker: Broker
  readonly #host: AdminHost
  readonly #admin: Admin
  readonly #locks: Locks
  readonly #logins: LoginRequests
  readonly #checks: LoginChecks
  readonly #tokens: ProviderTokens
  readonly #audit: AuditLog
  readonly #health: Health
  readonly #streams: Streams
  readonly #consoles: Consoles
  readonly #rate: RequestRate
  readonly #limits: LimitReports
  readonly #page: PageFiles
  #options: Options
  #mayReadMetrics: (address: string) => boolean

  /** @param page what is served at `/` */
  constructor(
    broker: Broker,
    options: Options,
    host: AdminHost,
    services: AdminServices,
    { checkPassword, openTokens }: Credentials,
    page: PageFiles = new PageFiles(),
  ) {
    const { keys, audit, logins, links } = services
    this.#page = page
    this.#broker = broker
    this.#host = host
    this.#admin = createAdmin(broker)
    this.#checks = new LoginChecks(options, host)
    this.#tokens = new ProviderTokens(openTokens, this.#checks, host, options.admin!)
    this.#locks = new Locks({ keys, logins, checks: this.#checks, tokens: this.#tokens }, options)
    const directory = (): Directory => serverOf(broker).directory
    this.#logins = new LoginRequests({ logins, links, checks: this.#checks, directory, checkPassword })
    this.#audit = audit
    this.#health = new Health(broker, host.clock)
    this.#streams = new Streams(
      broker,
      host,
      () => this.#settings,
      () => this.overLimit('admin.max-event-readers', ''),
    )
    this.#options = options
    this.#consoles = new Consoles(broker, host, () => this.#options)
    this.#limits = new LimitReports(broker)
    this.#rate = new RequestRate(this.#settings.maxRequestRate)
    this.#mayReadMetrics = addressList(this.#settings.metricsNetworks)
  }

  get #settings(): AdminOptions {
    return this.#options.admin!
  }

  /** Applies new options to requests from now on. */
  configure(options: Options, keys: ApiKeys): void {
    this.#options = options
    this.#locks.configure(options, keys)
    this.#checks.configure(options)
    this.#tokens.configure(options.admin!)
    this.#consoles.configure()
    this.#rate.perSecond = this.#settings.maxRequestRate
    this.#mayReadMetrics = addressList(this.#settings.metricsNetworks)
  }

  /** @returns the answer, whatever happens */
  async answer(head: RequestHead, readBody: ReadBody): Promise<Answer> {
    const isHead = head.method === 'HEAD'
    const asked = isHead ? { ...head, method: 'GET' } : head
    const answer = await this.#answer(asked, readBody).catch((error: unknown) => this.#refusal(error, head))
    return { ...answer, headers: { ...COMMON_HEADERS, ...answer.headers } }
  }

  #refusal(error: unknown, { signal, address }: RequestHead): Answer {
    // There is nobody to answer, and it is no fault of ours.
    if (signal?.aborted === true) return problemAnswer(new Problem('ERR_UNAVAILABLE', 'the caller has left'))
    const problem = problemOf(error, this.#host.log)
    const { option } = problem.fields
    if (typeof option === 'string') this.overLimit(option, address)
    return problemAnswer(problem)
  }

  /** Counts a request or a connection that was refused at a limit. */
  overLimit(option: string, address: string): void {
    this.#limits.reached(option, address)
  }

  async #answer(head: RequestHead, readBody: ReadBody): Promise<Answer> {
    if (this.#broker.state === 'started') serverOf(this.#broker).metrics.adminRequests++
    this.#checkRate(head.address)
    checkHost(head, this.#settings)
    const [path, query] = targetOf(head)
    if (path.startsWith('/health/')) return this.#healthAnswer(head, path)
    if (this.#broker.state !== 'started') throw new Problem('ERR_UNAVAILABLE', `the broker is ${this.#broker.state}`)
    if (path === '/metrics') return this.#metrics(head)
    if (!path.startsWith('/api/')) return this.#pageAnswer(head, path)
    if (path === `${API_ROOT}/login` && head.method === 'POST') return this.#openLogin(head, readBody)
    const principal = await this.#logIn(head)
    if (path === `${API_ROOT}/login`) return this.#who(head, principal)
    if (path === `${API_ROOT}/logout`) return this.#logOut(head, principal)
    if (path === `${API_ROOT}/openapi.json`) return this.#openApi(head)
    if (path === `${API_ROOT}/events`) return this.#events(head, principal, query)
    if (path === CONSOLE_PATH) return this.#console(head, principal)
    const traceId = followedTrace(path)
    if (traceId !== undefined) {
      this.#checkRole(principal, 'operator', head, 'traces')
      return this.#streams.trace(head, principal, query, traceId)
    }
    const route = findRoute(head.method, path)
    const { name, operation } = route
    this.#checkRole(principal, operation.role, head, name)
    if (operation.isLocal === true && head.address !== LOCAL_ADDRESS) throw onlyLocal(name)
    const parameters = requestParameters(route, query, await bodyOf(route, head, readBody))
    // A body takes as long as the caller likes, and a view may count for seconds.
    this.#checkRole(principal, operation.role, head, name)
    if (isRecorded(operation, parameters)) return this.#act(route, head, principal, parameters)
    const { signal } = head
    const value = await this.#call(name, parameters, { caller: callerOf(principal), signal })
    this.#checkRole(principal, operation.role, head, name)
    return this.#answerOf(route, head, value)
  }

  #events(head: RequestHead, principal: Principal, query: string): Answer {
    return this.#streams.events(head, principal, query, (role) => this.#checkRole(principal, role, head, 'events'))
  }

  /** @throws {Problem} `ERR_UNAUTHORIZED`, `ERR_RATE` */
  async #logIn(head: RequestHead): Promise<Principal> {
    try {
      return await this.#locks.principalOf(head.isUpgrade === true ? withOfferedLogin(head) : head)
    } catch (error) {
      throw this.#loginRefused(error, head)
    }
  }

  #loginRefused(error: unknown, { address }: RequestHead): unknown {
    serverOf(this.#broker).metrics.adminLoginsRefused++
    // Not in the audit log, because whoever floods it with them could make it forget actions.
    logRefusal(this.#host.log, { address }, `HTTP API: ${messageOf(error)}; from ${address}`, `admin ${address}`)
    return error
  }

  /** @throws {Problem} `ERR_UNAUTHORIZED`, `ERR_RATE`, `ERR_FORBIDDEN` */
  async #openLogin(head: RequestHead, readBody: ReadBody): Promise<Answer> {
    const body = jsonOf(await readBody(MAX_LOGIN_BYTES), head)
    try {
      const { login, answer } = await this.#logins.logIn(head, body)
      this.#record(head, nameOf(login), 'login', answer)
      return answer
    } catch (error) {
      if (!(error instanceof Problem) || error.status < 401 || error.code === 'ERR_ORIGIN') throw error
      throw this.#loginRefused(error, head)
    }
  }

  #who({ method }: RequestHead, principal: Principal): Answer {
    if (method !== 'GET') throw methodProblem(method, 'GET, POST')
    return this.#logins.who(principal)
  }

  #logOut(head: RequestHead, principal: Principal): Answer {
    if (head.method !== 'POST') throw methodProblem(head.method, 'POST')
    const answer = this.#logins.logOut(head, principal)
    this.#record(head, principal.name, 'logout', answer)
    return answer
  }

  /** @throws {Problem} `ERR_FORBIDDEN` */
  #checkRole(principal: Principal, role: AdminRole, head: RequestHead, what: string): void {
    try {
      checkRole(principal, role)
    } catch (error) {
      serverOf(this.#broker).metrics.adminRequestsForbidden++
      // Not in the audit log either: whoever floods it with them could make it forget actions.
      const { address } = head
      const message = `HTTP API: ${what}: ${messageOf(error)}; from ${address === LOCAL_ADDRESS ? 'the socket' : address}`
      logRefusal(this.#host.log, { address }, message, `admin role ${address}`)
      throw error
    }
  }

  /** An action is recorded with what came of it; if that has to be possible, it is tried before. */
  async #act(route: FoundRoute, head: RequestHead, principal: Principal, parameters: object): Promise<Answer> {
    const { name } = principal
    await this.#checkAudit()
    const audited = auditedParameters(route.operation, parameters)
    try {
      const answer = await this.#answerOf(
        route,
        head,
        await this.#call(route.name, parameters, { caller: callerOf(principal) }),
      )
      this.#record(head, name, route.name, answer, audited)
      return answer
    } catch (error) {
      this.#record(head, name, route.name, problemOf(error, silentLogger), audited)
      throw error
    }
  }

  /** @throws {Problem} `ERR_AUDIT` */
  async #checkAudit(): Promise<void> {
    const problem = await whyNotRecorded(this.#broker, this.#settings)
    if (problem !== undefined) throw new Problem('ERR_AUDIT', problem, { option: 'admin.audit-failure' })
  }

  #record(head: RequestHead, who: string, what: string, outcome: unknown, parameters?: object): void {
    const { status, code } = outcome as { readonly status: number; readonly code?: string }
    const facts = { ...(parameters !== undefined && { parameters }), status, ...(code !== undefined && { code }) }
    recordAction(this.#broker, { who, from: head.address, what, ...facts })
  }

  /** What refuses a console is the same without a WebSocket, so that a page learns why it gets none. */
  async #console(head: RequestHead, principal: Principal): Promise<Answer> {
    if (head.method !== 'GET') throw methodProblem(head.method, 'GET')
    this.#checkRole(principal, CONSOLE_ROLE, head, 'console')
    this.#consoles.check(principal)
    await this.#checkAudit()
    return this.#consoles.answer(head, principal)
  }

  #checkRate(address: string): void {
    // The local administrator could stop the broker altogether.
    if (address === LOCAL_ADDRESS) return
    const waitMs = this.#rate.waitMs(networkOf(address, this.#options.ipv6PrefixLength), this.#host.clock.now())
    if (waitMs === 0) return
    const limit = this.#settings.maxRequestRate
    const seconds = Math.ceil(waitMs / 1000)
    throw new Problem(
      'ERR_RATE',
      `more than ${limit} requests in a second; try again in ${seconds} s`,
      { limit, option: 'admin.max-request-rate' },
      { 'Retry-After': String(seconds) },
    )
  }

  #healthAnswer({ method }: RequestHead, path: string): Promise<Answer> {
    if (path !== '/health/live' && path !== '/health/ready') throw notFound()
    if (method !== 'GET') throw methodProblem(method, 'GET')
    return path === '/health/live' ? this.#health.live() : this.#health.ready()
  }

  async #metrics(head: RequestHead): Promise<Answer> {
    if (head.address === LOCAL_ADDRESS || !this.#mayReadMetrics(head.address))
      this.#checkRole(await this.#logIn(head), 'viewer', head, 'metrics')
    if (head.method !== 'GET') throw methodProblem(head.method, 'GET')
    const body = [prometheusText(this.#broker.figures())]
    return { status: 200, headers: { 'Content-Type': PROMETHEUS_CONTENT_TYPE }, body }
  }

  /** The page itself is no secret: everything that it shows takes a login. */
  async #pageAnswer(head: RequestHead, path: string): Promise<Answer> {
    const answer = await this.#page.answer(path, head)
    if (answer === undefined) throw notFound()
    if (head.method !== 'GET') throw methodProblem(head.method, 'GET')
    return answer
  }

  #openApi({ method }: RequestHead): Answer {
    if (method !== 'GET') throw methodProblem(method, 'GET')
    return jsonAnswer(200, [openApiText()])
  }

  /** Ends consoles and what follows events, and writes what the audit log holds. */
  async close(): Promise<void> {
    this.#streams.close()
    this.#consoles.close()
    await this.#audit.flush()
  }

  /** @param options of a view; an action is completed even if its caller has left */
  #call(name: OperationName, parameters: object, options: CallOptions): Promise<unknown> {
    const operation = this.#admin[name] as (parameters: object, options: CallOptions) => Promise<unknown>
    return operation(parameters, options)
  }

  /** The body of the answer is what `broker.admin` returns. */
  async #answerOf(route: FoundRoute, head: RequestHead, value: unknown): Promise<Answer> {
    if (value === undefined && route.operation.answer === 'void') return { status: 204, headers: {}, body: [] }
    if (value === undefined || value === false) throw absent(route)
    const { turn } = serverOf(this.#broker)
    const { pieces, tag } = await writeJson(value, turn, this.#broker)
    if (head.method !== 'GET') return jsonAnswer(200, pieces)
    if (isKnown(head.headers['if-none-match'], tag)) return { status: 304, headers: { ETag: tag }, body: [] }
    return jsonAnswer(200, pieces, { ETag: tag })
  }
}

function onlyLocal(name: OperationName): Problem {
  return new Problem('ERR_FORBIDDEN', `${name} is done only through the Unix domain socket of the broker`)
}

/** Whether a request belongs in the audit log: an action, or a view that returns secrets. */
function isRecorded({ method, secretsWith }: Operation, parameters: object): boolean {
  if (method !== 'GET') return true
  return secretsWith !== undefined && (parameters as Readonly<Record<string, unknown>>)[secretsWith] === true
}

const ABSENT: Readonly<Partial<Record<OperationName, string>>> = {
  client: 'no client with this identifier is connected',
  disconnect: 'no client with this identifier is connected',
  deleteApiKey: 'there is no key with this `keyId`',
  endLogin: 'there is no login with this `loginId`',
  traceRecords: NO_TRACE,
  stopTrace: NO_TRACE,
  user: 'there is no user of this name',
  deleteUser: 'there is no user of this name',
  group: 'there is no group of this name',
  deleteGroup: 'there is no group of this name',
  role: 'there is no role of this name',
  deleteRole: 'there is no role of this name',
  deleteRule: 'there is no such role, or no such rule in it',
  unban: 'there is no such ban',
}

function absent({ name, inPath }: FoundRoute): Problem {
  const [[parameter, value] = []] = inPath
  const detail = ABSENT[name] ?? 'there is no session with this client identifier'
  return new Problem('ERR_NOT_FOUND', detail, parameter === undefined ? {} : { parameter, value })
}

/** Whether the caller has this version of the answer. */
function isKnown(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === tag)
}
