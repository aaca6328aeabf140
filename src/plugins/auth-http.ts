/**
 * `auth.http`: asks a web service of the operator about each login.
 *
 *   POST url                                      {"decision": "allow"}                 200
 *   {"clientId": "c1", "userName": "u",     ──>   {"decision": "allow", "userName": "x", "expiresAtMs": 1767225600000}
 *    "password": "p", "address": "::1", …}        {"decision": "deny"}, or 401 or 403
 *                                                 {"decision": "no opinion"}
 *
 * After any other answer, an error or a timeout the login is denied and the failure is logged. Connections to the
 * service stay open between questions. An allow is remembered for a short time, a deny never. A password that is not
 * UTF-8 is sent as `passwordBase64`. The service is not asked about a CONNECT without a user name, password or
 * certificate, or with an Authentication Method.
 *
 * The same answers decide whether a client may stay (`recheck-url`), except that an error or a timeout does not
 * disconnect it.
 *
 * | key                | default |                                                                     |
 * | ------------------ | ------- | ------------------------------------------------------------------- |
 * | `url`              |         | `https://…` or `http://…`                                           |
 * | `headers`          | none    | sent with each request, such as a secret that identifies the broker |
 * | `timeout-ms`       | 3000    | the longest time for an answer                                      |
 * | `cache-ms`         | 10000   | how long an allow is remembered; 0 for never                        |
 * | `recheck-url`      | none    | asked, without the password, whether a connected client may stay    |
 * | `recheck-ms`       | 0       | interval of these questions; 0 to ask only after a reload           |
 * | `max-connections`  | 16      | connections to the service                                          |
 * | `max-pending`      | 100     | questions in progress at a time; others wait                        |
 * | `max-answer-bytes` | 65536   | largest answer; a longer one is an error                            |
 *
 * @module
 */
import { isUtf8 } from 'node:buffer'
import * as http from 'node:http'
import * as https from 'node:https'
import * as v from 'valibot'
import type { Clock, Timer } from '../base/clock.ts'
import { PluginError } from '../base/errors.ts'
import { withoutCredentials } from '../base/redact.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'
import type {
  AuthenticationAnswer,
  Client,
  ConnectRequest,
  LoginCheck,
  Plugin,
  PluginContext,
} from '../access/plugin.ts'
import { failureOf, readBoundedBody, type AnswerSource } from './bounded-body.ts'
import { LoginCache } from './login-cache.ts'
import { milliseconds, readPluginOptions } from './plugin-options.ts'

/** Characters of a user name in a remembered answer. */
const MAX_REMEMBERED_NAME = 1024

const count = (fallback: number) => v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), fallback)

/** Its keys and defaults are those of the option table for `auth.http`. */
export const optionsSchema = v.strictObject({
  url: v.pipe(v.string(), v.url('expected an address'), v.regex(/^https?:/, 'expected an http or https address')),
  headers: v.optional(v.record(v.string(), v.string()), {}),
  recheckUrl: v.optional(
    v.pipe(v.string(), v.url('expected an address'), v.regex(/^https?:/, 'expected an http or https address')),
  ),
  recheckMs: milliseconds(0),
  timeoutMs: milliseconds(3000),
  cacheMs: milliseconds(10_000),
  maxConnections: count(16),
  maxPending: count(100),
  maxAnswerBytes: count(65_536),
})

const answerSchema = v.object({
  decision: v.picklist(['allow', 'deny', 'no opinion']),
  userName: v.optional(v.string()),
  expiresAtMs: v.optional(v.number()),
})

type Options = v.InferOutput<typeof optionsSchema>
type Answer = v.InferOutput<typeof answerSchema>

/** @throws {ConfigError} for invalid options */
export default function authHttp(context: PluginContext): Plugin {
  return new AuthHttp(readPluginOptions('auth.http', optionsSchema, context.options['http']), context)
}

/** The evidence of a login: the service that admitted the client. */
interface ServiceEvidence {
  readonly url: string
}

class AuthHttp implements Plugin {
  readonly name = 'auth.http'
  readonly #options: Options
  readonly #clock: Clock
  readonly #context: PluginContext
  readonly #agent: http.Agent
  readonly #cache: LoginCache<Answer>
  readonly maxLoginChecks: number
  readonly #evidence: ServiceEvidence
  readonly #recheckAgent: http.Agent | undefined
  #timer: Timer | undefined

  constructor(options: Options, context: PluginContext) {
    this.#evidence = { url: options.url }
    this.#options = options
    this.maxLoginChecks = options.maxPending
    this.#context = context
    this.#clock = context.clock
    this.#agent = agentFor(options.url, options.maxConnections)
    this.#recheckAgent =
      options.recheckUrl === undefined ? undefined : agentFor(options.recheckUrl, options.maxConnections)
    this.#cache = new LoginCache(context.clock, options.cacheMs)
    this.#recheckLater()
  }

  authenticate(request: ConnectRequest): AuthenticationAnswer | LoginCheck | undefined {
    if (!isForUs(request)) return undefined
    const question = questionOf(request)
    const known = this.#cache.get([question])
    return known === undefined ? { decision: 'check', check: () => this.#ask(question) } : this.#answerOf(known)
  }

  mayStay(client: Client, evidence: unknown): MaybePromise<boolean | undefined> {
    const { url, recheckUrl } = this.#options
    if (typeof evidence !== 'object' || (evidence as ServiceEvidence | null)?.url !== url) return undefined
    return recheckUrl === undefined ? true : this.#askAgain(recheckUrl, client)
  }

  close(): void {
    this.#timer?.cancel()
    this.#agent.destroy()
    this.#recheckAgent?.destroy()
  }

  #recheckLater(): void {
    const { recheckUrl, recheckMs } = this.#options
    if (recheckUrl === undefined || recheckMs === 0) return
    this.#timer = this.#clock.setTimer(recheckMs, () => {
      this.#context.revoked()
      this.#recheckLater()
    })
  }

  async #askAgain(url: string, client: Client): Promise<boolean | undefined> {
    const { clientId, userName, address, listener, protocolVersion } = client
    const question = JSON.stringify({ clientId, userName, address, listener, protocolVersion })
    try {
      const { decision } = await this.#post(url, this.#recheckAgent!, question)
      return decision === 'no opinion' ? undefined : decision === 'allow'
    } catch (error) {
      this.#context.log.warn(
        { clientId, err: error },
        `auth.http: the service did not answer whether ${clientId} may stay; it stays connected`,
      )
      return true
    }
  }

  #answerOf({ decision, userName, expiresAtMs }: Answer): AuthenticationAnswer | undefined {
    if (decision === 'no opinion') return undefined
    if (decision === 'deny') return { decision, cause: 'the login service denied it' }
    return {
      ...{ decision, evidence: this.#evidence },
      ...(userName !== undefined && { userName }),
      ...(expiresAtMs !== undefined && { expiresAtMs }),
    }
  }

  async #ask(question: string): Promise<AuthenticationAnswer | undefined> {
    const answer = await this.#post(this.#options.url, this.#agent, question)
    if (answer.decision === 'allow' && isShort(answer)) this.#cache.set([question], answer)
    return this.#answerOf(answer)
  }

  #post(url: string, agent: http.Agent, question: string): Promise<Answer> {
    const { headers, timeoutMs, maxAnswerBytes: maxBytes } = this.#options
    const source = { name: 'the login service', url, option: 'auth.http.max-answer-bytes', maxBytes }
    const { request: send } = url.startsWith('https:') ? https : http
    return new Promise((resolve, reject) => {
      const sent = send(url, {
        method: 'POST',
        agent,
        headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(question) },
      })
      const timer = this.#clock.setTimer(timeoutMs, () => {
        sent.destroy(
          new PluginError(`${source.name} at ${withoutCredentials(url)} did not answer within ${timeoutMs} ms`),
        )
      })
      sent.on('close', () => timer.cancel())
      const failed = (error: unknown): void => reject(failureOf(source, error))
      sent.on('error', failed)
      sent.on('response', (response) => void readAnswer(response, source).then(resolve, failed))
      sent.end(question)
    })
  }
}

/** Whether the answer may be remembered: long names would make the cache large. */
function isShort({ userName = '' }: Answer): boolean {
  return userName.length <= MAX_REMEMBERED_NAME
}

/** Whether the client makes a claim, in a form that this plugin can pass on. */
function isForUs({ userName, password, certificateUserName, authenticationMethod }: ConnectRequest): boolean {
  const claims = [userName, password, certificateUserName]
  return authenticationMethod === undefined && claims.some((claim) => claim !== undefined)
}

function questionOf({ password, ...request }: ConnectRequest): string {
  const { clientId, userName, certificateUserName, address, listener, encrypted, protocolVersion } = request
  const secret = password === undefined ? {} : passwordFields(Buffer.from(password))
  const facts = { clientId, userName, certificateUserName, address, listener, encrypted, protocolVersion }
  return JSON.stringify({ ...facts, ...secret })
}

function passwordFields(password: Buffer): object {
  return isUtf8(password) ? { password: password.toString('utf8') } : { passwordBase64: password.toString('base64') }
}

function agentFor(url: string, maxSockets: number): http.Agent {
  const { Agent } = url.startsWith('https:') ? https : http
  return new Agent({ keepAlive: true, maxSockets })
}

async function readAnswer(response: http.IncomingMessage, source: AnswerSource): Promise<Answer> {
  const status = response.statusCode
  const body = await readBoundedBody(response, source, response.headers['content-length'])
  if (status === 401 || status === 403) return { decision: 'deny' }
  if (status !== 200)
    throw new PluginError(`${source.name} at ${withoutCredentials(source.url)} answered with status ${status}`)
  return parseAnswer(body.toString('utf8'), source)
}

function parseAnswer(text: string, { name, url }: AnswerSource): Answer {
  try {
    return v.parse(answerSchema, JSON.parse(text))
  } catch {
    // Without its cause, which would quote the answer.
    throw new PluginError(`${name} at ${withoutCredentials(url)} gave an invalid answer`)
  }
}
