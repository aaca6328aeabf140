/**
 * What each counter means: the one table from which `$SYS` and the manual's page (docs/reference/metrics.md) are generated. A
 * test proves that it names the fields of `Metrics` and no other.
 *
 * @module
 */
import type { DropCause } from '../../protocol/session.ts'
import type { StoreFigures } from '../../stores/store.ts'
import type { Metrics } from './metrics.ts'

/** A counter's meaning. All count since the broker started, unless the description says otherwise. */
export interface MetricRow {
  readonly unit: string
  readonly description: string
}

export type CounterName = Exclude<keyof Metrics, 'dropped'>

export const metricTable: Readonly<Record<CounterName, MetricRow>> = {
  bytesReceived: row('bytes', 'Bytes read from clients.'),
  readsReceived: row('reads', 'Chunks of bytes read from clients.'),
  bytesSent: row('bytes', 'Bytes written to clients.'),
  packetsReceived: row('packets', 'Packets received.'),
  packetsSent: row('packets', 'Packets sent.'),
  publishReceived: row('packets', 'PUBLISH packets received.'),
  publishSent: row('packets', 'PUBLISH packets sent.'),
  publishBytesReceived: row('bytes', 'Payload bytes of PUBLISH packets received.'),
  publishBytesSent: row('bytes', 'Payload bytes of PUBLISH packets sent.'),
  publishDroppedIn: row(
    'packets',
    'QoS 0 PUBLISH packets that were refused, which have no acknowledgement to report it.',
  ),
  packetsOverLimit: row('packets', 'Packets refused at `max-user-properties` or `max-filters-per-packet`.'),
  inputHeldBytes: row('bytes', 'Input held at the moment, limited by `max-input-bytes`.'),
  inputOverLimit: row(
    'connections',
    'Connections ended because they held the most input when `max-input-bytes` was reached.',
  ),
  packetTimeouts: row(
    'connections',
    'Connections ended because a packet arrived more slowly than `packet-timeout` and `min-packet-rate` allow.',
  ),
  readingPaused: row(
    'times',
    'Times that reading from a connection was paused: too much was waiting, or a rate was exceeded.',
  ),
  rateLimited: row('times', 'Times that a client exceeded `max-publish-rate` or `max-byte-rate`.'),
  publishersGaveWay: row(
    'times',
    'Times that a publisher, or Wills that were due, waited because the queue of a reading subscriber was half full.',
  ),
  qosLowered: row('packets', 'PUBLISH packets and Wills of 3.1 and 3.1.1 clients whose QoS was lowered to `max-qos`.'),
  retainIgnored: row('messages', 'Messages and Wills that were not retained because `retain` is off.'),
  connectionsAccepted: row('connections', 'Connections accepted, with or without a CONNECT.'),
  connectionsClosedAtLimit: row('connections', 'Connections closed at once because a limit was reached.'),
  connectionsLostToFiles: row('connections', 'Connections closed at once because the process may open no more files.'),
  connectionsGaveWay: row(
    'connections',
    'Connections closed before login to make room for others: the oldest of the address that had the most.',
  ),
  handshakesRefused: row(
    'connections',
    'Connections refused before MQTT began: by TLS, a PROXY header, or a WebSocket request.',
  ),
  failedOpens: row(
    'times',
    'Times that a listener could not open one of its addresses; with `retry: on` it tries again.',
  ),
  connectsAccepted: row('packets', 'CONNECT packets answered with 0x00.'),
  connectsRefused: row('packets', 'CONNECT packets refused, for any reason.'),
  connectsRefusedAtLimit: row('packets', 'CONNECT packets refused because a limit was reached.'),
  loginsRefused: row('logins', 'Logins and re-authentications that were denied.'),
  loginsSlowed: row('logins', 'Logins delayed because earlier ones were wrong.'),
  loginsRevoked: row('connections', 'Connections ended because no plugin accepts their client any longer.'),
  loginAddressesForgotten: row('addresses', 'Addresses with wrong logins forgotten at `max-delayed-addresses`.'),
  loginNamesForgotten: row('names', 'User names with wrong logins forgotten at `max-delayed-names`.'),
  knownLoginsForgotten: row(
    'logins',
    'Pairs of a user name and the address of a login forgotten at `max-known-logins`.',
  ),
  takeovers: row('connections', 'Connections ended because another one used their client identifier.'),
  protocolErrors: row('connections', 'Connections ended because the client broke the protocol.'),
  keepAliveTimeouts: row('connections', 'Connections ended because the client was silent for too long.'),
  slowReceiversClosed: row('connections', 'Connections ended because the client read nothing for `drain-timeout`.'),
  subscribesRefused: row('subscriptions', 'Subscriptions refused.'),
  publishesRefused: row('messages', 'Messages and Wills refused.'),
  publishesNotStored: row('messages', 'Messages refused because the store had no room for them or could not write.'),
  sessionsCreated: row('sessions', 'Sessions created.'),
  sessionsExpired: row('sessions', 'Sessions ended by their Session Expiry Interval.'),
  sessionsEndedAtLimit: row('sessions', 'Sessions ended to make room for another one of the same owner.'),
  sessionsRefusedAtLimit: row('sessions', 'Sessions refused at `max-sessions` or `max-sessions-per-user`.'),
  willsPublished: row('messages', 'Wills published.'),
  retainedRefusedAtLimit: row('messages', 'Messages delivered but not retained because a limit was reached.'),
  retainedExpired: row('messages', 'Retained messages removed by their Message Expiry Interval.'),
  memoryRefusedConnection: row('times', 'Connections ended because their input exceeded `max-memory-per-connection`.'),
  memoryRefusedSession: row('times', 'Times that something was refused at `max-memory-per-session`.'),
  memoryRefusedUser: row('times', 'Times that something was refused at `max-memory-per-user`.'),
  memoryRefusedBroker: row(
    'times',
    'Times that something was refused at `max-memory`, or because the process was short of memory.',
  ),
  turns: row('turns', 'Turns of the event loop that had work to do.'),
  turnsSpent: row('turns', 'Turns that used up their budget and left work for the next one.'),
  gatherPauses: row('pauses', 'Pauses of `gather-pause` after small turns.'),
  longestTurnMs: row('milliseconds', 'Longest turn of the event loop.'),
  mostTurnWork: row('units', 'Most work counted in one turn, in units of about 0.1 µs.'),
  payloadReadsFailed: row('reads', 'Reads of waiting payloads from the store that failed; they are repeated.'),
  payloadsDamaged: row('payloads', 'Payloads that the store has lost; only their messages are dropped.'),
  internalErrors: row('errors', 'Bugs in the broker that were contained: each affected one message or one connection.'),
}

/** A figure of the store, and where it is published below `$SYS/broker/store/`. */
export interface StoreRow extends MetricRow {
  readonly topic: string
}

/** The figures of the store: `broker.storeFigures`, if the broker has one. */
export const storeTable: Readonly<Record<keyof StoreFigures, StoreRow>> = {
  turns: storeRow('turns', 'turns', 'Turns that stored something.'),
  changes: storeRow('changes', 'changes', 'Changes stored.'),
  commits: storeRow('commits', 'commits', 'Commits, each of which appends all waiting turns at once.'),
  syncs: storeRow('syncs', 'syncs', 'Syncs of the journal; everything written before one survives a power cut.'),
  failures: storeRow('failures', 'failures', 'Writes and syncs of the journal that failed and were repeated.'),
  journalBytes: storeRow('journal/bytes', 'bytes', 'Bytes appended to the journal.'),
  lastBatchTurns: storeRow('commit/turns/last', 'turns', 'Turns in the last commit.'),
  maxBatchTurns: storeRow('commit/turns/maximum', 'turns', 'Turns in the largest commit.'),
  lastCommitMs: storeRow('commit/latency/last', 'milliseconds', 'Duration of the last commit.'),
  maxCommitMs: storeRow('commit/latency/maximum', 'milliseconds', 'Duration of the longest commit.'),
  commitP50Ms: storeRow('commit/latency/p50', 'milliseconds', 'Half of all commits took no longer.'),
  commitP99Ms: storeRow('commit/latency/p99', 'milliseconds', 'All but one in a hundred commits took no longer.'),
  checkpoints: storeRow('checkpoints', 'checkpoints', 'Checkpoints written.'),
  lastCheckpointMs: storeRow('checkpoint/duration/last', 'milliseconds', 'Duration of the last checkpoint.'),
  lastCheckpointBytes: storeRow('checkpoint/bytes/last', 'bytes', 'Size of the last checkpoint.'),
  segmentsRemoved: storeRow(
    'segments/removed',
    'segments',
    'Segments removed because nothing in them was needed any more.',
  ),
  segmentsRewritten: storeRow('segments/rewritten', 'segments', 'Segments whose live data was copied to a newer one.'),
  payloadsRead: storeRow('payloads/read', 'payloads', 'Payloads of waiting messages read back from disk.'),
  timesFull: storeRow('full', 'times', 'Times that the disk was full and the reserve was released.'),
  segments: storeRow('segments/count', 'segments', 'Segments on disk.'),
  diskBytes: storeRow('disk/bytes', 'bytes', 'Size of all segments.'),
  reserveBytes: storeRow(
    'reserve/bytes',
    'bytes',
    'Size of the reserve for changes that remove data when the disk is full.',
  ),
  liveBytes: storeRow('live/bytes', 'bytes', 'Live data in the segments.'),
  uncommittedBytes: storeRow('uncommitted/bytes', 'bytes', 'Data waiting for a commit.'),
}

/** Why a message did not reach a client: `metrics.dropped[cause]`, and the `cause` of the event `dropped`. */
export const dropTable: Readonly<Record<DropCause, string>> = {
  'not connected': 'QoS 0, and the client is not connected.',
  'output full': 'QoS 0, and the client reads too slowly.',
  'queue full': 'The queue of the session, or of a subscription of the host program, is full.',
  expired: 'Its Message Expiry Interval passed while it waited.',
  'packet too large': "It exceeds the client's Maximum Packet Size.",
  'cannot be encoded':
    'It cannot be sent to this client: with the properties of the subscription it exceeds what the protocol allows, or the broker failed to encode it (an `internalError`). Publisher and receiver stay connected.',
  'not authorized': 'The client has subscribed to it but may not receive it.',
  'publisher not authorized':
    'It is retained, but its publisher may no longer publish to its topic (`retained-check`).',
  'no member': 'No member of the Shared Subscription could take it.',
  'session ended': 'The session ended while it waited.',
  'refused by client': 'The client answered with a Reason Code of 0x80 or above.',
  'memory limit': 'QoS 1 or 2, and the session, its user or the broker has reached its memory limit.',
  damaged: 'Its payload on disk is damaged or can no longer be read.',
  'too many attempts': 'Its client broke the protocol over it on `max-delivery-attempts` connections.',
}

function storeRow(topic: string, unit: string, description: string): StoreRow {
  return { topic: `store/${topic}`, unit, description }
}

function row(unit: string, description: string): MetricRow {
  return { unit, description }
}
