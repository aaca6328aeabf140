/**
 * A reader of a trace through HTTP (Server-Sent Events): the header, each record, how many were lost, and why it ended.
 *
 *   event: trace    { format, version, traceId, … }
 *   event: record   id: 7, a record
 *   event: lost     { records: 12 }
 *   event: end      { end: 'seconds', records, recordsLost }
 *
 * It is written only as much as fits into its buffer; what it does not take stays in that of the trace.
 *
 * @module
 */
import type { EventSink } from '../http/request.ts'
import type { Trace } from './trace.ts'

/** Ticks of a second after which it is shown that the connection is alive. */
const HEARTBEAT_TICKS = 15
/** Heartbeats for which a reader may take nothing. */
const MAX_MISSED_BEATS = 4

export interface TraceReaderOptions {
  /** `seq` of the last record that it knows. */
  readonly after: number
  /** Bytes that may wait for it. */
  readonly maxBytes: number
  /** Whether the caller may still read: its key may have been deleted. */
  readonly mayRead: () => boolean
}

export class TraceReader {
  isOver = false
  readonly trace: Trace
  readonly #options: TraceReaderOptions
  readonly #sink: EventSink
  readonly #overwritten: (records: number) => void
  #after: number
  /** The place of the last record that it was given; `undefined` if it began in the middle. */
  #place: number | undefined
  #ticks = 0
  #missedBeats = 0

  /** @param overwritten is called with the number of records that it was too slow for */
  constructor(trace: Trace, options: TraceReaderOptions, sink: EventSink, overwritten: (records: number) => void) {
    this.#overwritten = overwritten
    this.trace = trace
    this.#options = options
    this.#sink = sink
    // A number that the trace has not given yet is one of another trace.
    this.#after = Math.min(options.after, trace.seq)
    this.#place = this.#after === 0 ? 0 : undefined
    sink.write(`retry: 3000\n\n${eventText('trace', trace.header)}`)
  }

  /** Writes what it has not got. @returns characters that were written */
  write(most: number): number {
    let written = 0
    while (!this.isOver && written < most) {
      const text = this.#nextText()
      if (text === undefined) break
      this.#sink.write(text)
      written += text.length
    }
    return written
  }

  #nextText(): string | undefined {
    const line = this.trace.buffer.next(this.#after)
    if (line === undefined) return this.#endText()
    if (this.#sink.waitingBytes + line.bytes > this.#options.maxBytes && this.#sink.waitingBytes > 0) return undefined
    const missed = line.seq - this.#after - 1
    this.#after = line.seq
    if (this.#place !== undefined && line.place > this.#place + 1) this.#overwritten(line.place - this.#place - 1)
    this.#place = line.place
    const lost = missed === 0 ? '' : eventText('lost', { records: missed })
    return `${lost}event: record\nid: ${line.seq}\ndata: ${line.text}\n\n`
  }

  #endText(): string | undefined {
    const { end, seq, recordsLost } = this.trace
    if (end === undefined) return undefined
    this.isOver = true
    const missed = seq - this.#after
    const lost = missed === 0 ? '' : eventText('lost', { records: missed })
    return `${lost}${eventText('end', { end, records: seq, recordsLost })}`
  }

  /** Called every second: shows proxies that the connection is alive. @returns whether it is to stay */
  tick(): boolean {
    if (this.isOver || !this.#options.mayRead()) return false
    if (++this.#ticks % HEARTBEAT_TICKS > 0) return true
    const hasRoom = this.#sink.waitingBytes < this.#options.maxBytes / 2
    this.#missedBeats = hasRoom ? 0 : this.#missedBeats + 1
    if (hasRoom) this.#sink.write(':\n\n')
    return this.#missedBeats < MAX_MISSED_BEATS
  }

  close(): void {
    this.isOver = true
    this.#sink.close()
  }
}

function eventText(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
