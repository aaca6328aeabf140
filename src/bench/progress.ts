/** Reports the progress of the benchmark: one line that is rewritten on a terminal, plain lines elsewhere. @module */
import type { Measurement } from './driver/measurement.ts'
import { significant } from './results.ts'

/** One step of the plan. */
export interface Step {
  readonly row: string
  readonly broker: string
  readonly run: number
  /** The planned duration. */
  readonly seconds: number
}

/** Formats `90` as `2 min`; below a minute, as seconds. */
export function duration(seconds: number): string {
  return seconds < 60 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`
}

export class Progress {
  readonly #stream: NodeJS.WriteStream
  readonly #total: number
  readonly #planned: number
  readonly #begin = performance.now()
  #done = 0
  #plannedDone = 0

  constructor(steps: readonly Step[], stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream
    this.#total = steps.length
    this.#planned = steps.reduce((sum, step) => sum + step.seconds, 0)
  }

  begins(step: Step): void {
    if (this.#stream.isTTY) this.#stream.write(`\r\x1b[2K${this.#line(step)}: ${duration(this.#secondsLeft())} left`)
  }

  ends(step: Step, outcome: Measurement | Error): void {
    this.#done++
    this.#plannedDone += step.seconds
    if (this.#stream.isTTY) {
      const left = this.#done === this.#total ? '' : `, ${duration(this.#secondsLeft())} left`
      this.#stream.write(`\r\x1b[2K${this.#line(step)}: ${describe(outcome)}${left}${left === '' ? '\n' : ''}`)
    } else {
      this.#stream.write(`${this.#line(step)}: ${describe(outcome)}\n`)
    }
  }

  /** Reports a step that is not run. */
  skips(step: Step): void {
    this.#done++
    this.#plannedDone += step.seconds
  }

  #line(step: Step): string {
    const number = Math.min(this.#done + (this.#stream.isTTY ? 1 : 0), this.#total)
    return `[${number}/${this.#total}] ${step.row}, ${step.broker}, run ${step.run}`
  }

  /** The planned time, corrected by the actual duration of the first part. */
  #secondsLeft(): number {
    const elapsed = (performance.now() - this.#begin) / 1000
    const pace = this.#plannedDone > 0 ? elapsed / this.#plannedDone : 1
    return (this.#planned - this.#plannedDone) * pace
  }
}

function describe(outcome: Measurement | Error): string {
  if (outcome instanceof Error) return outcome.message
  const { messages, seconds, brokerMicroseconds, held, startMs } = outcome
  if (startMs !== undefined) return `${Math.round(startMs)} ms`
  if (held && !Number.isFinite(held.perSecond)) return `${significant(held.processorMicrosecondsEach)} µs each`
  if (held && messages === 0) return `${Math.round(held.perSecond).toLocaleString('en-US')}/s`
  const cost = brokerMicroseconds === undefined ? '' : `, ${significant(brokerMicroseconds)} µs/message`
  return `${Math.round(messages / seconds).toLocaleString('en-US')}/s${cost}`
}
