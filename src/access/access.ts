/**
 * The vote: combines the answers of several plugins into one decision.
 *
 *   plugin a ─ allow ──────┐
 *   plugin b ─ no opinion ─┼─> one deny decides; otherwise one allow is required; without any answer it is a deny
 *   plugin c ─ deny ───────┘
 *
 * Every plugin in the list is asked; about topics, and about clients that are logged in, slow ones only if no other
 * denies (`late-vote.ts`). If one throws, rejects, gives an invalid answer or exceeds `pluginTimeoutMs`, this counts as
 * a deny and is logged as an error, and the broker keeps running. If all plugins answer a question at once, the vote
 * returns at once without a promise, so that the packet continues in the same turn.
 *
 * If no plugin answers questions about topics, topics are not checked at all (`checksTopics` is false).
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import { UsageError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { QoS } from '../codec/packet-types.ts'
import { parseSharedFilter, topicFilterProblem } from '../topics/topic-filter.ts'
import { topicNameProblem } from '../topics/topic-name.ts'
import { answersAboutTopics } from './plugin.ts'
import { isReserved } from './bridge-client.ts'
import { isControlTopic } from './control-topics.ts'
import { Interceptors } from './interceptors.ts'
import { show } from '../base/show.ts'
import { holdVote, VoteRecord, type Vote } from './late-vote.ts'
import { LoginQuestions, type LoginTurn } from './login-questions.ts'
import { voteOnLogin, type ExchangeStates, type Grounds, type LoginResult } from './login-vote.ts'
import { nearest } from '../base/nearest.ts'
import { FAILED, Failure, PluginQuestions, type PluginPlaces } from './plugin-questions.ts'
import type { Client, ConnectRequest, Explanation, Plugin, PublishQuestion, TopicQuestion } from './plugin.ts'

export type { ExchangeStates, Grounds, LoginResult } from './login-vote.ts'

/** The time in milliseconds that a plugin has for an answer, and for its `close`. */
export const DEFAULT_PLUGIN_TIMEOUT_MS = 5000

/** The result of `explain` for a topic question. */
export interface AccessExplanation {
  readonly decision: 'allow' | 'deny'
  /** One for each plugin that was asked, in order. */
  readonly explanations: readonly Explanation[]
}

/** The plugins that vote on each question, and what the vote itself requires. */
export interface AccessParts {
  /** Plugins that are asked about logins. */
  readonly loginPlugins: readonly Plugin[]
  /** Plugins that are asked instead about logins through a listener, by its name. */
  readonly loginPluginsOn?: ReadonlyMap<string, readonly Plugin[]>
  /** Plugins that are asked about topics; `undefined` if topics are not checked. */
  readonly topicPlugins: readonly Plugin[] | undefined
  /** Plugins that may change messages, in order; default: none. */
  readonly interceptors?: readonly Plugin[]
  /** All plugins, in the order of their creation: `close` closes these. */
  readonly plugins?: readonly Plugin[]
  readonly clock: Clock
  readonly log: Logger
  /** Where plugins are listed, for log lines. */
  readonly places?: PluginPlaces | undefined
  /** Milliseconds; default {@link DEFAULT_PLUGIN_TIMEOUT_MS}. */
  readonly pluginTimeoutMs?: number | undefined
}

let lastVersion = 0

/** Returns a number that never repeats, so that decisions remembered before a reload are not valid after it. */
function nextVersion(): number {
  return ++lastVersion
}

/** The vote of a list of plugins; see the head of this file. */
export class Access {
  /** False if no plugin answers questions about topics: all three topic questions are then answered with yes. */
  readonly checksTopics: boolean
  /** False if `mayReceive` is always yes, because no plugin answers it. */
  readonly checksReceive: boolean
  /** True if answers to topic questions may be remembered until `version` changes. */
  readonly stable: boolean
  /** Who changes messages. */
  readonly interceptors: Interceptors
  /** Whether anybody sees messages that come in: nobody is asked otherwise. */
  readonly intercepts: boolean
  /** Whether anybody sees messages that go out. */
  readonly transforms: boolean

  readonly #loginPlugins: readonly Plugin[]
  readonly #loginPluginsOn: ReadonlyMap<string, readonly Plugin[]>
  readonly #publishPlugins: readonly Plugin[]
  readonly #subscribePlugins: readonly Plugin[]
  readonly #receivePlugins: readonly Plugin[]
  readonly #topicPlugins: readonly Plugin[]
  readonly #plugins: readonly Plugin[]
  readonly #questions: PluginQuestions
  readonly #records = { mayPublish: new VoteRecord(), maySubscribe: new VoteRecord(), mayStay: new VoteRecord() }
  /** For plugins that have reported a change: when. */
  readonly #reported = new Map<Plugin, number>()
  readonly #loginQuestions: LoginQuestions
  readonly #listeners = new Set<() => void>()
  readonly #revocationListeners = new Set<() => void>()
  #version = nextVersion()
  #loginsVersion = nextVersion()

  constructor(parts: AccessParts) {
    const topicPlugins = parts.topicPlugins ?? []
    this.#loginPlugins = parts.loginPlugins.filter(answersAboutLogins)
    const onListeners = Array.from(parts.loginPluginsOn ?? [])
    this.#loginPluginsOn = new Map(onListeners.map(([name, plugins]) => [name, plugins.filter(answersAboutLogins)]))
    this.#publishPlugins = topicPlugins.filter((plugin) => plugin.mayPublish !== undefined)
    this.#subscribePlugins = topicPlugins.filter((plugin) => plugin.maySubscribe !== undefined)
    this.#receivePlugins = topicPlugins.filter((plugin) => plugin.mayReceive !== undefined)
    this.#topicPlugins = topicPlugins.filter(answersAboutTopics)
    const interceptors = parts.interceptors ?? []
    this.#plugins = parts.plugins ?? [...new Set([...parts.loginPlugins, ...topicPlugins, ...interceptors])]
    const timeoutMs = parts.pluginTimeoutMs ?? DEFAULT_PLUGIN_TIMEOUT_MS
    this.#questions = new PluginQuestions(parts.clock, parts.log, timeoutMs, parts.places)
    this.#loginQuestions = new LoginQuestions(this.#questions, parts.clock)
    this.interceptors = new Interceptors(interceptors, this.#questions)
    this.intercepts = this.interceptors.intercepting > 0
    this.transforms = this.interceptors.transforming > 0
    this.checksTopics = parts.topicPlugins !== undefined
    this.checksReceive = this.#receivePlugins.length > 0
    this.stable = this.#topicPlugins.every((plugin) => plugin.stable === true)
  }

  /** Changes when remembered topic decisions become invalid. */
  get version(): number {
    return this.#version
  }

  /**
   * Answers that were declared stable may have changed: increases `version` and calls the listeners.
   *
   * @param by the plugin that reports it: what it is still to answer has to be asked again
   */
  changed(by?: Plugin): void {
    this.#version = nextVersion()
    if (by !== undefined) this.#reported.set(by, this.#version)
    for (const listener of this.#listeners) listener()
  }

  /** Calls `listener` after each `changed()`; the returned function removes it. */
  onChanged(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Changes when accepted logins may have become invalid: `mayStay` decides which. */
  get loginsVersion(): number {
    return this.#loginsVersion
  }

  /**
   * A plugin reports that logins may be invalid: increases `loginsVersion` and calls the listeners.
   *
   * @param by like `changed`
   */
  revoked(by?: Plugin): void {
    this.#loginsVersion = nextVersion()
    if (by !== undefined) this.#reported.set(by, this.#loginsVersion)
    for (const listener of this.#revocationListeners) listener()
  }

  /** Calls `listener` after each `revoked()`, until `close`. */
  onRevoked(listener: () => void): void {
    this.#revocationListeners.add(listener)
  }

  /**
   * Holds the vote on a login, or on one step of an AUTH exchange (§3.1.4, §4.12).
   *
   * @param states empty in the first step of an exchange, and passed again in each further step
   */
  authenticate(
    request: ConnectRequest,
    states: ExchangeStates,
    turn: LoginTurn = { holder: request.address, isNeeded: () => true },
  ): MaybePromise<LoginResult> {
    const plugins = this.#askedOn(request.listener)
    const requestFor = (plugin: Plugin): ConnectRequest => {
      const exchangeState = states.get(plugin)
      return exchangeState === undefined ? request : { ...request, exchangeState }
    }
    const answers = this.#loginQuestions.ask(plugins, requestFor, turn)
    if (answers instanceof Promise) return answers.then((known) => voteOnLogin(request, plugins, known, states))
    return voteOnLogin(request, plugins, answers, states)
  }

  /**
   * Whether a connected client would still be admitted, as far as plugins can decide without a password.
   *
   * @param grounds the grounds from the vote that admitted the client
   */
  mayStay(client: Client, grounds: Grounds): Vote {
    return this.#vote(this.#askedOn(client.listener), 'mayStay', (plugin) => askToStay(plugin, client, grounds))
  }

  /**
   * Whether a connected client would be refused whatever plugins that take time answer: they are not asked, so that
   * nobody who is to go waits for them.
   */
  refusesToStay(client: Client, grounds: Grounds): boolean {
    const quick = this.#askedOn(client.listener).filter((plugin) => !this.#records.mayStay.slow.has(plugin))
    return quick.some((plugin) => {
      const answer = this.#questions.ask(plugin, 'mayStay', () => askToStay(plugin, client, grounds))
      return answer === false || answer instanceof Failure
    })
  }

  #askedOn(listener: string): readonly Plugin[] {
    return this.#loginPluginsOn.get(listener) ?? this.#loginPlugins
  }

  mayPublish(client: Client, message: PublishQuestion): Vote {
    if (!this.checksTopics || client.own === true || client.console !== undefined) return true
    return this.#vote(this.#publishPlugins, 'mayPublish', (plugin) => plugin.mayPublish?.(client, message))
  }

  /** @param topicFilter without the `$share/Name/` of a Shared Subscription (§4.8.2) */
  maySubscribe(client: Client, topicFilter: string, qos: QoS): Vote {
    if (client.console !== undefined) return client.console === 'all'
    if (!this.checksTopics || client.own === true) return true
    return this.#vote(this.#subscribePlugins, 'maySubscribe', (plugin) =>
      plugin.maySubscribe?.(client, topicFilter, qos),
    )
  }

  #vote(
    plugins: readonly Plugin[],
    question: 'mayPublish' | 'maySubscribe' | 'mayStay',
    askPlugin: (plugin: Plugin) => MaybePromise<boolean | undefined>,
  ): Vote {
    return holdVote({
      ...{ access: this, plugins, record: this.#records[question] },
      ask: (plugin) => this.#questions.ask(plugin, question, () => askPlugin(plugin)),
      revision: () => Math.max(this.#version, this.#loginsVersion),
      revisionOf: (plugin) => this.#reported.get(plugin) ?? 0,
    })
  }

  /** Hot: may be asked for every delivery, so it returns at once and creates no array. */
  mayReceive(client: Client, topicName: string): boolean {
    // The answer to an administrator, sent to it alone.
    if (!this.checksReceive || client.own === true || isControlTopic(topicName)) return true
    if (client.console !== undefined) return client.console === 'all'
    let allowed = false
    let denied = false
    for (const plugin of this.#receivePlugins) {
      const answer = this.#questions.askNow(plugin, 'mayReceive', () => plugin.mayReceive?.(client, topicName))
      if (answer === true) allowed = true
      else if (answer !== undefined) denied = true
    }
    return allowed && !denied
  }

  /**
   * Explains how a topic question is decided, and by which rule of which plugin.
   *
   * @throws {UsageError} for an invalid topic name or, for `subscribe`, an invalid topic filter
   */
  async explain(asked: TopicQuestion): Promise<AccessExplanation> {
    const question = checkQuestion(asked)
    const { action, topic, client } = question
    if (action === 'publish' && isReserved(topic, client)) {
      const rule = isControlTopic(topic)
        ? 'below $CONTROL/ only users with the role administrator may publish, and only with users.dynamic-security'
        : 'below $SYS/ only a bridge may publish, and only its own state'
      return { decision: 'deny', explanations: [{ plugin: 'topic-check', decision: 'deny', rule }] }
    }
    if (!this.checksTopics) {
      const rule = 'topics are not checked: there is no enabled topic-check section'
      return { decision: 'allow', explanations: [{ plugin: 'topic-check', decision: 'allow', rule }] }
    }
    if (question.action === 'receive' && !this.checksReceive) {
      const rule = 'deliveries are not checked: a client may receive every topic to which it could subscribe'
      return { decision: 'allow', explanations: [{ plugin: 'topic-check', decision: 'allow', rule }] }
    }
    const explanations = await Promise.all(this.#topicPlugins.map((plugin) => this.#explainOne(plugin, question)))
    const allowed = explanations.some(({ decision }) => decision === 'allow')
    const denied = explanations.some(({ decision }) => decision === 'deny')
    return { decision: allowed && !denied ? 'allow' : 'deny', explanations }
  }

  /**
   * Closes the plugins in reverse order of creation, each within the time for an answer.
   *
   * @param timeoutMs milliseconds for all of them together
   */
  async close(timeoutMs = Infinity): Promise<void> {
    this.#listeners.clear()
    this.#revocationListeners.clear()
    await this.#questions.closeAll(this.#plugins, timeoutMs)
  }

  async #explainOne(plugin: Plugin, question: TopicQuestion): Promise<Explanation> {
    if (plugin.explain !== undefined) {
      const explanation = await this.#questions.ask(plugin, 'explain', () => plugin.explain?.(question))
      if (explanation !== undefined && !(explanation instanceof Failure)) return explanation
      const { what } = explanation ?? FAILED
      return { plugin: plugin.name, decision: 'deny', rule: `the plugin ${what}, which counts as a deny` }
    }
    const answer = await this.#questions.ask(plugin, TOPIC_QUESTIONS[question.action], () => askAbout(plugin, question))
    const decision = answer === undefined ? 'no opinion' : answer === true ? 'allow' : 'deny'
    return { plugin: plugin.name, decision, rule: 'the plugin gives no reason' }
  }
}

function askToStay(plugin: Plugin, client: Client, grounds: Grounds): MaybePromise<boolean | undefined> {
  const evidence = grounds.find((ground) => ground.plugin === plugin.name)?.evidence
  if (plugin.mayStay === undefined) return evidence === undefined ? undefined : true
  return plugin.mayStay(client, evidence)
}

function answersAboutLogins(plugin: Plugin): boolean {
  return plugin.authenticate !== undefined
}

const TOPIC_QUESTIONS = { publish: 'mayPublish', subscribe: 'maySubscribe', receive: 'mayReceive' } as const

function unknownAction(action: unknown): UsageError {
  const actions = Object.keys(TOPIC_QUESTIONS)
  const near = typeof action === 'string' ? nearest(action, actions) : undefined
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  return new UsageError(`the action of a question must be one of ${actions.join(', ')}, got ${show(action)}${hint}`)
}

/** Converts the question for plugins: a Shared Subscription is checked by its topic filter. */
function checkQuestion(question: TopicQuestion): TopicQuestion {
  const { action, topic } = question
  if (!Object.hasOwn(TOPIC_QUESTIONS, action)) throw unknownAction(action)
  if (typeof topic !== 'string') throw new UsageError(`the topic of a question must be a string, got ${show(topic)}`)
  const shared = action === 'subscribe' ? parseSharedFilter(topic) : undefined
  const filter = typeof shared === 'object' ? shared.topicFilter : topic
  const problem =
    typeof shared === 'string' ? shared : action === 'subscribe' ? topicFilterProblem(filter) : topicNameProblem(topic)
  if (problem === undefined) return { ...question, topic: filter }
  throw new UsageError(`cannot ask who may ${action} ${JSON.stringify(topic)}: ${problem}`)
}

function askAbout(plugin: Plugin, { client, action, topic }: TopicQuestion): MaybePromise<boolean | undefined> {
  if (action === 'publish') return plugin.mayPublish?.(client, { topic, topicName: topic, qos: 0, retain: false })
  if (action === 'subscribe') return plugin.maySubscribe?.(client, topic, 0)
  return plugin.mayReceive?.(client, topic)
}
