/** A connected Client, with the state of its Connection and its Session. @module */
import type { Clock } from '../../base/clock.ts'
import { State } from '../../protocol/connection-state.ts'
import type { TlsView } from '../../protocol/transport.ts'
import type { ConnectionIdentity } from './connection-identity.ts'
import { notesOf } from './connection-notes.ts'
import type { Registration } from './sessions.ts'

/** A connected client. Times are in milliseconds since 1970, as `Date.now()` gives them. */
export interface ClientView extends ConnectionIdentity {
  /** Whether it identifies itself as the bridge of another server. */
  readonly bridge: boolean
  /** Whether bytes travel encrypted (TLS). */
  readonly encrypted: boolean
  /** The name in its certificate, as the listener reads it. */
  readonly certificateUserName: string | undefined
  /** `undefined` without TLS, or if the TLS is not the broker's own. */
  readonly tls: TlsView | undefined
  /**
   * `accepted`: its CONNACK waits for the store. `connected`. `answering`: its last packet waits for a plugin or the
   * store, and everything behind it waits too.
   */
  readonly state: 'accepted' | 'connected' | 'answering'
  /**
   * False while the broker does not read from it: its output or an answer is waiting, it has exceeded a rate, it waits
   * for a subscriber, or others are being served first.
   */
  readonly isRead: boolean
  readonly connectedAtMs: number
  /** When the last complete packet arrived. */
  readonly lastPacketReceivedAtMs: number | undefined
  /** When the last packet was passed to the network. */
  readonly lastPacketSentAtMs: number | undefined
  /** Clean Start (3.1.1: Clean Session) of its CONNECT (§3.1.2.4). */
  readonly cleanStart: boolean
  /** Session Present of its CONNACK (§3.2.2.1.1). */
  readonly sessionPresent: boolean
  /** The Keep Alive in force, in seconds; 0 for none (§3.1.2.10). */
  readonly keepAlive: number
  /** In seconds; 4294967295 for a session that never expires (§3.1.2.11.2). */
  readonly sessionExpiryInterval: number
  /**
   * Messages of QoS 1 and 2 that may be in flight to it: its Receive Maximum, or `max-inflight-messages` (§3.1.2.11.3).
   */
  readonly receiveMaximum: number
  /** How many more may be sent before it acknowledges one (§4.9). */
  readonly sendQuota: number
  /** Messages of QoS 1 and 2 sent and not acknowledged. */
  readonly inflightMessages: number
  /** Messages of QoS 2 that it has published and not released (PUBREL). */
  readonly inflightReceivedMessages: number
  readonly queuedMessages: number
  /** The memory that they would take, wherever their payloads are. */
  readonly queuedBytes: number
  readonly subscriptions: number
  /** Bytes of MQTT on this connection. */
  readonly bytesReceived: number
  readonly bytesSent: number
  /** PUBLISH packets on this connection. */
  readonly messagesReceived: number
  readonly messagesSent: number
  /** Bytes that the network has not taken yet. */
  readonly unsentBytes: number
  /** The memory that the connection takes: unfinished input, unsent output, packets that wait for the store. */
  readonly connectionMemoryBytes: number
  /** The memory that the session takes: its subscriptions, its Will and its messages. */
  readonly sessionMemoryBytes: number
  /**
   * Mean time from sending a PUBLISH of QoS 1 or 2 until its PUBACK or PUBREC, in milliseconds: the latest ones count
   * most. A PUBLISH of QoS 2 may first wait for the store. `null` until one was acknowledged on this connection.
   */
  readonly acknowledgementMs: number | null
}

const STATES: Readonly<Partial<Record<State, ClientView['state']>>> = {
  [State.Accepted]: 'accepted',
  [State.Connected]: 'connected',
  [State.Answering]: 'answering',
}

/**
 * Written out as one literal: gathered from parts with `...`, it would cost V8 sixty times as much, and a page has a
 * thousand.
 *
 * @returns `undefined` for a Session without a Connection
 */
export function clientViewOf({ session, connection }: Registration, clock: Clock): ClientView | undefined {
  if (connection === undefined) return undefined
  const { client, peer, lastPacketMs, messageCounts } = connection
  const { cleanStart, sessionPresent } = notesOf(connection)
  return {
    clientId: client.clientId,
    userName: client.userName,
    claimedUserName: client.claimedUserName,
    address: client.address,
    port: peer.port,
    listener: client.listener,
    protocolVersion: client.protocolVersion,
    bridge: client.bridge ?? false,
    encrypted: peer.encrypted,
    certificateUserName: peer.certificateUserName,
    tls: peer.tls?.view(),
    state: STATES[connection.state] ?? 'connected',
    isRead: connection.isRead,
    cleanStart,
    sessionPresent,
    keepAlive: connection.keepAlive,
    connectedAtMs: wallTimeOf(connection.connectedAtMs, clock)!,
    lastPacketReceivedAtMs: wallTimeOf(lastPacketMs.received, clock),
    lastPacketSentAtMs: wallTimeOf(lastPacketMs.sent, clock),
    bytesReceived: connection.receivedBytes,
    bytesSent: connection.sentBytes,
    messagesReceived: messageCounts.received,
    messagesSent: messageCounts.sent,
    unsentBytes: connection.unsentBytes,
    connectionMemoryBytes: connection.memoryBytes,
    sessionExpiryInterval: session.sessionExpiryInterval,
    receiveMaximum: session.receiveMaximum,
    sendQuota: session.sendQuota,
    inflightMessages: session.inflightMessages,
    inflightReceivedMessages: session.receivedIdentifiers?.size ?? 0,
    queuedMessages: session.queuedMessages,
    queuedBytes: session.queuedBytes,
    subscriptions: session.subscriptions.size,
    sessionMemoryBytes: session.memory.bytes,
    acknowledgementMs: session.acknowledgementMs ?? null,
  }
}

/** @param atMs monotonic; below 0 if it has not happened */
function wallTimeOf(atMs: number, clock: Clock): number | undefined {
  return atMs < 0 ? undefined : Math.round(clock.wallNow() - (clock.now() - atMs))
}
