/**
 * What each counter means: the one table that `$SYS` and the manual's page (docs/reference/metrics.md) are made from. A test
 * proves that it names the fields of `Metrics` and no other.
 *
 * @module
 */
import type { DropCause } from '../protocol/session.ts'
import type { Metrics } from './metrics.ts'

/** A counter's meaning. All count from the start of the broker on, except where the description says otherwise. */
export interface MetricRow {
  readonly unit: string
  readonly description: string
}

export type CounterName = Exclude<keyof Metrics, 'dropped'>

export const metricTable: Readonly<Record<CounterName, MetricRow>> = {
  bytesReceived: row('bytes', 'Bytes read from Clients.'),
  bytesSent: row('bytes', 'Bytes written to Clients.'),
  packetsReceived: row('packets', 'Control Packets received.'),
  packetsSent: row('packets', 'Control Packets sent.'),
  publishReceived: row('packets', 'PUBLISH packets received.'),
  publishSent: row('packets', 'PUBLISH packets sent.'),
  publishDroppedIn: row('packets', 'PUBLISH packets of QoS 0 that were refused: no answer tells their Client.'),
  readingPaused: row('times', 'A Connection was not read for a while: too much waits, or a rate is overdrawn.'),
  rateLimited: row('times', 'A Client overdrew `max-publish-rate` or `max-byte-rate`.'),
  connectionsAccepted: row('connections', 'Network Connections taken, with or without a CONNECT.'),
  connectionsClosedAtLimit: row('connections', 'Network Connections closed at once, because a limit was reached.'),
  connectsAccepted: row('packets', 'CONNECT packets answered with 0x00.'),
  connectsRefused: row('packets', 'CONNECT packets turned down, all causes.'),
  connectsRefusedAtLimit: row('packets', 'CONNECT packets turned down, because a limit was reached.'),
  loginsRefused: row('log-ins', 'Log-ins and re-authentications that were denied.'),
  loginsSlowed: row('log-ins', 'Denied log-ins whose answer was delayed.'),
  loginAddressesForgotten: row('addresses', 'Addresses with wrong log-ins dropped at `max-delayed-addresses`.'),
  takeovers: row('connections', 'Connections ended, because another one took their Client Identifier.'),
  protocolErrors: row('connections', 'Connections ended, because the Client broke the protocol.'),
  keepAliveTimeouts: row('connections', 'Connections ended, because the Client was silent for too long.'),
  slowReceiversClosed: row('connections', 'Connections ended, because the Client took nothing for `drain-timeout`.'),
  subscribesRefused: row('subscriptions', 'Topic Filters in SUBSCRIBE packets that were refused.'),
  publishesRefused: row('messages', 'Messages and Wills that were refused.'),
  sessionsCreated: row('sessions', 'Sessions begun.'),
  sessionsExpired: row('sessions', 'Sessions ended by their Session Expiry Interval.'),
  sessionsEndedAtLimit: row('sessions', 'Sessions ended by `max-offline-sessions` or `max-sessions-per-user`.'),
  willsPublished: row('messages', 'Wills published.'),
  retainedRefusedAtLimit: row('messages', 'Messages delivered but not retained, because a limit was reached.'),
  retainedExpired: row('messages', 'Retained messages ended by their Message Expiry Interval.'),
  turns: row('turns', 'Turns of the event loop that had something to do.'),
  turnsSpent: row('turns', 'Turns that used up their budget, so that the rest went on in the next.'),
  longestTurnMs: row('milliseconds', 'Longest turn of the event loop.'),
  internalErrors: row('errors', 'Mistakes of the broker itself, each contained in one Connection.'),
}

/** Why a message did not reach a Client: `metrics.dropped[cause]`, and the `cause` of the event `dropped`. */
export const dropTable: Readonly<Record<DropCause, string>> = {
  'not connected': 'QoS 0, and the Client is away.',
  'output full': 'QoS 0, and the Client takes its output too slowly.',
  'queue full': 'The queue of the Session, or of a subscription of the host program, is full.',
  expired: 'Its Message Expiry Interval passed while it waited.',
  'packet too large': "It exceeds the Client's Maximum Packet Size.",
  'not authorized': 'The Client subscribed to it, and may not receive it.',
  'no member': 'No member of the Shared Subscription could take it.',
  'session ended': 'The Session ended while it waited.',
  'refused by client': 'The Client answered with a Reason Code of 0x80 or above.',
  'memory limit': 'QoS 1 or 2 that had to wait, and `max-memory` is reached.',
}

function row(unit: string, description: string): MetricRow {
  return { unit, description }
}
