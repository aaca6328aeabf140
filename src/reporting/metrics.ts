/**
 * What the broker counts: plain fields that the hot path adds to, and histograms of what happens once a turn, a commit
 * or a login. `metric-table.ts` says what each means.
 *
 * @module
 */
import { Histogram } from '../base/histogram.ts'
import type { ConnectionMetrics } from '../protocol/server-side.ts'
import type { DropCause } from '../protocol/drop-cause.ts'

/** Upper bounds in milliseconds. A turn has a budget of 8 ms, and none should exceed 20. */
const TURN_BOUNDS = [0.1, 0.25, 0.5, 1, 2, 4, 8, 12, 20, 50, 100, 500] as const
/** From a disk with a cache of its own to one that fails for a while. */
const COMMIT_BOUNDS = [0.5, 1, 2, 5, 10, 20, 50, 100, 500, 2000, 10_000] as const
/** From no password at all to a plugin that asks another machine. */
const LOGIN_BOUNDS = [1, 5, 10, 25, 50, 100, 250, 500, 1000, 5000, 30_000] as const

/** Every counter and histogram of a broker, as live fields. */
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
  directoryRefusedAtLimit = 0
  connectsBanned = 0
  flappingBans = 0
  loginAddressesForgotten = 0
  loginNamesForgotten = 0
  knownLoginsForgotten = 0
  closedConnectionsForgotten = 0
  recorderClientsForgotten = 0
  recorderEntriesLost = 0
  adminRequests = 0
  adminOverLimit = 0
  adminBusy = 0
  adminLoginsRefused = 0
  adminRequestsForbidden = 0
  adminAuditLinesLost = 0
  adminEventsLost = 0
  telemetrySpansLost = 0
  telemetryLinesLost = 0
  telemetryExportsFailed = 0
  tracesStarted = 0
  tracesRefused = 0
  traceRecords = 0
  traceRecordsLost = 0
  traceClientsLeftOut = 0
  traceRecordsOverwritten = 0
  bridgesConnected = 0
  bridgeMessagesOut = 0
  bridgeMessagesIn = 0
  bridgeMessagesRefused = 0
  bridgeMessagesDropped = 0
  bridgeMessagesReturned = 0
  takeovers = 0
  protocolErrors = 0
  keepAliveTimeouts = 0
  slowReceiversClosed = 0
  subscribesRefused = 0
  publishesRefused = 0
  publishesReplaced = 0
  deliveriesReplaced = 0
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
  storeRefusedUser = 0
  turns = 0
  turnsSpent = 0
  gatherPauses = 0
  longestTurnMs = 0
  mostTurnWork = 0
  payloadReadsFailed = 0
  payloadsDamaged = 0
  internalErrors = 0
  readonly turnMs: Histogram = new Histogram(TURN_BOUNDS)
  readonly commitMs: Histogram = new Histogram(COMMIT_BOUNDS)
  readonly loginMs: Histogram = new Histogram(LOGIN_BOUNDS)
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
    'store limit': 0,
    damaged: 0,
    'too many attempts': 0,
    'dropped by plugin': 0,
    'plugin failed': 0,
  }
}
