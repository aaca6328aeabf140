/**
 * What each field of `Metrics` means: the part of the table of figures (`figure-table.ts`) that the hot path counts. A
 * test proves that it names these fields and no other.
 *
 * @module
 */
import type { DropCause } from '../protocol/drop-cause.ts'
import { digits, mosquittos, ours, quantile, type FigureKind, type RowExtras } from './figure.ts'
import type { Metrics } from './metrics.ts'

/**
 * A field's meaning. Without `kind` it is a counter since the start of the broker; `prometheus` is made of its name.
 */
export interface MetricRow extends RowExtras {
  readonly unit: string
  readonly description: string
  readonly kind?: FigureKind
}

export type MetricName = Exclude<keyof Metrics, 'dropped'>

export const metricTable: Readonly<Record<MetricName, MetricRow>> = {
  bytesReceived: row('bytes', 'Bytes read from clients.', {
    prometheus: 'sluice_received_bytes_total',
    topics: [ours('load/bytes/received'), mosquittos('bytes/received')],
  }),
  readsReceived: row('reads', 'Chunks of bytes read from clients.'),
  bytesSent: row('bytes', 'Bytes written to clients.', {
    prometheus: 'sluice_sent_bytes_total',
    topics: [ours('load/bytes/sent'), mosquittos('bytes/sent')],
  }),
  packetsReceived: row('packets', 'Packets received.', { topics: [mosquittos('messages/received')] }),
  packetsSent: row('packets', 'Packets sent.', { topics: [mosquittos('messages/sent')] }),
  publishReceived: row('packets', 'PUBLISH packets received.', {
    prometheus: 'sluice_messages_received_total',
    topics: [ours('messages/publish/received'), mosquittos('publish/messages/received')],
  }),
  publishSent: row('packets', 'PUBLISH packets sent.', {
    prometheus: 'sluice_messages_sent_total',
    topics: [ours('messages/publish/sent'), mosquittos('publish/messages/sent')],
  }),
  publishBytesReceived: row('bytes', 'Payload bytes of PUBLISH packets received.', {
    prometheus: 'sluice_messages_received_bytes_total',
    topics: [mosquittos('publish/bytes/received')],
  }),
  publishBytesSent: row('bytes', 'Payload bytes of PUBLISH packets sent.', {
    prometheus: 'sluice_messages_sent_bytes_total',
    topics: [mosquittos('publish/bytes/sent')],
  }),
  publishDroppedIn: row(
    'packets',
    'QoS 0 PUBLISH packets that were refused, which have no acknowledgement to report it.',
  ),
  packetsOverLimit: row('packets', 'Packets refused at `max-user-properties` or `max-filters-per-packet`.'),
  inputHeldBytes: row('bytes', 'Input held at the moment, limited by `max-input-bytes`.', {
    kind: 'gauge',
    prometheus: 'sluice_input_held_bytes',
  }),
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
  connectsBanned: row('packets', 'CONNECT packets refused because of a ban.'),
  flappingBans: row('bans', 'Bans of clients and addresses that reached `flapping-connects`.'),
  directoryRefusedAtLimit: row(
    'times',
    'Changes refused at `max-users`, `max-groups`, `max-roles`, `max-rules` or `max-bans`.',
  ),
  loginAddressesForgotten: row('addresses', 'Addresses with wrong logins forgotten at `max-delayed-addresses`.'),
  loginNamesForgotten: row('names', 'User names with wrong logins forgotten at `max-delayed-names`.'),
  knownLoginsForgotten: row(
    'logins',
    'Pairs of a user name and the address of a login forgotten at `max-known-logins`.',
  ),
  closedConnectionsForgotten: row('connections', 'Ended connections forgotten at `max-closed-connections`.'),
  recorderClientsForgotten: row(
    'clients',
    'Disconnected clients of which the flight recorder has forgotten everything, at `max-recorder-bytes`.',
  ),
  recorderEntriesLost: row('entries', 'Entries that the flight recorder had no room for, at `max-recorder-bytes`.'),
  adminRequests: row('requests', 'Requests to the HTTP API, `/metrics` and health checks.'),
  adminOverLimit: row(
    'requests',
    'Requests to the HTTP API and connections that were refused at a limit: `admin.max-request-rate`, `admin.max-request-bytes`, `admin.max-connections`, `admin.max-event-readers`, `admin.max-consoles`, `admin.max-consoles-per-caller`, or logins ended at `admin.max-logins`.',
  ),
  adminBusy: row(
    'calls',
    'Calls of `broker.admin`, through whatever door, that were refused with `ERR_BUSY`: as many of their kind were under way as may be.',
  ),
  adminLoginsRefused: row(
    'requests',
    'Requests to the HTTP API without a key, with a wrong one, or too soon after one.',
  ),
  adminRequestsForbidden: row('requests', 'Requests to the HTTP API that take another role than the caller has.'),
  adminAuditLinesLost: row('lines', 'Lines of the audit log dropped because too many waited to be written.'),
  adminEventsLost: row(
    'events',
    'Events that readers of `/api/v1/events` did not get because they or the broker were busy.',
  ),
  telemetrySpansLost: row(
    'spans',
    'Spans that were not exported: `telemetry.max-queued` waited already, or their export failed.',
  ),
  telemetryLinesLost: row(
    'lines',
    'Log lines that were not exported: `telemetry.max-queued` waited already, or their export failed.',
  ),
  telemetryExportsFailed: row('exports', 'Exports to the collector of `telemetry` that failed or took too long.'),
  tracesStarted: row('traces', 'Traces started.'),
  tracesRefused: row('traces', 'Traces refused at `admin.max-traces` or `admin.max-traces-per-caller`.'),
  traceRecords: row('records', 'Records of all traces.'),
  traceRecordsLost: row('records', 'Records of traces lost at `admin.max-trace-rate`.'),
  traceClientsLeftOut: row(
    'clients',
    'Connections and clients that a trace did not follow at `admin.max-trace-clients`.',
  ),
  traceRecordsOverwritten: row(
    'records',
    'Records of traces that a slow reader lost at `admin.max-trace-buffer-bytes`.',
  ),
  bridgesConnected: row('bridges', 'Bridges that are connected to the other broker.', {
    kind: 'gauge',
    prometheus: 'sluice_bridges_connected',
  }),
  bridgeMessagesOut: row('messages', 'Messages that bridges have passed to other brokers.'),
  bridgeMessagesIn: row('messages', 'Messages that bridges have brought from other brokers.'),
  bridgeMessagesRefused: row('messages', 'Messages of bridges that the other side refused with a Reason Code.'),
  bridgeMessagesDropped: row(
    'messages',
    'Messages that bridges did not pass on: too large, more than `max-hops`, a loop, or for a rule that was removed.',
  ),
  bridgeMessagesReturned: row(
    'messages',
    'Messages that came back over other brokers after they had crossed a bridge of this one, and were dropped.',
  ),
  takeovers: row('connections', 'Connections ended because another one used their client identifier.'),
  protocolErrors: row('connections', 'Connections ended because the client broke the protocol.'),
  keepAliveTimeouts: row('connections', 'Connections ended because the client was silent for too long.'),
  slowReceiversClosed: row('connections', 'Connections ended because the client read nothing for `drain-timeout`.'),
  subscribesRefused: row('subscriptions', 'Subscriptions refused.'),
  publishesRefused: row('messages', 'Messages and Wills refused.'),
  publishesReplaced: row('messages', 'Messages and Wills that plugins changed (`intercept`).'),
  deliveriesReplaced: row('messages', 'Deliveries that plugins changed for one client (`transformDelivery`).'),
  publishesNotStored: row('messages', 'Messages refused because the store had no room for them or could not write.'),
  sessionsCreated: row('sessions', 'Sessions created.'),
  sessionsExpired: row('sessions', 'Sessions ended by their Session Expiry Interval.', {
    topics: [mosquittos('clients/expired')],
  }),
  sessionsEndedAtLimit: row('sessions', 'Sessions ended to make room for another one of the same owner.'),
  sessionsRefusedAtLimit: row('sessions', 'Sessions refused at `max-sessions` or `max-sessions-per-user`.'),
  willsPublished: row('messages', 'Wills published.'),
  retainedRefusedAtLimit: row('messages', 'Messages delivered but not retained because a limit was reached.'),
  retainedExpired: row('messages', 'Retained messages removed by their Message Expiry Interval.'),
  memoryRefusedConnection: row(
    'times',
    'Connections ended because their input exceeded `max-memory-per-connection`.',
    memoryRefused('connection'),
  ),
  memoryRefusedSession: row(
    'times',
    'Times that something was refused at `max-memory-per-session`.',
    memoryRefused('session'),
  ),
  memoryRefusedUser: row('times', 'Times that something was refused at `max-memory-per-user`.', memoryRefused('user')),
  memoryRefusedBroker: row(
    'times',
    'Times that something was refused at `max-memory`, or because the process was short of memory.',
    memoryRefused('broker'),
  ),
  storeRefusedUser: row('times', 'Times that a message was refused at `persistence.max-bytes-per-user`.'),
  turns: row('turns', 'Turns of the event loop that had work to do.'),
  turnsSpent: row('turns', 'Turns that used up their budget and left work for the next one.'),
  gatherPauses: row('pauses', 'Pauses of `gather-pause` after small turns.'),
  longestTurnMs: row('milliseconds', 'Longest turn of the event loop.', {
    kind: 'gauge',
    prometheus: 'sluice_turn_longest_seconds',
    topics: [ours('turn/longest', digits(1))],
  }),
  mostTurnWork: row('units', 'Most work counted in one turn, in units of about 0.1 µs.', {
    kind: 'gauge',
    prometheus: 'sluice_turn_most_work',
  }),
  payloadReadsFailed: row('reads', 'Reads of waiting payloads from the store that failed; they are repeated.'),
  payloadsDamaged: row('payloads', 'Payloads that the store has lost; only their messages are dropped.'),
  internalErrors: row('errors', 'Bugs in the broker that were contained: each affected one message or one connection.'),
  turnMs: times(
    'Length of a turn of the event loop that had work to do.',
    'sluice_turn_duration_seconds',
    'turn/duration',
  ),
  commitMs: times(
    'Time from giving changes to the store until they are stored.',
    'sluice_commit_duration_seconds',
    'commit/duration',
  ),
  loginMs: times(
    'Time from a CONNECT to its CONNACK, including the time that plugins and the client take.',
    'sluice_login_duration_seconds',
    'login/duration',
  ),
}

/** Why a message did not reach a client: `metrics.dropped[cause]`, and the `cause` of the event `dropped`. */
export const dropTable: Readonly<Record<DropCause, string>> = {
  'not connected': 'QoS 0, and the client is not connected.',
  'output full': 'QoS 0, and the client reads too slowly.',
  'queue full':
    'The queue of the session is full (`max-queued-messages`, `max-queued-bytes`; `queue` of a bridge), or that of a subscription of the host program (`maxQueuedBytes`). Raise that limit, or find out why the receiver takes less than is sent to it.',
  expired: 'Its Message Expiry Interval passed while it waited, or `queue.expiry` of a bridge did.',
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
  'store limit': "QoS 1 or 2, and the session's user has reached its share of the store.",
  damaged: 'Its payload on disk is damaged or can no longer be read.',
  'dropped by plugin': 'A plugin dropped it: for all clients (`intercept`) or for one (`transformDelivery`).',
  'plugin failed': 'A plugin failed in `transformDelivery`; the log names the plugin and the error.',
  'too many attempts': 'Its client broke the protocol over it on `max-delivery-attempts` connections.',
}

/** What Prometheus shows of figures that share a name, which have a description each. */
export const familyTable: Readonly<Record<string, string>> = {
  sluice_memory_refused_total: 'Times that something was refused because an account had reached its memory limit.',
  sluice_messages_dropped_total: 'Messages that did not reach a client, by cause.',
  sluice_subscriptions: 'Subscriptions, by kind.',
  sluice_messages_inflight: 'Messages of QoS 1 and 2 in flight, by direction.',
}

function row(unit: string, description: string, extras: Omit<MetricRow, 'unit' | 'description'> = {}): MetricRow {
  return { unit, description, ...extras }
}

function memoryRefused(account: string): RowExtras {
  return { prometheus: 'sluice_memory_refused_total', labels: { account } }
}

function times(description: string, prometheus: string, topic: string): MetricRow {
  const topics = [ours(`${topic}/p50`, quantile(0.5)), ours(`${topic}/p99`, quantile(0.99))]
  return { kind: 'histogram', unit: 'milliseconds', description, prometheus, topics }
}
