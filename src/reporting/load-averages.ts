/**
 * How much happens in a minute, averaged over the last 1, 5 and 15 minutes, as Mosquitto computes it: each round's
 * count, made one of a minute, is mixed into the average before it.
 *
 *   average = count + e^(-round / window) × (average - count)
 *
 * @module
 */
import type { Metrics } from './metrics.ts'

/** Windows in minutes. */
export const LOAD_WINDOWS = [1, 5, 15] as const
export type LoadWindow = (typeof LOAD_WINDOWS)[number]

/** What is averaged: the name of its topics below `load/`, and how it is counted. */
export interface LoadRow {
  readonly topic: string
  readonly description: string
  readonly count: (metrics: Readonly<Metrics>) => number
}

export const loadTable: readonly LoadRow[] = [
  { topic: 'connections', description: 'CONNECT packets', count: (m) => m.connectsAccepted + m.connectsRefused },
  { topic: 'sockets', description: 'Connections accepted', count: (m) => m.connectionsAccepted },
  { topic: 'bytes/received', description: 'Bytes read from clients', count: (m) => m.bytesReceived },
  { topic: 'bytes/sent', description: 'Bytes written to clients', count: (m) => m.bytesSent },
  { topic: 'messages/received', description: 'Packets received', count: (m) => m.packetsReceived },
  { topic: 'messages/sent', description: 'Packets sent', count: (m) => m.packetsSent },
  { topic: 'publish/received', description: 'PUBLISH packets received', count: (m) => m.publishReceived },
  { topic: 'publish/sent', description: 'PUBLISH packets sent', count: (m) => m.publishSent },
  { topic: 'publish/dropped', description: 'Messages that did not reach a client', count: droppedMessages },
]

/** Of all causes. */
export function droppedMessages({ dropped }: Readonly<Metrics>): number {
  return Object.values(dropped).reduce((total, count) => total + count, 0)
}

/** The averages of one broker; a round costs as many additions as there are rows, however many Clients there are. */
export class LoadAverages {
  readonly #counted = new Map<LoadRow, number>()
  readonly #averages = new Map<LoadRow, number[]>()
  #atMs: number | undefined

  /** A round is over. The first one only says where counting begins. */
  update(metrics: Readonly<Metrics>, nowMs: number): void {
    const minutes = this.#atMs === undefined ? 0 : (nowMs - this.#atMs) / 60_000
    if (this.#atMs !== undefined && minutes <= 0) return
    for (const row of loadTable) {
      const count = row.count(metrics)
      if (minutes > 0) this.#mix(row, (count - this.#counted.get(row)!) / minutes, minutes)
      this.#counted.set(row, count)
    }
    this.#atMs = nowMs
  }

  #mix(row: LoadRow, perMinute: number, minutes: number): void {
    const before = this.#averages.get(row)
    const mixed = LOAD_WINDOWS.map((window, at) => {
      return perMinute + Math.exp(-minutes / window) * ((before?.[at] ?? 0) - perMinute)
    })
    this.#averages.set(row, mixed)
  }

  /** Per minute. */
  average(row: LoadRow, window: LoadWindow): number {
    return this.#averages.get(row)?.[LOAD_WINDOWS.indexOf(window)] ?? 0
  }
}
