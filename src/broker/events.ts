/**
 * What the broker tells: typed events for everything that happens to Clients and their messages. Telling is not asking: a
 * listener changes nothing, and one that throws is logged and forgotten.
 *
 * Events of the hot path (`published`, `delivered`, `dropped`, `packetReceived`, `packetSent`) cost nothing while nobody
 * listens.
 *
 * @module
 */
import { UsageError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Packet, QoS } from '../codec/packets.ts'
import type { AccountKind } from '../base/memory-account.ts'
import type { ReasonCode } from '../codec/reason-code.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { Client } from '../protocol/client.ts'
import type { EndCause } from '../protocol/server-side.ts'
import type { DropCause } from '../protocol/session.ts'
import type { StoreCondition } from '../stores/store.ts'
import { show } from './config-problems.ts'
import { eventTable } from './event-table.ts'
import type { HandshakeRefusal, ListenerTrouble, ListenerUp } from './open-listeners.ts'
import { nearest } from './option-spelling.ts'

/** Every event with what it tells. */
export interface BrokerEvents {
  /** All listeners are open. */
  started: { readonly listeners: readonly { readonly name: string; readonly url: string }[] }
  /** A new configuration is in force. */
  reloaded: { readonly listeners: readonly { readonly name: string; readonly url: string }[] }
  /** The store is full or cannot write, or is well again; while it is not, QoS 1 and 2 are refused. */
  storeHealth: { readonly healthy: boolean; readonly condition: StoreCondition; readonly reason: string }
  /** The broker begins to close: Connections end with 0x8B. */
  closing: { readonly connections: number }
  /** Everything is closed. */
  closed: { readonly unstoredChanges: number }
  /** CONNACK 0x00 is on its way. */
  clientConnected: { readonly client: Client; readonly sessionPresent: boolean; readonly cleanStart: boolean }
  /** A CONNECT, or a Network Connection before its CONNECT, was turned down. */
  clientRefused: {
    readonly clientId: string
    readonly userName: string | undefined
    readonly address: string
    readonly listener: string
    readonly reasonCode: ReasonCode
    readonly detail: string
  }
  handshakeRefused: HandshakeRefusal
  listenerFailed: ListenerTrouble
  listenerOpened: ListenerUp
  /** A limit was reached that no other event names. */
  limitReached: { readonly option: string; readonly owner: string }
  /** Too many logins were wrong: the next one has to wait. */
  loginPenalty: {
    readonly network: string
    readonly userName: string | undefined
    readonly wrongLogins: number
    readonly delayMs: number
  }
  clientDisconnected: {
    readonly client: Client
    readonly cause: EndCause
    readonly reasonCode: ReasonCode
    readonly detail: string
  }
  sessionCreated: { readonly clientId: string }
  sessionEnded: { readonly clientId: string; readonly cause: SessionEndCause }
  subscribed: { readonly client: Client; readonly topicFilter: string; readonly qos: QoS }
  subscribeRefused: { readonly client: Client; readonly topicFilter: string; readonly reasonCode: number }
  unsubscribed: { readonly client: Client; readonly topicFilter: string }
  /** A message was taken over. `client` is `undefined` for the host program's own. */
  published: { readonly client: Client | undefined; readonly message: ApplicationMessage; readonly receivers: number }
  publishRefused: {
    readonly client: Client
    readonly topicName: string
    readonly qos: QoS
    readonly reasonCode: number
  }
  /** A message was handed to a Client's Connection. */
  delivered: { readonly clientId: string; readonly message: ApplicationMessage; readonly qos: QoS }
  /**
   * A message did not reach, or will not reach, a Client. `clientId` is empty where no member of a Shared Subscription took
   * it. What waited in the Store alone has no payload to look at: `message.isLoaded` says so.
   */
  dropped: { readonly clientId: string; readonly message: ApplicationMessage; readonly cause: DropCause }
  /** A retained message was set, replaced, cleared, or refused: for lack of room, or because `retain` is off. */
  retained: { readonly topicName: string; readonly action: 'set' | RetainedEnd }
  /** Something was refused because that account has no room; emitted once until it has room again. */
  memoryLimit: {
    readonly account: AccountKind
    readonly owner: string
    readonly bytes: number
    readonly limit: number
  }
  willPublished: { readonly clientId: string; readonly topicName: string }
  packetReceived: { readonly clientId: string; readonly packet: Packet }
  packetSent: { readonly clientId: string; readonly packet: Packet }
  /** Our own mistake, contained. */
  internalError: { readonly clientId: string; readonly error: unknown }
}

/** The names of all events, for whoever listens to everything. */
export const eventNames = Object.keys(eventTable) as EventName[]

/** Why there is no retained message any more. */
export type RetainedEnd = 'cleared' | 'expired' | 'refused' | 'damaged'

export type SessionEndCause = 'expired' | 'clean start' | 'connection ended' | 'session limit' | 'administrator'

export type EventName = keyof BrokerEvents
export type Listener<Name extends EventName> = (event: BrokerEvents[Name]) => void
type AnyListener = (event: object) => void

/** Listeners by event. */
export class Events {
  readonly #listeners = new Map<string, Set<AnyListener>>()
  readonly #log: Logger
  /** Whether anybody listens to the event of that name: plain fields, because the hot path asks. */
  readonly hears: { published: boolean; delivered: boolean; dropped: boolean; packets: boolean } = {
    published: false,
    delivered: false,
    dropped: false,
    packets: false,
  }

  constructor(log: Logger) {
    this.#log = log
  }

  /** All names there are. */
  readonly names: readonly EventName[] = eventNames

  /** @throws {UsageError} for a name that no event has, and a listener that is no function */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): void {
    mustBeEvent(name)
    mustBeListener(name, listener)
    const set = this.#listeners.get(name) ?? new Set()
    set.add(listener as AnyListener)
    this.#listeners.set(name, set)
    this.#look()
  }

  /** @throws {UsageError} for a name that no event has */
  off<Name extends EventName>(name: Name, listener: Listener<Name>): void {
    mustBeEvent(name)
    this.#listeners.get(name)?.delete(listener as AnyListener)
    this.#look()
  }

  #look(): void {
    const has = (name: EventName): boolean => (this.#listeners.get(name)?.size ?? 0) > 0
    this.hears.published = has('published')
    this.hears.delivered = has('delivered')
    this.hears.dropped = has('dropped')
    this.hears.packets = has('packetReceived') || has('packetSent')
  }

  tell<Name extends EventName>(name: Name, event: BrokerEvents[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      callGuarded(listener, event, (error) =>
        this.#log.error({ event: name, err: error }, `a listener of the event ${name} threw`),
      )
    }
  }
}

/** Types do not reach a program in JavaScript, and a misspelt name would never be emitted. */
function mustBeEvent(name: unknown): void {
  if (eventNames.includes(name as EventName)) return
  const near = typeof name === 'string' ? nearest(name, eventNames) : undefined
  const hint = near === undefined ? 'the reference lists every event' : `did you mean ${near}?`
  throw new UsageError(`there is no event ${show(name)}; ${hint}`)
}

/** @throws {UsageError} */
export function mustBeListener(name: EventName, listener: unknown): void {
  if (typeof listener === 'function') return
  throw new UsageError(`a listener of the event ${name} must be a function, got ${show(listener)}`)
}

/** Calls what the host program gave. Where it throws, or is `async` and rejects, `failed` is told and nobody else. */
export function callGuarded<Value>(
  listener: (value: Value) => unknown,
  value: Value,
  failed: (error: unknown) => void,
): void {
  try {
    const result = listener(value)
    if (result instanceof Promise) result.catch(failed)
  } catch (error) {
    failed(error)
  }
}
