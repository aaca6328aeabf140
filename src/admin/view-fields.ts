/** The fields of what lists have: what `fields` may name. The compiler sees that none is missing. @module */
import type { RetainedView, SubscriptionView } from '../broker/host/admin.ts'
import type { ClientView } from '../broker/sessions/client-view.ts'
import type { ClosedConnectionView } from '../broker/sessions/closed-connections.ts'
import type { HeldMessageView } from '../broker/sessions/held-message-view.ts'
import type { SessionView } from '../broker/sessions/session-view.ts'

/** Each field once. */
type Fields<View> = Readonly<Record<keyof View, true>>

const client: Fields<ClientView> = {
  ...{ clientId: true, userName: true, claimedUserName: true, address: true, port: true, listener: true },
  ...{ protocolVersion: true, bridge: true, encrypted: true, certificateUserName: true, tls: true, state: true },
  ...{ isRead: true, connectedAtMs: true, lastPacketReceivedAtMs: true, lastPacketSentAtMs: true, cleanStart: true },
  ...{ sessionPresent: true, keepAlive: true, sessionExpiryInterval: true, receiveMaximum: true, sendQuota: true },
  ...{ inflightMessages: true, inflightReceivedMessages: true, queuedMessages: true, queuedBytes: true },
  ...{ subscriptions: true, bytesReceived: true, bytesSent: true, messagesReceived: true, messagesSent: true },
  ...{ unsentBytes: true, connectionMemoryBytes: true, sessionMemoryBytes: true, acknowledgementMs: true },
}

const session: Fields<SessionView> = {
  ...{ clientId: true, userName: true, claimedUserName: true, connected: true, client: true, subscriptions: true },
  ...{
    sessionExpiryInterval: true,
    queuedMessages: true,
    queuedBytes: true,
    inflightMessages: true,
    memoryBytes: true,
  },
}

const heldMessage: Fields<HeldMessageView> = {
  ...{ state: true, waitsFor: true, ahead: true, packetIdentifier: true, topic: true, qos: true, retain: true },
  ...{ publisher: true, payloadBytes: true, isLoaded: true, receivedAtMs: true, expiresAtMs: true },
  sharedSubscription: true,
}

const subscription: Fields<SubscriptionView> = {
  ...{ clientId: true, topicFilter: true, isShared: true, qos: true, noLocal: true, retainAsPublished: true },
  ...{ retainHandling: true, subscriptionIdentifiers: true },
}

const closedConnection: Fields<ClosedConnectionView> = {
  ...{ clientId: true, userName: true, claimedUserName: true, address: true, port: true, listener: true },
  ...{ protocolVersion: true, connectedAtMs: true, closedAtMs: true, cause: true, reasonCode: true, detail: true },
  ...{ bytesReceived: true, bytesSent: true, messagesReceived: true, messagesSent: true },
}

const retained: Fields<RetainedView> = {
  ...{ topic: true, qos: true, payloadBytes: true, publisher: true, receivedAtMs: true, expiresAtMs: true },
}

/** By the operation that returns them. */
export const viewFields = {
  clients: Object.keys(client),
  sessions: Object.keys(session),
  heldMessages: Object.keys(heldMessage),
  subscriptions: Object.keys(subscription),
  closedConnections: Object.keys(closedConnection),
  retained: Object.keys(retained),
} as const
