/**
 * The events that readers of the HTTP API may follow, and how they are written: those about clients, sessions and the
 * broker, not those that come with every message.
 *
 * @module
 */
import type { AdminRole } from '../../broker/host/api-key-views.ts'
import { operationTable } from '../operation-table.ts'
import type { EventName } from '../../access/broker-events.ts'

export const liveEvents = [
  ...(['clientConnected', 'clientDisconnected', 'clientRefused', 'sessionCreated', 'sessionEnded'] as const),
  ...(['subscribed', 'unsubscribed', 'subscribeRefused', 'publishRefused', 'willPublished'] as const),
  ...(['loginPenalty', 'limitReached', 'memoryLimit', 'storeHealth', 'telemetryHealth', 'reloaded'] as const),
  ...(['traceEnded', 'bridgeChanged'] as const),
  ...(['listenerOpened', 'listenerFailed', 'handshakeRefused', 'adminAction'] as const),
] as const satisfies readonly EventName[]

export type LiveEvent = (typeof liveEvents)[number]

/** The least role that may read them: what operators do is for those who may read the audit log. */
export function roleFor(name: LiveEvent): AdminRole {
  return name === 'adminAction' ? operationTable.auditLog.role : 'viewer'
}

/** What is written of a client: neither its certificate nor anything that it could hide something in. */
const CLIENT_FIELDS = ['clientId', 'userName', 'claimedUserName', 'address', 'listener', 'protocolVersion'] as const

/** One event of a stream: JSON has no line feeds outside of strings, and none in them. */
export function eventText(name: string, event: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(event, clientFacts)}\n\n`
}

function clientFacts(key: string, value: unknown): unknown {
  if (key !== 'client' || typeof value !== 'object' || value === null) return value
  const client = value as Readonly<Record<string, unknown>>
  return Object.fromEntries(CLIENT_FIELDS.map((field) => [field, client[field]]))
}
