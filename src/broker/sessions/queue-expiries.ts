/**
 * Messages that expire while they wait are removed from the queue of their Session, its limits, the counters and the
 * Store, even if the Client does not fetch them.
 *
 *   queue whose earliest message expires at t ──> one deadline for the whole queue, t rounded up to a second
 *                                             ──> a sweep in slices ──> the next deadline, if anything is left that expires
 *
 * So a queue is searched once a second at most, however many of its messages expire at however many times.
 *
 * @module
 */
import { Work } from '../../base/work.ts'
import type { Session } from '../../protocol/session.ts'
import type { Task, Turn } from '../../turn/turn.ts'
import type { Expiring } from '../../base/timer-wheel.ts'

/** Deadlines are rounded up to a multiple of this. */
const GRAIN_MS = 1000
/** The work of a slice of a sweep, which examines about a thousand entries. */
const SLICE_WORK = 500 * Work.entry

class QueueExpiry implements Expiring, Task {
  deadlineMs = 0
  wheelIndex = -1
  readonly #session: Session
  readonly #expiries: QueueExpiries

  constructor(session: Session, expiries: QueueExpiries) {
    this.#session = session
    this.#expiries = expiries
  }

  expire(): void {
    this.#expiries.sweep(this.#session, this)
  }

  resume(): boolean {
    return this.#expiries.continueSweep(this.#session, this)
  }
}

export class QueueExpiries {
  readonly #turn: Turn
  readonly #entries = new Map<Session, QueueExpiry>()

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /** Something in that queue expires then, earlier than everything before. */
  expires(session: Session, atMs: number): void {
    let entry = this.#entries.get(session)
    if (entry === undefined) {
      entry = new QueueExpiry(session, this)
      this.#entries.set(session, entry)
    } else if (entry.wheelIndex < 0 || entry.deadlineMs <= roundedUp(atMs)) return
    this.#turn.arm(entry, roundedUp(atMs))
  }

  sweep(session: Session, entry: QueueExpiry): void {
    this.#turn.addTask(session, entry)
  }

  /** @returns whether the sweep is done */
  continueSweep(session: Session, entry: QueueExpiry): boolean {
    const { work } = this.#turn
    while (!work.isSpent) {
      work.spend(SLICE_WORK)
      if (!session.dropExpired()) continue
      const { earliestExpiryMs } = session
      if (earliestExpiryMs === Infinity) this.#entries.delete(session)
      else this.#turn.arm(entry, roundedUp(Math.max(earliestExpiryMs, this.#turn.now() + 1)))
      return true
    }
    return false
  }

  /** Forgets a Session that has ended. */
  forget(session: Session): void {
    const entry = this.#entries.get(session)
    if (entry === undefined) return
    this.#turn.arm(entry, Infinity)
    this.#entries.delete(session)
  }
}

function roundedUp(atMs: number): number {
  return Math.ceil(atMs / GRAIN_MS) * GRAIN_MS
}
