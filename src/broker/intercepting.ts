/**
 * A message between the permission to publish it and its delivery: what plugins make of it (`access/interceptors.ts`).
 *
 *   allowed ──> plugins ──┬── itself ──────────────────────────────────────────> take
 *                         ├── another ── room in the Store? ───────────────────> take
 *                         ├── another topic ── may it be? mayPublish? ─────────> take
 *                         ├── refused ─────────────────────────────────────────> refuse
 *                         └── dropped ─────────────────────────────────────────> counted, and acknowledged
 *
 * Nothing of this runs unless a plugin intercepts messages: only `Access.intercepts` is read.
 *
 * @module
 */
import { copied, Work, type WorkBudget } from '../base/work.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { Client } from '../protocol/client.ts'
import type { KnownTopic } from '../protocol/server-side.ts'
import { NO_VOTE, type Vote } from '../access/late-vote.ts'
import { type Intercepted, Stopped } from '../access/interceptors.ts'
import type { ActiveConfig } from '../config/active-config.ts'
import type { NoRoom } from './no-room.ts'

/** The origin of messages: a Connection, or a Will that is due. */
export interface Origin {
  readonly client: Client
}

/** What happens to messages from that origin. Each method returns a Reason Code, or `PENDING`. */
export interface InterceptingSide<From extends Origin> {
  readonly current: ActiveConfig
  readonly work: WorkBudget
  /** A plugin has replaced a message. */
  replaced(from: ApplicationMessage, to: ApplicationMessage): void
  /** @param topic the message's topic; `undefined` if it has to be looked up */
  take(from: From, message: ApplicationMessage, topic: KnownTopic | undefined): number
  /** Why a message made by a plugin cannot be published, whatever the permissions say. */
  check(from: From, message: ApplicationMessage): ReasonCode | NoRoom | undefined
  /** @param detail why, if the reason is not a permission */
  refuse(from: From, message: ApplicationMessage, refusal: ReasonCode | NoRoom, detail?: string): number
  drop(message: ApplicationMessage): void
  /**
   * Holds the message until the answer is there, and continues then.
   *
   * @param otherwise the answer to assume if the question fails
   */
  later<Value>(
    from: From,
    message: ApplicationMessage,
    answer: Promise<Value>,
    otherwise: Value,
    act: (value: Value) => number,
  ): number
}

/**
 * The permission that a message has now: it is over once rights change, or a reload replaces the plugins that gave it.
 */
export function permissionNow(current: ActiveConfig): { readonly isOver: boolean } {
  const { access } = current
  const { version } = access
  return {
    get isOver() {
      return current.access !== access || access.version !== version
    },
  }
}

/** The result of a mistake of the broker: the message is refused. */
const NOT_ASKED = new Stopped(true, ReasonCode.ImplementationSpecificError, 'plugins could not be asked')

export class Intercepting<From extends Origin> {
  readonly #side: InterceptingSide<From>

  constructor(side: InterceptingSide<From>) {
    this.#side = side
  }

  /** Asks the plugins about a message that may be published, and applies their answer. */
  pass(from: From, message: ApplicationMessage, topic: KnownTopic | undefined): number {
    const { current, work } = this.#side
    const { interceptors } = current.access
    message.own() // it may lie in a chunk, and plugins may keep it
    work.spend(interceptors.intercepting * Work.question + copied(message.size))
    const made = interceptors.intercept(from.client, message)
    if (!(made instanceof Promise)) return this.#proceed(from, message, topic, made, false)
    const permission = permissionNow(current)
    return this.#side.later<Intercepted>(from, message, made, NOT_ASKED, (late) =>
      this.#proceed(from, message, undefined, late, permission.isOver),
    )
  }

  /** @param isOver whether the message needs a new permission, because plugins have taken their time */
  #proceed(
    from: From,
    message: ApplicationMessage,
    topic: KnownTopic | undefined,
    made: Intercepted,
    isOver: boolean,
  ): number {
    const side = this.#side
    if (made instanceof Stopped) return this.#stop(from, message, made)
    if (made !== message) {
      side.replaced(message, made)
      const refusal = side.check(from, made)
      if (refusal !== undefined) return side.refuse(from, made, refusal)
    }
    if (isOver || made.topicName !== message.topicName) return this.askAgain(from, made)
    return side.take(from, made, topic)
  }

  #stop(from: From, message: ApplicationMessage, { isRefused, reasonCode, detail }: Stopped): number {
    if (isRefused) return this.#side.refuse(from, message, reasonCode, detail)
    this.#side.drop(message)
    return ReasonCode.Success
  }

  /** Asks for permission again, because the first answer was for another topic, or rights have changed since. */
  askAgain(from: From, message: ApplicationMessage): number {
    const side = this.#side
    side.work.spend(Work.question)
    return this.#voted(from, message, side.current.access.mayPublish(from.client, message))
  }

  #voted(from: From, message: ApplicationMessage, allowed: Vote): number {
    const side = this.#side
    if (allowed instanceof Promise) {
      return side.later(from, message, allowed, NO_VOTE, (vote) => {
        const isOvertaken = vote.isOvertaken(side.current.access)
        return isOvertaken ? this.askAgain(from, message) : this.#voted(from, message, vote.now())
      })
    }
    return allowed ? side.take(from, message, undefined) : side.refuse(from, message, ReasonCode.NotAuthorized)
  }
}
