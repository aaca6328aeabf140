/** A Session as lists show it. @module */
import type { QoS } from '../../codec/packet-types.ts'
import type { Client } from '../../protocol/client.ts'
import type { Registration } from './sessions.ts'

/** A session at one moment, as `broker.sessions()` returns it. */
export interface SessionView {
  readonly clientId: string
  readonly userName: string | undefined
  /** The unverified user name that an anonymous client sent. */
  readonly claimedUserName: string | undefined
  readonly connected: boolean
  /** The client of the current or the latest connection. */
  readonly client: Client
  /** In seconds. */
  readonly sessionExpiryInterval: number
  readonly subscriptions: readonly { readonly topicFilter: string; readonly qos: QoS }[]
  readonly queuedMessages: number
  /** Memory that the waiting messages would take, wherever their payloads are. */
  readonly queuedBytes: number
  readonly inflightMessages: number
  /** Memory that the session takes: its subscriptions, its will and its messages. */
  readonly memoryBytes: number
}

export function sessionViewOf({ session, connection, client }: Registration): SessionView {
  return {
    clientId: session.clientId,
    userName: session.userName,
    claimedUserName: client.claimedUserName,
    connected: connection !== undefined,
    client,
    sessionExpiryInterval: session.sessionExpiryInterval,
    subscriptions: Array.from(session.subscriptions.values(), ({ topicFilter, qos }) => ({ topicFilter, qos })),
    queuedMessages: session.queuedMessages,
    queuedBytes: session.queuedBytes,
    inflightMessages: session.inflightMessages,
    memoryBytes: session.memory.bytes,
  }
}
