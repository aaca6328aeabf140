/**
 * `$SYS/broker/…`: the broker's own figures as retained messages, every `sys-interval` seconds.
 *
 * One table of topic and value (the manual's docs/reference/metrics.md lists it); a value that did not change is not published
 * again. Everything is read from counters, so that a round walks through nothing.
 *
 * The topics have three origins: Mosquitto's names with its units and its arithmetic, which exporters and dashboards read; the
 * ancestor's, at the place where its manual promised them; and a few that operators look for first.
 *
 * @module
 */
import type { Clock, Timer } from '../base/clock.ts'
import type { StoreFigures } from '../stores/store.ts'
import { droppedMessages, LOAD_WINDOWS, LoadAverages, loadTable } from './reporting/load-averages.ts'
import { metricTable, storeTable, type CounterName } from './reporting/metric-table.ts'
import type { Server } from './server.ts'
import type { Task } from './turn/turn.ts'

/** What values are read from. */
export interface SysReadings extends Pick<
  Server,
  'metrics' | 'gauges' | 'retainedMessages' | 'router' | 'admission' | 'sessions' | 'memory'
> {
  readonly upSeconds: number
  readonly load: LoadAverages
  /** What the process uses of memory, and the most that a round has seen. */
  readonly heapBytes: number
  readonly maxHeapBytes: number
}

/** One topic below `$SYS/broker/`. */
export interface SysRow {
  readonly topic: string
  readonly value: (readings: SysReadings) => string | number
  readonly description: string
}

export const SYS_TOPIC_PREFIX = '$SYS/broker/'

/** Mosquitto's, with its units. */
const mosquittoRows: readonly SysRow[] = [
  counter('bytes/received', 'bytesReceived'),
  counter('bytes/sent', 'bytesSent'),
  counter('messages/received', 'packetsReceived'),
  counter('messages/sent', 'packetsSent'),
  row('messages/stored', 'The same as `store/messages/count`.', storedMessages),
  row('store/messages/count', 'Retained messages and messages waiting in sessions.', storedMessages),
  row(
    'store/messages/bytes',
    'Memory that they take, in bytes.',
    ({ gauges, retainedMessages }) => gauges.queuedBytes + retainedMessages.bytes,
  ),
  counter('publish/messages/received', 'publishReceived'),
  counter('publish/messages/sent', 'publishSent'),
  row('publish/messages/dropped', 'Messages that did not reach a client, for any reason.', ({ metrics }) =>
    droppedMessages(metrics),
  ),
  counter('publish/bytes/received', 'publishBytesReceived'),
  counter('publish/bytes/sent', 'publishBytesSent'),
  row('retained messages/count', 'Retained messages.', ({ retainedMessages }) => retainedMessages.count),
  row(
    'subscriptions/count',
    'Subscriptions, except Shared Subscriptions.',
    ({ router }) => router.subscriptions - router.sharedSubscriptions,
  ),
  row('shared_subscriptions/count', 'Members of Shared Subscriptions.', ({ router }) => router.sharedSubscriptions),
  row('clients/connected', 'Clients connected.', ({ admission }) => admission.connected),
  row('clients/active', 'The same as `clients/connected`.', ({ admission }) => admission.connected),
  row('clients/disconnected', 'Sessions without a connection.', ({ sessions }) => sessions.awayCount),
  row('clients/inactive', 'The same as `clients/disconnected`.', ({ sessions }) => sessions.awayCount),
  row('clients/maximum', 'Most clients connected at once.', ({ admission }) => admission.maxConnected),
  row('clients/total', 'Sessions, connected or not.', ({ sessions }) => sessions.count),
  counter('clients/expired', 'sessionsExpired'),
  row('heap/current', 'Memory that the process uses, in bytes, including garbage.', ({ heapBytes }) => heapBytes),
  row('heap/maximum', 'The most seen when the topics were published.', (it) => it.maxHeapBytes),
  ...loadTable.flatMap((load) =>
    LOAD_WINDOWS.map((window) =>
      row(`load/${load.topic}/${window}min`, `${load.description}, per minute, averaged over ${window} min.`, (it) =>
        it.load.average(load, window).toFixed(2),
      ),
    ),
  ),
  row('uptime', 'Time since the start, such as `3600 seconds`.', ({ upSeconds }) => `${upSeconds} seconds`),
]

/** The ancestor's, and our own. */
const ownRows: readonly SysRow[] = [
  counter('load/bytes/received', 'bytesReceived'),
  counter('load/bytes/sent', 'bytesSent'),
  counter('messages/publish/received', 'publishReceived'),
  counter('messages/publish/sent', 'publishSent'),
  row('messages/publish/dropped', 'The same as `publish/messages/dropped`.', ({ metrics }) => droppedMessages(metrics)),
  row(
    'messages/inflight',
    'QoS 1 and 2 messages in flight, in both directions.',
    ({ gauges }) => gauges.inflightIn + gauges.inflightOut,
  ),
  row('messages/inflight/in', 'QoS 2 messages received and not released.', ({ gauges }) => gauges.inflightIn),
  row('messages/inflight/out', 'QoS 1 and 2 messages sent and not acknowledged.', ({ gauges }) => gauges.inflightOut),
  row('messages/inflight/stored', 'Messages waiting in sessions.', ({ gauges }) => gauges.queuedMessages),
  row(
    'messages/retained/count',
    'The same as `retained messages/count`.',
    ({ retainedMessages }) => retainedMessages.count,
  ),
  row('messages/subscriptions/count', 'Subscriptions of all kinds.', ({ router }) => router.subscriptions),
  row('memory/used', 'Memory that everything kept for clients takes, in bytes.', ({ memory }) => memory.whole.bytes),
  row('memory/limit', 'The limit of that memory, in bytes; 0 = no limit.', ({ memory }) => memory.whole.limit),
  counter('turn/longest', 'longestTurnMs', 1),
  row('uptime/formatted', 'The same in readable form.', ({ upSeconds }) => formatDuration(upSeconds)),
]

export const sysTable: readonly SysRow[] = [...mosquittoRows, ...ownRows]

function storedMessages({ gauges, retainedMessages }: SysReadings): number {
  return gauges.queuedMessages + retainedMessages.count
}

function row(topic: string, description: string, value: SysRow['value']): SysRow {
  return { topic, description, value }
}

/** A counter of the metrics, with so many digits behind the point. */
function counter(topic: string, name: CounterName, digits = 0): SysRow {
  const { unit, description } = metricTable[name]
  const said = description.toLowerCase().includes(unit) ? description : `${description.slice(0, -1)}, in ${unit}.`
  return row(topic, said, ({ metrics }) => metrics[name].toFixed(digits))
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
export class SysTopics implements Task {
  readonly #server: Server
  readonly #clock: Clock
  readonly #startedMs: number
  readonly #last = new Map<string, string>()
  readonly #load = new LoadAverages()
  #maxHeapBytes = 0
  /** What the round that is under way has not published yet. */
  #left: Iterator<readonly [topic: string, text: string]> | undefined = undefined
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
      this.#beginRound()
      this.#timer = this.#clock.setTimer(intervalSeconds * 1000, round)
    }
    round()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#left = undefined
  }

  /** Very many Clients may subscribe to all of them: a round goes a share at a time, and is left out while one is under way. */
  #beginRound(): void {
    if (this.#left !== undefined) return
    this.#left = this.#figures()
    this.#server.turn.runTask(this, this)
  }

  resume(): boolean {
    const { work } = this.#server
    while (this.#left !== undefined) {
      if (work.isSpent) return false
      const next = this.#left.next()
      if (next.done === true) this.#left = undefined
      else this.#publish(...next.value)
    }
    return true
  }

  /** Topics below the prefix, and what they say at the moment. */
  *#figures(): Generator<readonly [topic: string, text: string], void, undefined> {
    yield ['time', new Date(this.#clock.wallNow()).toISOString()]
    const readings = this.#read()
    for (const { topic, value } of sysTable) yield [topic, String(value(readings))]
    const figures = this.#server.storeFigures
    if (figures === undefined) return
    for (const [name, { topic, unit }] of Object.entries(storeTable)) {
      yield [topic, figures[name as keyof StoreFigures].toFixed(unit === 'milliseconds' ? 1 : 0)]
    }
  }

  #read(): SysReadings {
    const { metrics, gauges, retainedMessages, router, admission, sessions, memory } = this.#server
    const nowMs = this.#clock.now()
    const heapBytes = memory.processBytes
    this.#load.update(metrics, nowMs)
    this.#maxHeapBytes = Math.max(this.#maxHeapBytes, heapBytes)
    const upSeconds = Math.floor((nowMs - this.#startedMs) / 1000)
    const parts = { metrics, gauges, retainedMessages, router, admission, sessions, memory }
    return { ...parts, upSeconds, heapBytes, maxHeapBytes: this.#maxHeapBytes, load: this.#load }
  }

  #publish(topic: string, text: string): void {
    if (this.#last.get(topic) === text) return
    this.#last.set(topic, text)
    this.#server.publishing.publishText(SYS_TOPIC_PREFIX + topic, text)
  }
}
