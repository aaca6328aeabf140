/** The figures of the history, and how each is read from a broker. @module */
import { serverOf, type Broker } from '../../broker/broker.ts'
import type { HistoryFigure } from '../../broker/host/history-view.ts'
import { droppedMessages } from '../../reporting/load-averages.ts'

/**
 * `gauge`: kept as it is. `counter`: what it grew by, each second. `share`: milliseconds that it grew by, in percent of
 * the time. `mean`: what it grew by, divided by what its `of` grew by.
 */
interface HistoryRow {
  readonly kind: 'gauge' | 'counter' | 'share' | 'mean'
  readonly read: (broker: Broker) => number
  readonly of?: (broker: Broker) => number
}

export const historyTable: Readonly<Record<HistoryFigure, HistoryRow>> = {
  clients: { kind: 'gauge', read: (broker) => serverOf(broker).admission.connected },
  sessionsAway: { kind: 'gauge', read: (broker) => serverOf(broker).sessions.awayCount },
  queuedMessages: { kind: 'gauge', read: (broker) => serverOf(broker).gauges.queuedMessages },
  memoryBytes: { kind: 'gauge', read: (broker) => broker.memory.bytes },
  messagesReceived: { kind: 'counter', read: (broker) => serverOf(broker).metrics.publishReceived },
  messagesSent: { kind: 'counter', read: (broker) => serverOf(broker).metrics.publishSent },
  messagesDropped: { kind: 'counter', read: (broker) => droppedMessages(serverOf(broker).metrics) },
  bytesReceived: { kind: 'counter', read: (broker) => serverOf(broker).metrics.bytesReceived },
  bytesSent: { kind: 'counter', read: (broker) => serverOf(broker).metrics.bytesSent },
  busyPercent: { kind: 'share', read: (broker) => serverOf(broker).metrics.turnMs.sum },
  commitMs: {
    kind: 'mean',
    read: (broker) => serverOf(broker).metrics.commitMs.sum,
    of: (broker) => serverOf(broker).metrics.commitMs.count,
  },
}

export const historyFigures = Object.keys(historyTable) as readonly HistoryFigure[]

/** The state of all figures at one moment, from which a sample is made together with the next one. */
export interface Reading {
  /** Monotonic. */
  readonly atMs: number
  readonly values: readonly number[]
  readonly divisors: readonly number[]
}

export function readingOf(broker: Broker, atMs: number): Reading {
  const rows = historyFigures.map((figure) => historyTable[figure])
  return {
    atMs,
    values: rows.map(({ read }) => read(broker)),
    divisors: rows.map(({ of }) => of?.(broker) ?? 0),
  }
}

/** What happened between two readings, in the order of `historyFigures`. */
export function sampleBetween(before: Reading, after: Reading): number[] {
  const elapsedMs = after.atMs - before.atMs
  return historyFigures.map((figure, at) => {
    const grown = after.values[at]! - before.values[at]!
    const { kind } = historyTable[figure]
    if (kind === 'gauge') return after.values[at]!
    if (kind === 'counter') return (grown * 1000) / elapsedMs
    if (kind === 'share') return Math.min(100, (grown * 100) / elapsedMs)
    const divisor = after.divisors[at]! - before.divisors[at]!
    return divisor === 0 ? 0 : grown / divisor
  })
}
