/**
 * Reports the progress of long work in one line, with its rate and the time left. On a terminal the line is redrawn in
 * place; elsewhere (a log, CI) a plain line is printed at intervals, to limit the output.
 *
 *     crash rounds  31 of 50   2.1/s   9 s left
 *
 * @module
 */

/** The required part of a stream, such as `process.stderr`. */
export interface ProgressOutput {
  readonly isTTY?: boolean
  write(text: string): unknown
}

export interface ProgressOptions {
  /** The total; absent if it is unknown. */
  readonly total?: number | undefined
  /** The unit of the rate; absent for plain counts. */
  readonly unit?: string | undefined
  /** Defaults to `process.stderr`, so that results on standard output stay clean. */
  readonly output?: ProgressOutput | undefined
  /** Monotonic milliseconds; defaults to the real ones. */
  readonly now?: (() => number) | undefined
}

const REDRAW_MS = 100
const PLAIN_LINE_MS = 10_000

export class Progress {
  readonly #label: string
  readonly #total: number | undefined
  readonly #unit: string
  readonly #output: ProgressOutput
  readonly #now: () => number
  readonly #startedAt: number
  #shownAt: number
  #drawn = false

  constructor(label: string, options: ProgressOptions = {}) {
    this.#label = label
    this.#total = options.total
    this.#unit = options.unit === undefined ? '' : ` ${options.unit}`
    this.#output = options.output ?? process.stderr
    this.#now = options.now ?? (() => performance.now())
    this.#startedAt = this.#now()
    this.#shownAt = this.#startedAt
  }

  /** Reports that `done` are done, with an optional remark. Cheap: most calls draw nothing. */
  update(done: number, remark = ''): void {
    const now = this.#now()
    if (now - this.#shownAt < (this.#output.isTTY === true ? REDRAW_MS : PLAIN_LINE_MS)) return
    this.#shownAt = now
    const text = this.#text(done, now - this.#startedAt, remark)
    this.#output.write(this.#output.isTTY === true ? `\r\x1b[K${text}` : `${text}\n`)
    this.#drawn = this.#output.isTTY === true
  }

  /** Removes the line, so that results can be printed in its place. May be called twice. */
  finish(): void {
    if (this.#drawn) this.#output.write('\r\x1b[K')
    this.#drawn = false
  }

  #text(done: number, elapsedMs: number, remark: string): string {
    const rate = (done * 1000) / elapsedMs
    const parts = [
      this.#label,
      this.#total === undefined ? `${done}${this.#unit}` : `${done} of ${this.#total}${this.#unit}`,
    ]
    if (done > 0) parts.push(`${rate.toFixed(rate < 10 ? 1 : 0)}/s`)
    if (this.#total !== undefined && done > 0) parts.push(`${Math.ceil((this.#total - done) / rate)} s left`)
    if (remark !== '') parts.push(remark)
    return parts.join('  ')
  }
}
