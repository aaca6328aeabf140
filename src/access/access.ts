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
import { UsageError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { QoS } from '../codec/packet-types.ts'
import { parseSharedFilter, topicFilterProblem } from '../topics/topic-filter.ts'
import { topicNameProblem } from '../topics/topic-name.ts'
import { answersAboutTopics } from './plugin.ts'
import { isOwnState } from './bridge-client.ts'
import { Interceptors } from './interceptors.ts'
import { show } from '../base/show.ts'
import { LoginQuestions, type LoginTurn } from './login-questions.ts'
import { voteOnLogin, type ExchangeStates, type Grounds, type LoginResult } from './login-vote.ts'
import { nearest } from '../base/nearest.ts'
import { FAILED, PluginQuestions, type Answer } from './plugin-questions.ts'
import type { Client, ConnectRequest, Explanation, Plugin, TopicQuestion } from './plugin.ts'

export type { ExchangeStates, Grounds, LoginResult } from './login-vote.ts'

/** Milliseconds that a plugin has for one answer, and for its `close`. */
export const DEFAULT_PLUGIN_TIMEOUT_MS = 5000

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
  /** Asked in place of those about log-ins through a listener, by its name. */
  readonly loginPluginsOn?: ReadonlyMap<string, readonly Plugin[]>
  /** Asked about topics; `undefined` where topics are not checked. */
  readonly topicPlugins: readonly Plugin[] | undefined
  /** Who may change messages, in their order; default: nobody. */
  readonly interceptors?: readonly Plugin[]
  /** All of them, in the order in which they were made: what `close` closes. */
  readonly plugins?: readonly Plugin[]
  readonly clock: Clock
  readonly log: Logger
  /** Milliseconds; default {@link DEFAULT_PLUGIN_TIMEOUT_MS}. */
  readonly pluginTimeoutMs?: number | undefined
}

let lastVersion = 0

/** Never the same twice: decisions remembered under the permissions before a reload must not pass for those after it. */
function nextVersion(): number {
  return ++lastVersion
}

/** The vote over a list of plugins; see the head of this file. */
export class Access {
  /** False where nobody has a say about topics: all three topic questions are then answered with yes. */
  readonly checksTopics: boolean
  /** False where `mayReceive` is always yes, because no plugin answers it. */
  readonly checksReceive: boolean
  /** True when answers to topic questions may be remembered until `version` moves. */
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
    this.#questions = new PluginQuestions(parts.clock, parts.log, parts.pluginTimeoutMs ?? DEFAULT_PLUGIN_TIMEOUT_MS)
    this.#loginQuestions = new LoginQuestions(this.#questions, parts.clock)
    this.interceptors = new Interceptors(interceptors, this.#questions)
    this.intercepts = this.interceptors.intercepting > 0
    this.transforms = this.interceptors.transforming > 0
    this.checksTopics = parts.topicPlugins !== undefined
    this.checksReceive = this.#receivePlugins.length > 0
    this.stable = this.#topicPlugins.every((plugin) => plugin.stable === true)
  }

  /** Moves when remembered topic decisions are no longer good. */
  get version(): number {
    return this.#version
  }

  /** Answers that were declared stable may be different from now on: moves `version` and tells who listens. */
  changed(): void {
    this.#version = nextVersion()
    for (const listener of this.#listeners) listener()
  }

  /** Calls `listener` after each `changed()`; the returned function ends that. */
  onChanged(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Moves when logins that were good may be no longer: `mayStay` says which. */
  get loginsVersion(): number {
    return this.#loginsVersion
  }

  /** A plugin has reason to doubt logins: moves `loginsVersion` and calls all listeners. */
  revoked(): void {
    this.#loginsVersion = nextVersion()
    for (const listener of this.#revocationListeners) listener()
  }

  /** Calls `listener` after each `revoked()`, until `close`. */
  onRevoked(listener: () => void): void {
    this.#revocationListeners.add(listener)
  }

  /**
   * Puts a log-in, or one step of an AUTH exchange, to the vote (§3.1.4, §4.12).
   *
   * @param states empty at the first step of an exchange, and handed in again at each further step
   */
  authenticate(
    request: ConnectRequest,
    states: ExchangeStates,
    turn: LoginTurn = { holder: request.address, isWanted: () => true },
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
   * Whether a Client that is in would still be let in, as far as plugins can say without a password.
   *
   * @param grounds what the vote gave when it let the Client in
   */
  mayStay(client: Client, grounds: Grounds): MaybePromise<boolean> {
    const answers = this.#questions.askAll<boolean>(this.#askedOn(client.listener), 'mayStay', (plugin) => {
      const evidence = grounds.find((ground) => ground.plugin === plugin.name)?.evidence
      if (plugin.mayStay !== undefined) return plugin.mayStay(client, evidence)
      return evidence === undefined ? undefined : true
    })
    return answers instanceof Promise ? answers.then(isAllowed) : isAllowed(answers)
  }

  #askedOn(listener: string): readonly Plugin[] {
    return this.#loginPluginsOn.get(listener) ?? this.#loginPlugins
  }

  mayPublish(
    client: Client,
    message: { readonly topicName: string; readonly qos: QoS; readonly retain: boolean },
  ): MaybePromise<boolean> {
    if (!this.checksTopics) return true
    return judgeTopic(
      this.#questions.askAll(this.#publishPlugins, 'mayPublish', (plugin) => plugin.mayPublish?.(client, message)),
    )
  }

  /** @param topicFilter without the `$share/Name/` of a Shared Subscription (§4.8.2) */
  maySubscribe(client: Client, topicFilter: string, qos: QoS): MaybePromise<boolean> {
    if (!this.checksTopics) return true
    return judgeTopic(
      this.#questions.askAll(this.#subscribePlugins, 'maySubscribe', (plugin) =>
        plugin.maySubscribe?.(client, topicFilter, qos),
      ),
    )
  }

  /** Hot: may be asked for every delivery, so it answers at once and makes no array. */
  mayReceive(client: Client, topicName: string): boolean {
    if (!this.checksReceive) return true
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
   * Says how a topic question would be decided, and by which rule of which plugin.
   *
   * @throws {UsageError} for what is no Topic Name or, to subscribe, no Topic Filter
   */
  async explain(asked: TopicQuestion): Promise<AccessExplanation> {
    const question = checkQuestion(asked)
    const { action, topic, client } = question
    if (action === 'publish' && topic.startsWith('$SYS/') && !isOwnState(client, topic)) {
      const rule = 'below $SYS/ only a bridge publishes, and only its own state'
      return { decision: 'deny', explanations: [{ plugin: 'topic-check', decision: 'deny', rule }] }
    }
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

  /**
   * Closes the plugins, last made first, each within the time that an answer may take.
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
      if (explanation !== undefined && explanation !== FAILED) return explanation
      return { plugin: plugin.name, decision: 'deny', rule: 'the plugin failed, which counts as a deny' }
    }
    const answer = await this.#questions.ask(plugin, TOPIC_QUESTIONS[question.action], () => askAbout(plugin, question))
    const decision = answer === undefined ? 'no opinion' : answer === true ? 'allow' : 'deny'
    return { plugin: plugin.name, decision, rule: 'the plugin does not say why' }
  }
}

function answersAboutLogins(plugin: Plugin): boolean {
  return plugin.authenticate !== undefined
}

const TOPIC_QUESTIONS = { publish: 'mayPublish', subscribe: 'maySubscribe', receive: 'mayReceive' } as const

function unknownAction(action: unknown): UsageError {
  const actions = Object.keys(TOPIC_QUESTIONS)
  const near = typeof action === 'string' ? nearest(action, actions) : undefined
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  return new UsageError(`the action of a question is one of ${actions.join(', ')}, got ${show(action)}${hint}`)
}

/** The question that plugins are asked: a Shared Subscription counts by the Topic Filter in it. */
function checkQuestion(question: TopicQuestion): TopicQuestion {
  const { action, topic } = question
  if (!Object.hasOwn(TOPIC_QUESTIONS, action)) throw unknownAction(action)
  if (typeof topic !== 'string') throw new UsageError(`the topic of a question must be a text, got ${show(topic)}`)
  const shared = action === 'subscribe' ? parseSharedFilter(topic) : undefined
  const filter = typeof shared === 'object' ? shared.topicFilter : topic
  const problem =
    typeof shared === 'string' ? shared : action === 'subscribe' ? topicFilterProblem(filter) : topicNameProblem(topic)
  if (problem === undefined) return { ...question, topic: filter }
  throw new UsageError(`cannot ask who may ${action} ${JSON.stringify(topic)}: ${problem}`)
}

function askAbout(plugin: Plugin, { client, action, topic }: TopicQuestion): MaybePromise<boolean | undefined> {
  if (action === 'publish') return plugin.mayPublish?.(client, { topicName: topic, qos: 0, retain: false })
  if (action === 'subscribe') return plugin.maySubscribe?.(client, topic, 0)
  return plugin.mayReceive?.(client, topic)
}

function judgeTopic(answers: MaybePromise<readonly Answer<boolean>[]>): MaybePromise<boolean> {
  if (answers instanceof Promise) return answers.then(isAllowed)
  return isAllowed(answers)
}

function isAllowed(answers: readonly Answer<boolean>[]): boolean {
  return answers.includes(true) && !answers.some((answer) => answer === false || answer === FAILED)
}
