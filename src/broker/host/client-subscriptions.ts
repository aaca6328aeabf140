/**
 * Subscriptions that the host program makes and removes for the Session of a Client, connected or not:
 *
 *   subscribeFor ──> end of this turn, checked in slices ──as a SUBSCRIBE of its Client──> stored ──> resolved
 *
 * They belong to the Client from then on: it can replace them and unsubscribe, and they end with its Session.
 * Permission is asked as for a SUBSCRIBE of the Client, with what was known of it when it was last connected, so that
 * this is no way around the rules.
 *
 * @module
 */
import { UsageError } from '../../base/errors.ts'
import { show } from '../../base/show.ts'
import { scanned, Work, type WorkBudget } from '../../base/work.ts'
import type { SubscriptionRequest } from '../../codec/packets.ts'
import type { QoS } from '../../codec/packet-types.ts'
import { noProperties } from '../../codec/properties.ts'
import { maxVariableByteInteger } from '../../codec/variable-byte-integer.ts'
import type { ActiveConfig } from '../../config/active-config.ts'
import type { Client } from '../../protocol/client.ts'
import type { Session } from '../../protocol/session.ts'
import type { StoreWaiters } from '../durable/store-waiters.ts'
import { checkFilter } from '../../routing/checked-filter.ts'
import type { SubscribeLimits, SubscribeOrigin } from '../../routing/subscribe-origin.ts'
import type { SubscribeRequest } from '../../routing/subscribe-work.ts'
import { notesOf } from '../sessions/connection-notes.ts'
import type { Registration } from '../sessions/sessions.ts'
import type { Turn } from '../../turn/turn.ts'

/** A subscription to be made for a client (§3.8.3.1). */
export interface SubscriptionInput {
  /** Also of a Shared Subscription: `$share/ShareName/filter`. */
  readonly topicFilter: string
  /** The highest QoS of its messages; default 0. */
  readonly qos?: QoS
  /** Whether the client gets its own messages back (`false`) or not; default false. */
  readonly noLocal?: boolean
  /** Whether messages keep the RETAIN flag of their publisher; default false. */
  readonly retainAsPublished?: boolean
  /** Retained messages are sent: 0 always, 1 if the subscription is new, 2 never; default 0. */
  readonly retainHandling?: 0 | 1 | 2
}

/** What goes with all subscriptions of one call. */
export interface SubscribeForOptions {
  /** Sent with each message to a 5.0 client, 1 to 268435455 (§3.8.2.1.2); default: none. */
  readonly subscriptionIdentifier?: number
}

/** What became of one topic filter. */
export interface SubscriptionResult {
  readonly topicFilter: string
  /**
   * As in SUBACK: the granted QoS, 0 to 2, or a Reason Code from 0x80 on for one that was refused (§3.9.3). As in
   * UNSUBACK: 0x00, or 0x11 if there was no such subscription (§3.11.3).
   */
  readonly reasonCode: number
}

/** Makes and removes Subscriptions. */
export interface OriginSide {
  subscribeFor(origin: SubscribeOrigin, packet: SubscribeRequest): void
  unsubscribeFor(origin: SubscribeOrigin, packet: { readonly topicFilters: readonly string[] }): void
  /** Sends the retained messages of new Subscriptions. */
  subscribed(origin: { readonly session: Session }): void
}

/** What ClientSubscriptions work with. */
export interface ClientSubscriptionsParts {
  readonly current: ActiveConfig
  readonly turn: Turn
  readonly waiters: StoreWaiters
  readonly subscribing: OriginSide
}

/** One call of the host program. */
class HostOrigin implements SubscribeOrigin {
  readonly announced = undefined
  readonly #registration: Registration
  readonly #current: ActiveConfig
  readonly #settle: (outcome: readonly number[] | Error | undefined) => void

  constructor(
    registration: Registration,
    current: ActiveConfig,
    settle: (outcome: readonly number[] | Error | undefined) => void,
  ) {
    this.#registration = registration
    this.#current = current
    this.#settle = settle
  }

  get session(): Session {
    return this.#registration.session
  }

  get client(): Client {
    return this.#registration.client
  }

  /** The limits of the listener that its Client came through, if it still exists. */
  get limits(): SubscribeLimits {
    const { connection, client } = this.#registration
    if (connection !== undefined) return notesOf(connection).listener.options
    const { options } = this.#current
    return options.listeners.find(({ name }) => name === client.listener) ?? options
  }

  get isOver(): boolean {
    return this.session.isEnded
  }

  guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#settle(error as Error)
    }
  }

  answered(reasonCodes: readonly number[]): void {
    this.#settle(reasonCodes)
  }

  abandoned(): void {
    this.#settle(undefined)
  }
}

export class ClientSubscriptions {
  /** Rejects each call that has not resolved. */
  readonly #pending = new Set<(error: Error) => void>()
  readonly #parts: ClientSubscriptionsParts

  constructor(parts: ClientSubscriptionsParts) {
    this.#parts = parts
  }

  /**
   * @returns `undefined` if the Session has ended meanwhile
   * @throws {UsageError} if an item is not a subscription
   */
  async subscribeFor(
    registration: Registration,
    inputs: readonly SubscriptionInput[],
    options: SubscribeForOptions,
  ): Promise<readonly SubscriptionResult[] | undefined> {
    const properties = this.#propertiesOf(options)
    const { subscribing } = this.#parts
    return this.#run(registration, listOf('subscriptions', inputs), subscriptionRequestOf, (origin, subscriptions) =>
      subscribing.subscribeFor(origin, { subscriptions, properties }),
    )
  }

  #propertiesOf({ subscriptionIdentifier: identifier }: SubscribeForOptions) {
    if (identifier === undefined) return noProperties
    if (!Number.isInteger(identifier) || identifier < 1 || identifier > maxVariableByteInteger) {
      const range = `a whole number from 1 to ${maxVariableByteInteger}`
      throw new UsageError(`subscriptionIdentifier must be ${range}, got ${show(identifier)}`)
    }
    if (!this.#parts.current.options.subscriptionIdentifiers) {
      throw new UsageError('Subscription Identifiers are disabled (subscription-identifiers)')
    }
    return { subscriptionIdentifiers: [identifier] }
  }

  /** Removes subscriptions. */
  async unsubscribeFor(
    registration: Registration,
    filters: readonly string[],
  ): Promise<readonly SubscriptionResult[] | undefined> {
    const { subscribing } = this.#parts
    return this.#run(registration, listOf('topicFilters', filters), checked, (origin, all) =>
      subscribing.unsubscribeFor(origin, { topicFilters: all.map(({ topicFilter }) => topicFilter) }),
    )
  }

  /**
   * The list is checked in slices, when its call is next for this Session; nothing of it is done before all of it is
   * checked.
   *
   * @param check throws a {UsageError} for an item that cannot be
   */
  #run<Input, Item extends { readonly topicFilter: string }>(
    registration: Registration,
    inputs: readonly Input[],
    check: (input: Input) => Item,
    begin: (origin: HostOrigin, items: readonly Item[]) => void,
  ): Promise<readonly SubscriptionResult[] | undefined> {
    const items: Item[] = []
    const { turn, current, subscribing, waiters } = this.#parts
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        this.#pending.delete(fail)
        waiters.forget(origin)
        reject(error)
      }
      const resolveStored = (reasonCodes: readonly number[] | undefined): void =>
        turn.whenCommitted(() => {
          this.#pending.delete(fail)
          resolve(reasonCodes && items.map(({ topicFilter }, at) => ({ topicFilter, reasonCode: reasonCodes[at]! })))
        })
      const origin = new HostOrigin(registration, current, (outcome) => {
        if (outcome instanceof Error) return fail(outcome)
        if (outcome !== undefined && !origin.isOver) subscribing.subscribed(origin)
        resolveStored(outcome)
      })
      this.#pending.add(fail)
      const start = (): void => (origin.isOver ? origin.abandoned() : begin(origin, items))
      const resume = (): boolean => {
        let isChecked = true
        origin.guard(() => {
          isChecked = checkSome(inputs, items, check, turn.work)
          if (isChecked) start()
        })
        return isChecked
      }
      turn.addTask(registration.session, { resume })
    })
  }

  /** Ends all calls when the broker closes, after it has stored what it could. */
  stop(): void {
    for (const fail of this.#pending) fail(new UsageError('the broker was closed before the subscriptions were stored'))
  }
}

/** Checks as many as there is time for. @returns whether all are checked */
function checkSome<Input, Item extends { readonly topicFilter: string }>(
  inputs: readonly Input[],
  items: Item[],
  check: (input: Input) => Item,
  work: WorkBudget,
): boolean {
  while (items.length < inputs.length) {
    if (work.isSpent) return false
    const item = check(inputs[items.length]!)
    items.push(item)
    work.spend(Work.question + scanned(item.topicFilter.length))
  }
  return true
}

/** A copy, because its caller may change the list before it is checked. */
function listOf<Item>(name: string, list: readonly Item[]): readonly Item[] {
  if (Array.isArray(list) && list.length > 0) return [...(list as readonly Item[])]
  throw new UsageError(`${name} must be a list with at least one entry, got ${show(list)}`)
}

function checked(topicFilter: string): { readonly topicFilter: string; readonly isShared: boolean } {
  if (typeof topicFilter !== 'string') throw new UsageError(`a topic filter is a string, got ${show(topicFilter)}`)
  try {
    return { topicFilter, isShared: checkFilter(topicFilter).isShared }
  } catch (error) {
    throw new UsageError(`not a topic filter: ${(error as Error).message}`, { cause: error })
  }
}

function subscriptionRequestOf(input: SubscriptionInput): SubscriptionRequest {
  if (typeof input !== 'object' || input === null) {
    throw new UsageError(`a subscription is an object with a topicFilter, got ${show(input)}`)
  }
  const { qos = 0, noLocal = false, retainAsPublished = false, retainHandling = 0 } = input
  const { topicFilter, isShared } = checked(input.topicFilter)
  const place = `subscription to ${show(topicFilter)}`
  mustBe(place, 'qos', qos, [0, 1, 2])
  mustBe(place, 'noLocal', noLocal, [false, true])
  mustBe(place, 'retainAsPublished', retainAsPublished, [false, true])
  mustBe(place, 'retainHandling', retainHandling, [0, 1, 2])
  // [5.0 MQTT-3.8.3-4]
  if (noLocal && isShared) throw new UsageError(`${place}: noLocal must be false for a Shared Subscription`)
  return { topicFilter, qos, noLocal, retainAsPublished, retainHandling }
}

function mustBe(place: string, name: string, value: unknown, allowed: readonly unknown[]): void {
  if (allowed.includes(value)) return
  throw new UsageError(`${place}: ${name} must be ${allowed.join(' or ')}, got ${show(value)}`)
}
