/** Every event of the broker, and what it carries: for the host program and for plugins. @module */
import type { Packet } from '../codec/packets.ts'
import type { QoS } from '../codec/packet-types.ts'
import type { AccountKind } from '../base/memory-account.ts'
import type { ReasonCode } from '../codec/reason-code.ts'
import type { Message } from '../protocol/message.ts'
import type { Client } from '../protocol/client.ts'
import type { EndCause } from '../protocol/server-side.ts'
import type { DropCause } from '../protocol/drop-cause.ts'
import type { HandshakeRefusal, ListenerTrouble, ListenerUp } from './listener-events.ts'

/** Every event with its fields. */
export interface BrokerEvents {
  /** All listeners are open. */
  started: { readonly listeners: readonly { readonly name: string; readonly url: string }[] }
  /** A new configuration is in force. */
  reloaded: { readonly listeners: readonly { readonly name: string; readonly url: string }[] }
  /** The store became full or unable to write, or recovered. Until it recovers, QoS 1 and 2 are refused. */
  storeHealth: { readonly healthy: boolean; readonly condition: 'well' | 'full' | 'failing'; readonly reason: string }
  /** The export to the collector of `telemetry` failed, or works again; once for each change of a signal. */
  telemetryHealth: {
    readonly signal: 'metrics' | 'logs' | 'traces'
    readonly healthy: boolean
    readonly reason: string
  }
  /** A bridge to another broker has connected, lost its connection, or was paused. */
  bridgeChanged: { readonly name: string; readonly state: string; readonly reason: string }
  /** The broker begins to close: connections end with 0x8B. */
  closing: { readonly connections: number }
  /** Everything is closed. */
  closed: { readonly unstoredChanges: number }
  /** A client was accepted: CONNACK 0x00 is being sent. */
  clientConnected: { readonly client: Client; readonly sessionPresent: boolean; readonly cleanStart: boolean }
  /** A CONNECT was refused, or a connection before its CONNECT. */
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
  /** A limit was reached that has no event of its own. */
  limitReached: { readonly option: string; readonly owner: string }
  /** Another wrong login in a row delays the next one. */
  loginPenalty: {
    readonly network: string
    readonly userName: string | undefined
    readonly wrongLogins: number
    readonly delayMs: number
  }
  /** An operator has done something, or tried to. */
  adminAction: {
    readonly who: string
    readonly from: string
    readonly what: string
    readonly parameters: object
    readonly status: number
    readonly code: string | undefined
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
  /** A message was accepted. `client` is `undefined` for messages of the host program. */
  published: { readonly client: Client | undefined; readonly message: Message; readonly receivers: number }
  publishRefused: {
    readonly client: Client
    readonly topic: string
    readonly qos: QoS
    readonly reasonCode: number
    readonly detail: string
  }
  /** A message was passed to the connection of a client. */
  delivered: { readonly clientId: string; readonly message: Message; readonly qos: QoS }
  /**
   * A message did not, and will not, reach a client. `clientId` is empty if no member of a Shared Subscription took it,
   * or if a plugin dropped it for all clients. If the payload was only on disk, it is missing and `message.isLoaded` is
   * false.
   */
  dropped: { readonly clientId: string; readonly message: Message; readonly cause: DropCause }
  /** A retained message was set, replaced, cleared, or refused: for lack of room, or because `retain` is off. */
  retained: { readonly topic: string; readonly action: 'set' | RetainedEnd }
  /** Something was refused because an account has reached its memory limit; emitted once until there is room again. */
  memoryLimit: {
    readonly account: AccountKind
    readonly owner: string
    readonly bytes: number
    readonly limit: number
  }
  /**
   * A message was refused because a user has reached its share of the store; emitted once until there is room again.
   */
  storeLimit: { readonly owner: string; readonly bytes: number; readonly limit: number }
  willPublished: { readonly clientId: string; readonly topic: string }
  /** A trace has ended. */
  traceEnded: {
    readonly traceId: string
    readonly cause: 'stopped' | 'seconds' | 'records' | 'bytes' | 'abandoned' | 'broker closed'
    readonly records: number
    readonly recordsLost: number
  }
  packetReceived: { readonly clientId: string; readonly packet: Packet }
  packetSent: { readonly clientId: string; readonly packet: Packet }
  /** A bug in the broker was contained. */
  internalError: { readonly clientId: string; readonly error: unknown }
  /** The same bug as an Error, by the name that Node's `events.once` and `events.on` reject for. */
  error: Error
}

/** Why a retained message was removed or refused. */
export type RetainedEnd = 'cleared' | 'expired' | 'refused' | 'damaged'

/** Why a session ended. */
export type SessionEndCause = 'expired' | 'clean start' | 'connection ended' | 'session limit' | 'administrator'

/** The name of an event. */
export type EventName = keyof BrokerEvents

/** Called with each event of that name. */
export type EventListener<Name extends EventName> = (event: BrokerEvents[Name]) => void
