/** What is shown of clients, sessions and messages. @module */
import type { HeldMessageView } from '../../broker/sessions/held-message-view.ts'
import { waitTable } from '../../broker/sessions/held-message-view.ts'
import type { RetainedView, SlowSubscriberView, SubscriptionView, TopicView } from '../../broker/host/admin.ts'
import type { SubscriptionResult } from '../../broker/host/client-subscriptions.ts'
import type { ClientView } from '../../broker/sessions/client-view.ts'
import type { ClosedConnectionView } from '../../broker/sessions/closed-connections.ts'
import type { ConnectionIdentity } from '../../broker/sessions/connection-identity.ts'
import type { SessionView } from '../../broker/sessions/session-view.ts'
import { ReasonCode } from '../../codec/reason-code.ts'
import type { Client } from '../../protocol/client.ts'
import type { TlsView } from '../../protocol/transport.ts'
import { endCauseTable } from '../../reporting/event-table.ts'
import {
  among,
  bool,
  decimal,
  integer,
  keyOf,
  list,
  object,
  orAbsent,
  orNull,
  text,
  time,
  type Field,
  type Fields,
} from './field.ts'

const qos = among(0, 1, 2)
const protocolVersion = among(3, 4, 5)
/** Some have two names. */
const REASON_CODES = [...new Set(Object.values(ReasonCode))]
const byte = { minimum: 0, maximum: 255 }

const identity: Fields<ConnectionIdentity> = {
  clientId: text(),
  userName: orAbsent(text()),
  claimedUserName: orAbsent(text()),
  address: text(),
  port: orAbsent(integer()),
  listener: text(),
  protocolVersion,
}

const tls: Fields<TlsView> = {
  version: text(),
  cipher: text(),
  serverName: orAbsent(text()),
  certificate: orAbsent(
    object({
      subject: text(),
      issuer: text(),
      serialNumber: text(),
      fingerprint: text(),
      validFromMs: time(),
      validToMs: time(),
    }),
  ),
}

export const clientView: Fields<ClientView> = {
  ...identity,
  bridge: bool(),
  encrypted: bool(),
  certificateUserName: orAbsent(text()),
  tls: orAbsent(object(tls)),
  state: among('accepted', 'connected', 'answering'),
  isRead: bool(),
  connectedAtMs: time(),
  lastPacketReceivedAtMs: orAbsent(time()),
  lastPacketSentAtMs: orAbsent(time()),
  cleanStart: bool(),
  sessionPresent: bool(),
  keepAlive: integer('seconds'),
  sessionExpiryInterval: integer('seconds'),
  receiveMaximum: integer(),
  sendQuota: integer(),
  inflightMessages: integer(),
  inflightReceivedMessages: integer(),
  queuedMessages: integer(),
  queuedBytes: integer('bytes'),
  subscriptions: integer(),
  bytesReceived: integer('bytes'),
  bytesSent: integer('bytes'),
  messagesReceived: integer(),
  messagesSent: integer(),
  unsentBytes: integer('bytes'),
  connectionMemoryBytes: integer('bytes'),
  sessionMemoryBytes: integer('bytes'),
  acknowledgementMs: orNull(decimal('milliseconds')),
}

const yes: Field<true> = { schema: { const: true }, isOptional: false }

const client: Fields<Client> = {
  clientId: text(),
  userName: orAbsent(text()),
  claimedUserName: orAbsent(text()),
  address: text(),
  listener: text(),
  protocolVersion,
  bridge: orAbsent(yes),
  own: orAbsent(yes),
  console: orAbsent(among('all', 'publish')),
}

export const sessionView: Fields<SessionView> = {
  clientId: text(),
  userName: orAbsent(text()),
  claimedUserName: orAbsent(text()),
  connected: bool(),
  client: object(client),
  sessionExpiryInterval: integer('seconds'),
  subscriptions: list(object({ topicFilter: text(), qos })),
  queuedMessages: integer(),
  queuedBytes: integer('bytes'),
  inflightMessages: integer(),
  memoryBytes: integer('bytes'),
}

export const heldMessageView: Fields<HeldMessageView> = {
  state: among('queued', 'sent', 'released'),
  waitsFor: keyOf(waitTable),
  ahead: orAbsent(integer()),
  packetIdentifier: orAbsent(integer()),
  topic: text(),
  qos,
  retain: bool(),
  publisher: text(),
  payloadBytes: integer('bytes'),
  isLoaded: bool(),
  receivedAtMs: orAbsent(time()),
  expiresAtMs: orAbsent(time()),
  sharedSubscription: orAbsent(text()),
}

export const subscriptionView: Fields<SubscriptionView> = {
  clientId: text(),
  topicFilter: text(),
  isShared: bool(),
  qos,
  noLocal: bool(),
  retainAsPublished: bool(),
  retainHandling: among(0, 1, 2),
  subscriptionIdentifiers: list(integer()),
}

export const closedConnectionView: Fields<ClosedConnectionView> = {
  ...identity,
  connectedAtMs: time(),
  closedAtMs: time(),
  cause: keyOf(endCauseTable),
  reasonCode: among(...REASON_CODES),
  detail: text(),
  bytesReceived: integer('bytes'),
  bytesSent: integer('bytes'),
  messagesReceived: integer(),
  messagesSent: integer(),
}

export const retainedView: Fields<RetainedView> = {
  topic: text(),
  qos,
  payloadBytes: integer('bytes'),
  publisher: text(),
  receivedAtMs: time(),
  expiresAtMs: orAbsent(time()),
}

export const slowSubscriberView: Fields<SlowSubscriberView> = {
  clientId: text(),
  userName: orAbsent(text()),
  queuedMessages: integer(),
  queuedBytes: integer('bytes'),
  unsentBytes: integer('bytes'),
  inflightMessages: integer(),
  acknowledgementMs: orNull(decimal('milliseconds')),
}

export const topicView: Fields<TopicView> = {
  topic: text(),
  messages: integer(),
  bytes: integer('bytes'),
  receivers: integer(),
  messagesPerSecond: decimal('per second'),
  bytesPerSecond: decimal('per second'),
}

export const subscriptionResult: Fields<SubscriptionResult> = {
  topicFilter: text(),
  reasonCode: integer(undefined, byte),
}
