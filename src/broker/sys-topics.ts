/**
 * `$SYS/broker/…`: the broker's own figures as retained messages, every `sys-interval` seconds.
 *
 * One table of topic and value (the manual's docs/reference/metrics.md lists it); a value that did not change is not published again. The topics are the ancestor's, at the
 * place where its manual promised them, and a few that operators look for first.
 *
 * @module
 */
import type { Clock, Timer } from '../base/clock.ts'
import type { StoreFigures } from '../stores/store.ts'
import { metricTable, storeTable, type CounterName } from './metric-table.ts'
import type { Server } from './server.ts'

/** One topic below `$SYS/broker/`. */
export interface SysRow {
  readonly topic: string
  readonly value: (server: Server, upSeconds: number) => string | number
  readonly description: string
}

export const SYS_TOPIC_PREFIX = '$SYS/broker/'

export const sysTable: readonly SysRow[] = [
  counter('load/bytes/received', 'bytesReceived'),
  counter('load/bytes/sent', 'bytesSent'),
  counter('messages/received', 'packetsReceived'),
  counter('messages/sent', 'packetsSent'),
  counter('messages/publish/received', 'publishReceived'),
  counter('messages/publish/sent', 'publishSent'),
  row('messages/publish/dropped', 'Messages that did not reach a Client, all causes.', ({ metrics }) =>
    sum(metrics.dropped),
  ),
  row(
    'messages/inflight',
    'QoS 1 and 2 messages on their way, both directions.',
    ({ gauges }) => gauges.inflightIn + gauges.inflightOut,
  ),
  row('messages/inflight/in', 'QoS 2 messages received and not released.', ({ gauges }) => gauges.inflightIn),
  row('messages/inflight/out', 'QoS 1 and 2 messages sent and not acknowledged.', ({ gauges }) => gauges.inflightOut),
  row('messages/inflight/stored', 'Messages that wait in Sessions.', ({ gauges }) => gauges.queuedMessages),
  row('messages/retained/count', 'Retained messages.', ({ retainedMessages }) => retainedMessages.count),
  row('messages/subscriptions/count', 'Subscriptions.', ({ router }) => router.subscriptions),
  row('clients/connected', 'Clients connected.', ({ admission }) => admission.connected),
  row('clients/disconnected', 'Sessions without a Connection.', ({ sessions }) => sessions.awayCount),
  row('clients/maximum', 'Most Clients connected at once.', ({ admission }) => admission.maxConnected),
  row('clients/total', 'Sessions, connected or not.', ({ sessions }) => sessions.count),
  row('memory/used', 'Bytes that everything kept for clients takes in memory.', ({ memory }) => memory.whole.bytes),
  row('memory/limit', 'Bytes that it may take; 0 where there is no limit.', ({ memory }) => memory.whole.limit),
  counter('turn/longest', 'longestTurnMs', 1),
  row('uptime', 'Seconds since the start.', (_server, upSeconds) => upSeconds),
  row('uptime/formatted', 'The same for people.', (_server, upSeconds) => formatDuration(upSeconds)),
]

function row(topic: string, description: string, value: SysRow['value']): SysRow {
  return { topic, description, value }
}

/** A counter of the metrics, with so many digits behind the point. */
function counter(topic: string, name: CounterName, digits = 0): SysRow {
  const { unit, description } = metricTable[name]
  const said = description.toLowerCase().includes(unit) ? description : `${description.slice(0, -1)}, in ${unit}.`
  return row(topic, said, ({ metrics }) => metrics[name].toFixed(digits))
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0)
}

/**
 * Seconds as days, hours, minutes and seconds.
 *
 * @example
 * formatDuration(93784) // '1 d 02:03:04'
 */
export function formatDuration(seconds: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  const clock = `${two((seconds % 86_400) / 3600)}:${two((seconds % 3600) / 60)}:${two(seconds % 60)}`
  return seconds < 86_400 ? clock : `${Math.floor(seconds / 86_400)} d ${clock}`
}

/** Publishes the figures that changed since the last round. */
export class SysTopics {
  readonly #server: Server
  readonly #clock: Clock
  readonly #startedMs: number
  readonly #last = new Map<string, string>()
  #timer: Timer | undefined

  constructor(server: Server, clock: Clock) {
    this.#server = server
    this.#clock = clock
    this.#startedMs = clock.now()
  }

  /** From now on, every so many seconds; 0 is never. */
  start(intervalSeconds: number, version: string): void {
    this.stop()
    if (intervalSeconds === 0) return
    this.#publish('version', version)
    const round = (): void => {
      this.#publishRound()
      this.#timer = this.#clock.setTimer(intervalSeconds * 1000, round)
    }
    round()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #publishRound(): void {
    const upSeconds = Math.floor((this.#clock.now() - this.#startedMs) / 1000)
    this.#publish('time', new Date(this.#clock.wallNow()).toISOString())
    for (const { topic, value } of sysTable) this.#publish(topic, String(value(this.#server, upSeconds)))
    const figures = this.#server.storeFigures
    if (figures === undefined) return
    for (const [name, { topic, unit }] of Object.entries(storeTable)) {
      this.#publish(topic, figures[name as keyof StoreFigures].toFixed(unit === 'milliseconds' ? 1 : 0))
    }
  }

  #publish(topic: string, text: string): void {
    if (this.#last.get(topic) === text) return
    this.#last.set(topic, text)
    this.#server.publishing.publishText(SYS_TOPIC_PREFIX + topic, text)
  }
}
