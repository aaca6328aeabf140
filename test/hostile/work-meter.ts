/**
 * How long a process has worked. An honest Client that waits on a busy machine waits for everything that runs there;
 * how long the broker worked for others in the meantime is the broker's own share.
 *
 * @module
 */
import { readFileSync } from 'node:fs'

/** A moment: what the clock says, and what the broker's thread has worked by then. */
export interface Moment {
  readonly atMs: number
  readonly workedMs: number
}

export class WorkMeter {
  readonly #path: string
  #isReadable = true

  /** @param pid its first thread is measured, which is the one that serves Clients */
  constructor(pid: number) {
    this.#path = `/proc/${pid}/task/${pid}/schedstat`
    this.now()
  }

  /** Where the system does not say what a thread has worked, the clock has to do. */
  now(): Moment {
    const atMs = performance.now()
    if (!this.#isReadable) return { atMs, workedMs: atMs }
    try {
      return { atMs, workedMs: Number(readFileSync(this.#path, 'utf8').split(' ')[0]) / 1e6 }
    } catch {
      this.#isReadable = false
      return { atMs, workedMs: atMs }
    }
  }
}

/** The longest waits of many. */
export class Worst {
  waitMs = 0
  workMs = 0

  forget(): void {
    this.waitMs = 0
    this.workMs = 0
  }

  add(from: Moment, to: Moment): void {
    this.waitMs = Math.max(this.waitMs, to.atMs - from.atMs)
    // While the broker is not measured any more (it died), its clock stands for its work.
    this.workMs = Math.max(this.workMs, Math.min(to.workedMs - from.workedMs, to.atMs - from.atMs))
  }
}
