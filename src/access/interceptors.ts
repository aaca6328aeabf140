/**
 * Plugins that intercept messages: each sees what the one before has made of it.
 *
 *   message ──> plugin a ── passes ──> plugin b ── replaces ──> plugin c ── refuses, drops ──> nowhere
 *                                                                  └── passes ──> the message that b has made
 *
 * What a plugin returns is checked as what the host program publishes. A plugin that throws, rejects, is late or
 * returns something else has refused the message, or dropped the delivery.
 *
 * @module
 */
import { PluginError, UsageError } from '../base/errors.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'
import { show } from '../base/show.ts'
import { PacketType } from '../codec/packet-types.ts'
import { isReasonCodeAllowed, ReasonCode } from '../codec/reason-code.ts'
import { ApplicationMessage } from '../protocol/application-message.ts'
import type { Client } from '../protocol/client.ts'
import { checkPayload, checkProperties, checkSize, checkTopicName } from '../protocol/message-check.ts'
import type { DropCause } from '../protocol/drop-cause.ts'
import { MessageForPlugins } from './message-for-plugins.ts'
import type { DeliveryChange, Interception, Plugin } from './plugin.ts'
import { Failure, FAILED, isThenable, nameOf, type PluginQuestions } from './plugin-questions.ts'

/** A message that goes nowhere. */
export class Stopped {
  readonly isRefused: boolean
  /** The Reason Code for the publisher. */
  readonly reasonCode: ReasonCode
  /** For logs and events: which plugin, and why. */
  readonly detail: string

  constructor(isRefused: boolean, reasonCode: ReasonCode, detail: string) {
    this.isRefused = isRefused
    this.reasonCode = reasonCode
    this.detail = detail
  }
}

/** What became of a message: itself, another one in its place, or neither. */
export type Intercepted = ApplicationMessage | Stopped

export class Interceptors {
  readonly #intercepting: readonly Plugin[]
  readonly #transforming: readonly Plugin[]
  readonly #questions: PluginQuestions

  constructor(plugins: readonly Plugin[], questions: PluginQuestions) {
    this.#intercepting = plugins.filter((plugin) => plugin.intercept !== undefined)
    this.#transforming = plugins.filter((plugin) => plugin.transformDelivery !== undefined)
    this.#questions = questions
  }

  /** How many plugins see each message that comes in. */
  get intercepting(): number {
    return this.#intercepting.length
  }

  /** How many see each message that goes out. */
  get transforming(): number {
    return this.#transforming.length
  }

  /** @param message in memory of its own: plugins may keep it */
  intercept(client: Client, message: ApplicationMessage): MaybePromise<Intercepted> {
    return this.#interceptFrom(0, client, message)
  }

  #interceptFrom(first: number, client: Client, message: ApplicationMessage): MaybePromise<Intercepted> {
    let passing = message
    for (let at = first; at < this.#intercepting.length; at++) {
      const made = this.#ask(this.#intercepting[at]!, client, passing)
      if (made instanceof Promise) {
        return made.then((late) => (late instanceof Stopped ? late : this.#interceptFrom(at + 1, client, late)))
      }
      if (made instanceof Stopped) return made
      passing = made
    }
    return passing
  }

  #ask(plugin: Plugin, client: Client, message: ApplicationMessage): MaybePromise<Intercepted> {
    const read = (answer: Interception | undefined): Intercepted => readInterception(plugin, message, answer)
    const made = this.#questions.ask<Intercepted>(plugin, 'intercept', () => {
      const answer = plugin.intercept!(client, new MessageForPlugins(message))
      return isThenable(answer) ? Promise.resolve(answer).then(read) : read(answer)
    })
    const known = (answer: Intercepted | Failure | undefined): Intercepted =>
      answer === undefined || answer instanceof Failure ? failureOf(plugin, answer) : answer
    return made instanceof Promise ? made.then(known) : known(made)
  }

  /**
   * What of that message goes to that receiver. Hot: asked for every delivery, so it answers at once.
   *
   * @param message in memory that stays as it is while plugins look at it
   * @returns another message where one was made, and why there is none
   */
  transform(client: Client, message: ApplicationMessage): ApplicationMessage | DropCause {
    let passing = message
    for (const plugin of this.#transforming) {
      const made = this.#questions.askNow<ApplicationMessage | DropCause>(plugin, 'transformDelivery', () => {
        const answer = plugin.transformDelivery!(client, new MessageForPlugins(passing))
        // A promise is no answer, and is refused as one.
        return isThenable(answer) ? (answer as never) : readChange(passing, answer)
      })
      if (!(made instanceof ApplicationMessage))
        return made instanceof Failure || made === undefined ? 'plugin failed' : made
      passing = made
    }
    return passing
  }
}

function failureOf(plugin: Plugin, { what }: Failure = FAILED): Stopped {
  return new Stopped(true, ReasonCode.ImplementationSpecificError, `plugin ${nameOf(plugin)} ${what}`)
}

/** @throws {PluginError} for what is no answer */
function readInterception(plugin: Plugin, message: ApplicationMessage, answer: Interception | undefined): Intercepted {
  if (answer === undefined) return message
  const { decision } = objectOf(answer)
  if (decision === 'replace') return replacementOf(message, answer)
  if (decision === 'drop') return new Stopped(false, ReasonCode.Success, `dropped by plugin ${nameOf(plugin)}`)
  if (decision !== 'refuse') throw new PluginError(`the decision is replace, refuse or drop, got ${show(decision)}`)
  const { reasonCode = ReasonCode.NotAuthorized, cause } = answer as Interception & { decision: 'refuse' }
  if (!(reasonCode >= 0x80) || !isReasonCodeAllowed(PacketType.PUBACK, reasonCode, 'server')) {
    throw new PluginError(`a PUBACK that refuses does not have the Reason Code ${show(reasonCode)}`)
  }
  if (cause !== undefined && typeof cause !== 'string') throw new PluginError('the cause of a refusal is a string')
  const why = cause === undefined || cause === '' ? '' : `: ${cause}`
  return new Stopped(true, reasonCode, `refused by plugin ${nameOf(plugin)}${why}`)
}

/** @throws {PluginError} for what is no answer */
function readChange(message: ApplicationMessage, answer: DeliveryChange | undefined): ApplicationMessage | DropCause {
  if (answer === undefined) return message
  const { decision } = objectOf(answer)
  if (decision === 'replace') return replacementOf(message, answer)
  if (decision === 'drop') return 'dropped by plugin'
  throw new PluginError(`the decision is replace or drop, got ${show(decision)}`)
}

function objectOf(answer: unknown): { readonly decision?: unknown } {
  if (typeof answer === 'object' && answer !== null) return answer
  throw new PluginError(`the answer is an object or undefined, got ${show(answer)}`)
}

/** A misspelt key must not pass for a message that stays as it is. */
const REPLACEABLE = ['decision', 'topic', 'payload', 'properties']

/** @throws {PluginError} for what no PUBLISH could carry */
function replacementOf(message: ApplicationMessage, answer: object): ApplicationMessage {
  const unknown = Object.keys(answer).find((key) => !REPLACEABLE.includes(key))
  if (unknown !== undefined) {
    throw new PluginError(`of a message topic, payload and properties can be replaced, not ${show(unknown)}`)
  }
  try {
    return madeOf(message, answer)
  } catch (error) {
    if (error instanceof UsageError) throw new PluginError(error.message)
    throw error
  }
}

/** @throws {UsageError} */
function madeOf(message: ApplicationMessage, answer: { topic?: unknown; payload?: unknown; properties?: unknown }) {
  const { topic, payload, properties } = answer
  if (topic === undefined && payload === undefined && properties === undefined) return message
  const { qos, retain, publisher, receivedAtMs } = message
  const topicName = topic === undefined ? message.topicName : checkTopicName(topic)
  const bytes = payload === undefined ? message.payload : checkPayload(topicName, payload)
  // The old list lies among the bytes of the old message, which nobody pays for any more.
  const list = properties === undefined ? message.propertyList.copy() : checkProperties(topicName, properties)
  checkSize(topicName, bytes, list)
  return ApplicationMessage.of({ topicName, payload: bytes, qos, retain, properties: list, publisher, receivedAtMs })
}
