/**
 * What the broker did: an hour by the second, in memory, and a month by the hour, which is stored. So a page that opens
 * has something to show.
 *
 *   each second ──> sample ──> hour: 3,600 rows ──average──> month: 744 rows ──each hour──> file
 *
 * It costs a timer and a few dozen additions each second, and 430 kB, allocated with the first second.
 *
 * @module
 */
import type { Timer } from '../../base/clock.ts'
import { messageOf } from '../../base/thrown.ts'
import { serverOf, type Broker } from '../../broker/broker.ts'
import type { AdminHost } from '../../broker/host/admin-door.ts'
import type { HistoryQuery, HistoryView } from '../../broker/host/history-view.ts'
import { readHistory, setHistoryAside, writeHistory } from './history-file.ts'
import { historyFigures, readingOf, sampleBetween, type Reading } from './history-table.ts'
import { SampleRing } from './sample-ring.ts'

const SECOND_MS = 1000
const HOUR_SECONDS = 3600
/** 31 days. */
const MONTH_HOURS = 744
/** Less of an hour is not worth a row when the broker stops. */
const LEAST_SECONDS = 60
const DEFAULT_POINTS = 600

export class History {
  readonly #broker: Broker
  readonly #host: AdminHost
  /** Where the month is stored; empty: nowhere. */
  path: string
  #hour: SampleRing | undefined
  #month: SampleRing | undefined
  #isCharged = false
  /** A file that could neither be read nor be renamed; empty: none. */
  #unread = ''
  #before: Reading | undefined
  /** Seconds of the hour that is not over yet. */
  #seconds = 0
  #timer: Timer | undefined
  #work: Promise<void>

  constructor(broker: Broker, host: AdminHost, path: string) {
    this.#broker = broker
    this.#host = host
    this.path = path
    this.#work = Promise.resolve()
  }

  /** Begins to keep figures, once. */
  start(): void {
    this.#timer ??= this.#nextTick()
  }

  view({ span = 'hour', points = DEFAULT_POINTS }: HistoryQuery): HistoryView {
    const ring = span === 'hour' ? this.#hour : this.#month
    const length = ring?.length ?? 0
    const group = Math.max(1, Math.ceil(length / points))
    const rows: number[][] = []
    // The newest are always together, so that a point does not change once it is full.
    for (let to = length; to > 0; to -= group) rows.unshift(ring!.average(Math.max(0, to - group), to))
    const column = (at: number): number[] => rows.map((row) => rounded(row[at]!))
    const figures = Object.fromEntries(historyFigures.map((figure, at) => [figure, column(at + 1)]))
    return { span, atMs: column(0), figures: figures as unknown as HistoryView['figures'] }
  }

  /** Stores what is known of the hour that has begun. */
  async close(): Promise<void> {
    this.#timer?.cancel()
    if (this.#seconds >= LEAST_SECONDS) this.#endHour()
    if (this.#isCharged && this.#broker.state === 'started') serverOf(this.#broker).memory.whole.add(-this.#bytes)
    this.#isCharged = false
    await this.#work
  }

  get #bytes(): number {
    return this.#hour!.bytes + this.#month!.bytes
  }

  #nextTick(): Timer {
    return this.#host.clock.setTimer(SECOND_MS, () => {
      this.#timer = this.#nextTick()
      if (this.#broker.state === 'started') this.#tick()
    })
  }

  #tick(): void {
    const { clock } = this.#host
    const reading = readingOf(this.#broker, clock.now())
    if (this.#hour === undefined) this.#begin()
    else if (this.#before !== undefined && reading.atMs > this.#before.atMs) {
      this.#hour.add(clock.wallNow(), sampleBetween(this.#before, reading))
      this.#seconds++
    }
    this.#before = reading
    if (this.#seconds >= HOUR_SECONDS) this.#endHour()
  }

  #begin(): void {
    this.#hour = new SampleRing(HOUR_SECONDS, historyFigures.length)
    const month = new SampleRing(MONTH_HOURS, historyFigures.length)
    this.#month = month
    serverOf(this.#broker).memory.whole.add(this.#bytes)
    this.#isCharged = true
    if (this.path !== '') this.#do('read', () => this.#read(this.path, month))
  }

  /** A file that cannot be read is kept under another name; where that fails, nothing is stored in its place. */
  async #read(path: string, month: SampleRing): Promise<void> {
    try {
      for (const [atMs = 0, ...sample] of await readHistory(path)) month.add(atMs, sample)
    } catch (error) {
      const problem = `the history of figures in ${path} cannot be read: ${messageOf(error)}`
      this.#unread = path
      const aside = await setHistoryAside(path).catch((cause: unknown) => {
        throw new Error(`${problem}; it stays as it is, and no figures are stored: ${messageOf(cause)}`, {
          cause: error,
        })
      })
      this.#unread = ''
      this.#host.log.warn({ err: error }, `${problem}; it is kept as ${aside}, and the month begins anew`)
    }
  }

  #endHour(): void {
    const hour = this.#hour!
    const [atMs = 0, ...sample] = hour.average(hour.length - this.#seconds, hour.length)
    this.#seconds = 0
    const month = this.#month!
    // In turn, so that what is read comes before what is added.
    this.#do('stored', async () => {
      month.add(atMs, sample)
      const rows = Array.from({ length: month.length }, (_, at) => [...month.row(at)])
      if (this.path !== '' && this.path !== this.#unread) await writeHistory(this.path, rows)
    })
  }

  /** One at a time. A failure is logged and affects nothing else. */
  #do(what: string, work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      this.#host.log.warn({ err: error }, `the history of figures cannot be ${what}: ${messageOf(error)}`)
    })
  }
}

/** Digits that nobody sees make half of an answer. */
function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
