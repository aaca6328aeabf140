/** Every event of the broker, with what it says. @module */
import type { Packet } from '../../codec/packets.ts'
import type { QoS } from '../../codec/packet-types.ts'
import type { AccountKind } from '../../base/memory-account.ts'
import type { ReasonCode } from '../../codec/reason-code.ts'
import type { ApplicationMessage } from '../../protocol/application-message.ts'
import type { Client } from '../../protocol/client.ts'
import type { EndCause } from '../../protocol/server-side.ts'
import type { DropCause } from '../../protocol/session.ts'
import type { StoreCondition } from '../../stores/store.ts'
import type { HandshakeRefusal, ListenerTrouble, ListenerUp } from './listener-events.ts'

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

/** Why there is no retained message any more. */
export type RetainedEnd = 'cleared' | 'expired' | 'refused' | 'damaged'

export type SessionEndCause = 'expired' | 'clean start' | 'connection ended' | 'session limit' | 'administrator'

export type EventName = keyof BrokerEvents
