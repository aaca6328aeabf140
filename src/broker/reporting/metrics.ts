/**
 * The broker's counters: plain fields that the hot path adds to. `metric-table.ts` says what each means.
 *
 * @module
 */
import type { ConnectionMetrics } from '../../protocol/server-side.ts'
import type { DropCause } from '../../protocol/session.ts'

export class Metrics implements ConnectionMetrics {
  bytesReceived = 0
  readsReceived = 0
  bytesSent = 0
  packetsReceived = 0
  packetsSent = 0
  publishReceived = 0
  publishSent = 0
  publishBytesReceived = 0
  publishBytesSent = 0
  publishDroppedIn = 0
  packetsOverLimit = 0
  inputHeldBytes = 0
  inputOverLimit = 0
  packetTimeouts = 0
  readingPaused = 0
  rateLimited = 0
  publishersGaveWay = 0
  qosLowered = 0
  retainIgnored = 0
  connectionsAccepted = 0
  connectionsClosedAtLimit = 0
  connectionsLostToFiles = 0
  connectionsGaveWay = 0
  handshakesRefused = 0
  failedOpens = 0
  connectsAccepted = 0
  connectsRefused = 0
  connectsRefusedAtLimit = 0
  loginsRefused = 0
  loginsSlowed = 0
  loginsRevoked = 0
  loginAddressesForgotten = 0
  loginNamesForgotten = 0
  knownLoginsForgotten = 0
  takeovers = 0
  protocolErrors = 0
  keepAliveTimeouts = 0
  slowReceiversClosed = 0
  subscribesRefused = 0
  publishesRefused = 0
  publishesNotStored = 0
  sessionsCreated = 0
  sessionsExpired = 0
  sessionsEndedAtLimit = 0
  sessionsRefusedAtLimit = 0
  willsPublished = 0
  retainedRefusedAtLimit = 0
  retainedExpired = 0
  memoryRefusedConnection = 0
  memoryRefusedSession = 0
  memoryRefusedUser = 0
  memoryRefusedBroker = 0
  turns = 0
  turnsSpent = 0
  gatherPauses = 0
  longestTurnMs = 0
  mostTurnWork = 0
  payloadReadsFailed = 0
  payloadsDamaged = 0
  internalErrors = 0
  readonly dropped: Record<DropCause, number> = {
    'not connected': 0,
    'output full': 0,
    'queue full': 0,
    expired: 0,
    'packet too large': 0,
    'cannot be encoded': 0,
    'not authorized': 0,
    'publisher not authorized': 0,
    'no member': 0,
    'session ended': 0,
    'refused by client': 0,
    'memory limit': 0,
    damaged: 0,
    'too many attempts': 0,
  }
}
