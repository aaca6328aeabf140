/**
 * What each counter means: the one table that `$SYS` and the manual's page (docs/reference/metrics.md) are made from. A test
 * proves that it names the fields of `Metrics` and no other.
 *
 * @module
 */
import type { DropCause } from '../../protocol/session.ts'
import type { StoreFigures } from '../../stores/store.ts'
import type { Metrics } from './metrics.ts'

/** A counter's meaning. All count from the start of the broker on, except where the description says otherwise. */
export interface MetricRow {
  readonly unit: string
  readonly description: string
}

export type CounterName = Exclude<keyof Metrics, 'dropped'>

export const metricTable: Readonly<Record<CounterName, MetricRow>> = {
  bytesReceived: row('bytes', 'Bytes read from Clients.'),
  readsReceived: row('reads', 'Chunks of bytes read from Clients.'),
  bytesSent: row('bytes', 'Bytes written to Clients.'),
  packetsReceived: row('packets', 'Control Packets received.'),
  packetsSent: row('packets', 'Control Packets sent.'),
  publishReceived: row('packets', 'PUBLISH packets received.'),
  publishSent: row('packets', 'PUBLISH packets sent.'),
  publishBytesReceived: row('bytes', 'Payloads of the PUBLISH packets received.'),
  publishBytesSent: row('bytes', 'Payloads of the PUBLISH packets sent.'),
  publishDroppedIn: row('packets', 'PUBLISH packets of QoS 0 that were refused: no answer tells their Client.'),
  packetsOverLimit: row(
    'packets',
    'Packets refused for more User Properties or Topic Filters than `max-user-properties` or `max-filters-per-packet`.',
  ),
  inputHeldBytes: row('bytes', 'Input that is held now: what `max-input-bytes` limits.'),
  inputOverLimit: row(
    'connections',
    'Connections ended, because they held the most input when `max-input-bytes` was reached.',
  ),
  packetTimeouts: row(
    'connections',
    'Connections ended, because a packet came in more slowly than `packet-timeout` and `min-packet-rate` allow.',
  ),
  readingPaused: row('times', 'A Connection was not read for a while: too much waits, or a rate is overdrawn.'),
  rateLimited: row('times', 'A Client overdrew `max-publish-rate` or `max-byte-rate`.'),
  publishersGaveWay: row(
    'times',
    'A publisher, or the Wills that are due, waited because the queue of a subscriber that reads was half full.',
  ),
  qosLowered: row('packets', 'PUBLISH packets and Wills of 3.1 and 3.1.1 clients that were lowered to `max-qos`.'),
  retainIgnored: row('messages', 'Messages and Wills that were not retained, because `retain` is off.'),
  connectionsAccepted: row('connections', 'Network Connections taken, with or without a CONNECT.'),
  connectionsClosedAtLimit: row('connections', 'Network Connections closed at once, because a limit was reached.'),
  connectionsLostToFiles: row(
    'connections',
    'Network Connections closed at once, because the process may open no more files.',
  ),
  connectionsGaveWay: row(
    'connections',
    'Network Connections closed before their login to make room for others: the oldest of the address that had most.',
  ),
  handshakesRefused: row(
    'connections',
    'Connections turned away before MQTT: by TLS, a PROXY header, or a WebSocket request.',
  ),
  failedOpens: row('times', 'A listener could not open one of its addresses; with `retry: on` it tries again.'),
  connectsAccepted: row('packets', 'CONNECT packets answered with 0x00.'),
  connectsRefused: row('packets', 'CONNECT packets turned down, all causes.'),
  connectsRefusedAtLimit: row('packets', 'CONNECT packets turned down, because a limit was reached.'),
  loginsRefused: row('logins', 'Logins and re-authentications that were denied.'),
  loginsSlowed: row('logins', 'Logins whose check had to wait, because earlier ones were wrong.'),
  loginsRevoked: row('connections', 'Connections ended, because no plugin lets their client in any longer.'),
  loginAddressesForgotten: row('addresses', 'Addresses with wrong logins dropped at `max-delayed-addresses`.'),
  loginNamesForgotten: row('names', 'User names with wrong logins dropped at `max-delayed-names`.'),
  knownLoginsForgotten: row('logins', 'User names with the address of a login dropped at `max-known-logins`.'),
  takeovers: row('connections', 'Connections ended, because another one took their Client Identifier.'),
  protocolErrors: row('connections', 'Connections ended, because the Client broke the protocol.'),
  keepAliveTimeouts: row('connections', 'Connections ended, because the Client was silent for too long.'),
  slowReceiversClosed: row('connections', 'Connections ended, because the Client took nothing for `drain-timeout`.'),
  subscribesRefused: row('subscriptions', 'Topic Filters in SUBSCRIBE packets that were refused.'),
  publishesRefused: row('messages', 'Messages and Wills that were refused.'),
  publishesNotStored: row(
    'messages',
    'Messages that were refused, because the store had no room for them or could not write.',
  ),
  sessionsCreated: row('sessions', 'Sessions begun.'),
  sessionsExpired: row('sessions', 'Sessions ended by their Session Expiry Interval.'),
  sessionsEndedAtLimit: row('sessions', 'Sessions ended to make room for another one of the same holder.'),
  sessionsRefusedAtLimit: row('sessions', 'Sessions refused at `max-sessions` or `max-sessions-per-user`.'),
  willsPublished: row('messages', 'Wills published.'),
  retainedRefusedAtLimit: row('messages', 'Messages delivered but not retained, because a limit was reached.'),
  retainedExpired: row('messages', 'Retained messages ended by their Message Expiry Interval.'),
  memoryRefusedConnection: row(
    'times',
    'The input of a Connection had no room within `max-memory-per-connection`, and it was ended.',
  ),
  memoryRefusedSession: row('times', 'Something had no room within `max-memory-per-session`.'),
  memoryRefusedUser: row('times', 'Something had no room within `max-memory-per-user`.'),
  memoryRefusedBroker: row('times', 'Something had no room within `max-memory`, or the process ran short of memory.'),
  turns: row('turns', 'Turns of the event loop that had something to do.'),
  turnsSpent: row('turns', 'Turns that used up their budget, so that the rest went on in the next.'),
  gatherPauses: row('pauses', 'Pauses of `gather-pause` behind small turns.'),
  longestTurnMs: row('milliseconds', 'Longest turn of the event loop.'),
  mostTurnWork: row('units', 'Most work counted in one turn, in units of about 0.1 µs.'),
  payloadReadsFailed: row('reads', 'Reads of waiting payloads from the Store that failed; they are tried again.'),
  payloadsDamaged: row('payloads', 'Payloads that the Store has lost: their messages are dropped, all others go on.'),
  internalErrors: row('errors', 'Mistakes of the broker itself: each costs one message or one Connection.'),
}

/** A figure of the Store, and where it is published below `$SYS/broker/store/`. */
export interface StoreRow extends MetricRow {
  readonly topic: string
}

/** How the Store does: `broker.storeFigures`, where the broker keeps anything. */
export const storeTable: Readonly<Record<keyof StoreFigures, StoreRow>> = {
  turns: storeRow('turns', 'turns', 'Turns that had something to store.'),
  changes: storeRow('changes', 'changes', 'Facts stored in them.'),
  commits: storeRow('commits', 'commits', 'Commits: one append each, of all turns that waited.'),
  syncs: storeRow('syncs', 'syncs', 'Syncs of the journal: what was written before is safe from a power cut.'),
  failures: storeRow('failures', 'failures', 'Writes and syncs of the journal that failed, and were done again.'),
  journalBytes: storeRow('journal/bytes', 'bytes', 'Bytes appended to the journal.'),
  lastBatchTurns: storeRow('commit/turns/last', 'turns', 'Turns in the last commit.'),
  maxBatchTurns: storeRow('commit/turns/maximum', 'turns', 'Turns in the largest commit.'),
  lastCommitMs: storeRow('commit/latency/last', 'milliseconds', 'What the last commit took.'),
  maxCommitMs: storeRow('commit/latency/maximum', 'milliseconds', 'What the longest commit took.'),
  commitP50Ms: storeRow('commit/latency/p50', 'milliseconds', 'Half of all commits took no longer.'),
  commitP99Ms: storeRow('commit/latency/p99', 'milliseconds', 'All but one in a hundred commits took no longer.'),
  checkpoints: storeRow('checkpoints', 'checkpoints', 'Checkpoints made.'),
  lastCheckpointMs: storeRow('checkpoint/duration/last', 'milliseconds', 'What the last checkpoint took.'),
  lastCheckpointBytes: storeRow('checkpoint/bytes/last', 'bytes', 'Size of the last checkpoint.'),
  segmentsRemoved: storeRow('segments/removed', 'segments', 'Segments removed, because nothing in them lived.'),
  segmentsRewritten: storeRow('segments/rewritten', 'segments', 'Segments whose rest was copied to a newer one.'),
  payloadsRead: storeRow('payloads/read', 'payloads', 'Payloads of waiting messages that were read back.'),
  timesFull: storeRow('full', 'times', 'Times that the disk was full and the reserve had to be released.'),
  segments: storeRow('segments/count', 'segments', 'Segments there are.'),
  diskBytes: storeRow('disk/bytes', 'bytes', 'Bytes of all segments.'),
  reserveBytes: storeRow('reserve/bytes', 'bytes', 'Bytes held in reserve, for what takes away when the disk is full.'),
  liveBytes: storeRow('live/bytes', 'bytes', 'Bytes of what lives in them.'),
  uncommittedBytes: storeRow('uncommitted/bytes', 'bytes', 'Bytes that wait for a commit.'),
}

/** Why a message did not reach a Client: `metrics.dropped[cause]`, and the `cause` of the event `dropped`. */
export const dropTable: Readonly<Record<DropCause, string>> = {
  'not connected': 'QoS 0, and the Client is away.',
  'output full': 'QoS 0, and the Client takes its output too slowly.',
  'queue full': 'The queue of the Session, or of a subscription of the host program, is full.',
  expired: 'Its Message Expiry Interval passed while it waited.',
  'packet too large': "It exceeds the Client's Maximum Packet Size.",
  'cannot be encoded':
    'No PUBLISH can carry it to this client: with the properties of its subscription it exceeds what the protocol allows, or the broker failed to write it (an `internalError`). Publisher and receiver stay connected.',
  'not authorized': 'The Client subscribed to it, and may not receive it.',
  'publisher not authorized': 'It is retained, and its publisher may not publish there any longer (`retained-check`).',
  'no member': 'No member of the Shared Subscription could take it.',
  'session ended': 'The Session ended while it waited.',
  'refused by client': 'The Client answered with a Reason Code of 0x80 or above.',
  'memory limit': 'QoS 1 or 2, and the memory that the session, its user or the broker may use is full.',
  damaged: 'Its payload on disk is not what was written, or cannot be read any more.',
  'too many attempts': 'Connections of its Client ended in protocol errors over it, `max-delivery-attempts` times.',
}

function storeRow(topic: string, unit: string, description: string): StoreRow {
  return { topic: `store/${topic}`, unit, description }
}

function row(unit: string, description: string): MetricRow {
  return { unit, description }
}
