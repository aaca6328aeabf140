/**
 * The vote: how the answers of several plugins become one decision.
 *
 *   plugin a ─ allow ──────┐
 *   plugin b ─ no opinion ─┼─> one deny decides; otherwise one allow is needed; nobody answering means no
 *   plugin c ─ deny ───────┘
 *
 * Every plugin in the list is asked. One that throws, rejects, answers nonsense or outlasts `pluginTimeoutMs` counts as a
 * deny and one logged error, never as a crash. A question that all plugins answer at once is answered at once: no promise is
 * made, so that the packet that asked it goes on in the same turn.
 *
 * Without a plugin that has a say about topics, topics are not checked at all (`checksTopics` is false).
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import { PluginError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { QoS } from '../codec/packets.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { answersAboutTopics, loadPlugins, type AccessOptions, type PluginSources } from './access-plugins.ts'
import type { AuthenticationAnswer, Client, ConnectRequest, Explanation, Plugin, TopicQuestion } from './plugin.ts'

/** Milliseconds that a plugin has for one answer, and for its `close`. */
export const DEFAULT_PLUGIN_TIMEOUT_MS = 5000

/** A plugin that keeps failing is logged once in this time, with a count of the failures in between. */
const FAILURE_LOG_INTERVAL_MS = 1000

/** What plugins put into their `continue` answers: one Map for each AUTH exchange, made empty by who starts it. */
export type ExchangeStates = Map<Plugin, unknown>

/** What the vote makes of a log-in. */
export type LoginResult =
  | {
      readonly decision: 'allow'
      /** The name this Client goes by from now on; `undefined` for an anonymous one. */
      readonly userName: string | undefined
      readonly authenticationData: Uint8Array | undefined
      /** Wall-clock milliseconds when this log-in ends; the earliest that a plugin named. */
      readonly expiresAtMs: number | undefined
    }
  | {
      readonly decision: 'deny'
      readonly reasonCode: ReasonCode
      /** For the log and events, never for the peer; holds no secret. */
      readonly cause: string
    }
  | { readonly decision: 'continue'; readonly authenticationData: Uint8Array | undefined }

/** What `explain` makes of a topic question. */
export interface AccessExplanation {
  readonly decision: 'allow' | 'deny'
  /** One for each plugin that was asked, in their order. */
  readonly explanations: readonly Explanation[]
}

/** Which plugins vote on what, and what the vote itself needs. */
export interface AccessParts {
  /** Asked about log-ins. */
  readonly loginPlugins: readonly Plugin[]
  /** Asked about topics; `undefined` where topics are not checked. */
  readonly topicPlugins: readonly Plugin[] | undefined
  /** All of them, in the order in which they were made: what `close` closes. */
  readonly plugins?: readonly Plugin[]
  readonly clock: Clock
  readonly log: Logger
  /** Milliseconds; default {@link DEFAULT_PLUGIN_TIMEOUT_MS}. */
  readonly pluginTimeoutMs?: number | undefined
}

/** Stands for the answer of a plugin that failed. */
const FAILED = Symbol('failed')
type Answer<Value> = Value | undefined | typeof FAILED

/** The vote over a list of plugins; see the head of this file. */
export class Access {
  /** False where nobody has a say about topics: all three topic questions are then answered with yes. */
  readonly checksTopics: boolean
  /** False where `mayReceive` is always yes, because no plugin answers it. */
  readonly checksReceive: boolean
  /** True when answers to topic questions may be remembered until `version` moves. */
  readonly stable: boolean

  readonly #loginPlugins: readonly Plugin[]
  readonly #publishPlugins: readonly Plugin[]
  readonly #subscribePlugins: readonly Plugin[]
  readonly #receivePlugins: readonly Plugin[]
  readonly #topicPlugins: readonly Plugin[]
  readonly #plugins: readonly Plugin[]
  readonly #clock: Clock
  readonly #log: Logger
  readonly #timeoutMs: number
  readonly #listeners = new Set<() => void>()
  readonly #failures = new Map<Plugin, { loggedAt: number; since: number }>()
  #version = 0

  constructor(parts: AccessParts) {
    const topicPlugins = parts.topicPlugins ?? []
    this.#loginPlugins = parts.loginPlugins.filter((plugin) => plugin.authenticate !== undefined)
    this.#publishPlugins = topicPlugins.filter((plugin) => plugin.mayPublish !== undefined)
    this.#subscribePlugins = topicPlugins.filter((plugin) => plugin.maySubscribe !== undefined)
    this.#receivePlugins = topicPlugins.filter((plugin) => plugin.mayReceive !== undefined)
    this.#topicPlugins = topicPlugins.filter(answersAboutTopics)
    this.#plugins = parts.plugins ?? [...new Set([...parts.loginPlugins, ...topicPlugins])]
    this.#clock = parts.clock
    this.#log = parts.log
    this.#timeoutMs = parts.pluginTimeoutMs ?? DEFAULT_PLUGIN_TIMEOUT_MS
    this.checksTopics = parts.topicPlugins !== undefined
    this.checksReceive = this.#receivePlugins.length > 0
    this.stable = this.#topicPlugins.every((plugin) => plugin.stable === true)
  }

  /**
   * Makes the plugins that the configuration names, then the vote over them.
   *
   * @throws {ConfigError} `ERR_CONFIG_PLUGIN` when a plugin is unknown, cannot be loaded or refuses its options; what was
   * made until then is closed again
   */
  static async create(options: AccessOptions, sources: PluginSources): Promise<Access> {
    let access: Access | undefined
    const loaded = await loadPlugins(options, sources, () => access?.changed())
    const pluginTimeoutMs = options.pluginTimeout === undefined ? undefined : options.pluginTimeout * 1000
    access = new Access({ ...loaded, clock: sources.clock, log: sources.log, pluginTimeoutMs })
    return access
  }

  /** Moves when remembered topic decisions are no longer good. */
  get version(): number {
    return this.#version
  }

  /** Answers that were declared stable may be different from now on: moves `version` and tells who listens. */
  changed(): void {
    this.#version++
    for (const listener of this.#listeners) listener()
  }

  /** Calls `listener` after each `changed()`; the returned function ends that. */
  onChanged(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Puts a log-in, or one step of an AUTH exchange, to the vote (§3.1.4, §4.12).
   *
   * @param states empty at the first step of an exchange, and handed in again at each further step
   */
  authenticate(request: ConnectRequest, states: ExchangeStates): MaybePromise<LoginResult> {
    const answers = this.#askAll<AuthenticationAnswer>(this.#loginPlugins, 'authenticate', (plugin) => {
      const exchangeState = states.get(plugin)
      const asked = exchangeState === undefined ? request : { ...request, exchangeState }
      return plugin.authenticate?.(asked)
    })
    if (answers instanceof Promise) return answers.then((known) => this.#judgeLogin(request, states, known))
    return this.#judgeLogin(request, states, answers)
  }

  /** Whether a Client that is in would still be let in, as far as plugins can say without a password. */
  mayStay(client: Client): boolean {
    const answers = this.#loginPlugins.map((plugin) => plugin.mayStay?.(client))
    if (answers.includes(false)) return false
    return answers.includes(true) || this.#loginPlugins.some((plugin) => !('mayStay' in plugin))
  }

  mayPublish(
    client: Client,
    message: { readonly topicName: string; readonly qos: QoS; readonly retain: boolean },
  ): MaybePromise<boolean> {
    if (!this.checksTopics) return true
    return judgeTopic(
      this.#askAll(this.#publishPlugins, 'mayPublish', (plugin) => plugin.mayPublish?.(client, message)),
    )
  }

  /** @param topicFilter without the `$share/Name/` of a Shared Subscription (§4.8.2) */
  maySubscribe(client: Client, topicFilter: string, qos: QoS): MaybePromise<boolean> {
    if (!this.checksTopics) return true
    return judgeTopic(
      this.#askAll(this.#subscribePlugins, 'maySubscribe', (plugin) => plugin.maySubscribe?.(client, topicFilter, qos)),
    )
  }

  /** Hot: may be asked for every delivery, so it answers at once and makes no array. */
  mayReceive(client: Client, topicName: string): boolean {
    if (!this.checksReceive) return true
    let allowed = false
    let denied = false
    for (const plugin of this.#receivePlugins) {
      const answer = this.#askNow(plugin, client, topicName)
      if (answer === true) allowed = true
      else if (answer !== undefined) denied = true
    }
    return allowed && !denied
  }

  /** Says how a topic question would be decided, and by which rule of which plugin. */
  async explain(question: TopicQuestion): Promise<AccessExplanation> {
    if (!this.checksTopics) {
      const rule = 'topics are not checked: there is no enabled topic-check section'
      return { decision: 'allow', explanations: [{ plugin: 'topic-check', decision: 'allow', rule }] }
    }
    if (question.action === 'receive' && !this.checksReceive) {
      const rule = 'deliveries are not checked: what a Client could subscribe to it may receive'
      return { decision: 'allow', explanations: [{ plugin: 'topic-check', decision: 'allow', rule }] }
    }
    const explanations = await Promise.all(this.#topicPlugins.map((plugin) => this.#explainOne(plugin, question)))
    const allowed = explanations.some(({ decision }) => decision === 'allow')
    const denied = explanations.some(({ decision }) => decision === 'deny')
    return { decision: allowed && !denied ? 'allow' : 'deny', explanations }
  }

  /** Closes the plugins, last made first, each within the time that an answer may take. */
  async close(): Promise<void> {
    this.#listeners.clear()
    for (const plugin of [...this.#plugins].reverse()) await this.#askOne(plugin, 'close', () => plugin.close?.())
  }

  #askAll<Value>(
    plugins: readonly Plugin[],
    question: Question,
    ask: (plugin: Plugin) => MaybePromise<Value | undefined>,
  ): MaybePromise<Answer<Value>[]> {
    const answers = plugins.map((plugin) => this.#askOne(plugin, question, () => ask(plugin)))
    const later = answers.some((answer) => answer instanceof Promise)
    return later ? Promise.all(answers as Promise<Answer<Value>>[]) : (answers as Answer<Value>[])
  }

  #askOne<Value>(
    plugin: Plugin,
    question: Question,
    ask: () => MaybePromise<Value | undefined>,
  ): MaybePromise<Answer<Value>> {
    try {
      const answer = ask()
      if (isThenable(answer)) return this.#inTime(plugin, question, answer)
      return this.#checked(plugin, question, answer)
    } catch (error) {
      return this.#failed(plugin, question, error)
    }
  }

  #askNow(plugin: Plugin, client: Client, topicName: string): Answer<boolean> {
    try {
      const answer: unknown = plugin.mayReceive?.(client, topicName)
      // A promise is no answer here; what becomes of it must still not surface as an unhandled rejection.
      if (isThenable(answer)) answer.then(undefined, (error: unknown) => this.#failed(plugin, 'mayReceive', error))
      return this.#checked(plugin, 'mayReceive', answer as boolean | undefined)
    } catch (error) {
      return this.#failed(plugin, 'mayReceive', error)
    }
  }

  #inTime<Value>(plugin: Plugin, question: Question, promise: PromiseLike<Value>): Promise<Answer<Value>> {
    return new Promise((resolve) => {
      let waiting = true
      const settle = (answer: () => Answer<Value>): void => {
        if (!waiting) return
        waiting = false
        timer.cancel()
        resolve(answer())
      }
      const timer = this.#clock.setTimer(this.#timeoutMs, () =>
        settle(() => this.#failed(plugin, question, new PluginError(`no answer within ${this.#timeoutMs} ms`))),
      )
      promise.then(
        (value) => settle(() => this.#checked(plugin, question, value)),
        (error: unknown) => settle(() => this.#failed(plugin, question, error)),
      )
    })
  }

  /** Plugins may be plain JavaScript: an answer that is none must not count as one. */
  #checked<Value>(plugin: Plugin, question: Question, answer: Value | undefined): Answer<Value> {
    if (answer === undefined || question === 'close' || isAnswer(question, answer)) return answer
    return this.#failed(plugin, question, new PluginError(`the answer is neither one of its kind nor undefined`))
  }

  #failed(plugin: Plugin, question: Question, error: unknown): typeof FAILED {
    const now = this.#clock.now()
    const known = this.#failures.get(plugin)
    if (known !== undefined && now - known.loggedAt < FAILURE_LOG_INTERVAL_MS) {
      known.since++
      return FAILED
    }
    this.#failures.set(plugin, { loggedAt: now, since: 0 })
    const fields = {
      plugin: plugin.name,
      question,
      failuresSinceLastLine: known?.since ?? 0,
      ...describe(question, error),
    }
    const consequence = question === 'close' ? '' : ', which counts as a deny'
    this.#log.error(fields, `plugin ${plugin.name} failed in ${question}${consequence}`)
    return FAILED
  }

  #judgeLogin(
    request: ConnectRequest,
    states: ExchangeStates,
    answers: readonly Answer<AuthenticationAnswer>[],
  ): LoginResult {
    const leaders: Plugin[] = []
    let leading: (AuthenticationAnswer & { decision: 'continue' }) | undefined
    const allows: (AuthenticationAnswer & { decision: 'allow' })[] = []
    for (const [index, answer] of answers.entries()) {
      const plugin = this.#loginPlugins[index]!
      if (answer === undefined) continue
      if (answer === FAILED) return deny(ReasonCode.ServerUnavailable, `plugin ${plugin.name} failed`)
      if (answer.decision === 'deny') {
        return deny(
          answer.reasonCode ?? ReasonCode.BadUserNameOrPassword,
          `${plugin.name}: ${answer.cause ?? 'denied'}`,
        )
      }
      if (answer.decision === 'allow') allows.push(answer)
      else {
        leaders.push(plugin)
        leading = answer
      }
    }
    if (leading !== undefined) {
      if (leaders.length > 1) return this.#twoLeaders(leaders)
      states.set(leaders[0]!, leading.exchangeState)
      return { decision: 'continue', authenticationData: leading.authenticationData }
    }
    return allows.length > 0 ? allow(request, allows) : nobodyAnswered(request)
  }

  /** An exchange has one other side (§4.12); two plugins that both lead it are a mistake of the configuration. */
  #twoLeaders(leaders: readonly Plugin[]): LoginResult {
    const names = leaders.map(({ name }) => name).join(' and ')
    this.#log.error({ plugins: names }, `plugins ${names} both want to lead one AUTH exchange, which counts as a deny`)
    return deny(ReasonCode.BadAuthenticationMethod, `plugins ${names} both want to lead the AUTH exchange`)
  }

  async #explainOne(plugin: Plugin, question: TopicQuestion): Promise<Explanation> {
    if (plugin.explain !== undefined) {
      const explanation = await this.#askOne(plugin, 'explain', () => plugin.explain?.(question))
      if (explanation !== undefined && explanation !== FAILED) return explanation
      return { plugin: plugin.name, decision: 'deny', rule: 'the plugin failed, which counts as a deny' }
    }
    const answer = await this.#askOne(plugin, TOPIC_QUESTIONS[question.action], () => askAbout(plugin, question))
    const decision = answer === undefined ? 'no opinion' : answer === true ? 'allow' : 'deny'
    return { plugin: plugin.name, decision, rule: 'the plugin does not say why' }
  }
}

type Question = 'authenticate' | 'mayPublish' | 'maySubscribe' | 'mayReceive' | 'explain' | 'close'

const TOPIC_QUESTIONS = { publish: 'mayPublish', subscribe: 'maySubscribe', receive: 'mayReceive' } as const

const LOGIN_DECISIONS = ['allow', 'deny', 'continue']

function askAbout(plugin: Plugin, { client, action, topic }: TopicQuestion): MaybePromise<boolean | undefined> {
  if (action === 'publish') return plugin.mayPublish?.(client, { topicName: topic, qos: 0, retain: false })
  if (action === 'subscribe') return plugin.maySubscribe?.(client, topic, 0)
  return plugin.mayReceive?.(client, topic)
}

function isThenable<Value>(value: MaybePromise<Value>): value is Promise<Value> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function isAnswer(question: Question, answer: unknown): boolean {
  if (question !== 'authenticate' && question !== 'explain') return typeof answer === 'boolean'
  if (typeof answer !== 'object' || answer === null || !('decision' in answer)) return false
  return question === 'explain' || LOGIN_DECISIONS.includes(answer.decision as string)
}

/**
 * What may be logged of a plugin's error. A message that came out of a log-in may quote what the Client sent (as that of
 * `JSON.parse` does), so only the kind of the error and the place are told.
 */
function describe(question: Question, error: unknown): object {
  if (!(error instanceof Error)) return { error: `something that is no Error was thrown (${typeof error})` }
  if (question !== 'authenticate' || error instanceof PluginError) return { error: error.message }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const place = error.stack?.split('\n').find((line) => line.startsWith('    at '))
  return { error: error.name, code, place: place?.trim() }
}

function judgeTopic(answers: MaybePromise<readonly Answer<boolean>[]>): MaybePromise<boolean> {
  if (answers instanceof Promise) return answers.then(isAllowed)
  return isAllowed(answers)
}

function isAllowed(answers: readonly Answer<boolean>[]): boolean {
  return answers.includes(true) && !answers.some((answer) => answer === false || answer === FAILED)
}

function allow(
  request: ConnectRequest,
  allows: readonly (AuthenticationAnswer & { decision: 'allow' })[],
): LoginResult {
  const expiries = allows.flatMap(({ expiresAtMs }) => expiresAtMs ?? [])
  return {
    decision: 'allow',
    userName: allows.find(({ userName }) => userName !== undefined)?.userName ?? request.userName,
    authenticationData: allows.find((answer) => answer.authenticationData !== undefined)?.authenticationData,
    expiresAtMs: expiries.length > 0 ? Math.min(...expiries) : undefined,
  }
}

function deny(reasonCode: ReasonCode, cause: string): LoginResult {
  return { decision: 'deny', reasonCode, cause }
}

function nobodyAnswered(request: ConnectRequest): LoginResult {
  // [5.0 MQTT-4.12.0-1]: an Authentication Method that nobody here speaks has a Reason Code of its own.
  if (request.authenticationMethod !== undefined) {
    return deny(ReasonCode.BadAuthenticationMethod, 'no plugin answers for this Authentication Method')
  }
  return deny(ReasonCode.NotAuthorized, 'no plugin knows this Client')
}
