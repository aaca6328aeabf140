/**
 * `queue.expiry` of a bridge: what has waited that long for the other broker is dropped.
 *
 *   marks   [ entry 120, Monday 00:00 ]  [ entry 480, Monday 02:38 ]  …
 *                └─ a week later, everything up to entry 120 has waited too long
 *
 * Messages carry no time for this, since a queue of a million would have to keep a million times, and would be searched
 * for them. Instead, the newest entry of the queue is noted 64 times in the time of an expiry. So a message is never
 * dropped early, and at most a sixty-fourth of the expiry late (a second at least).
 *
 * @module
 */
import type { Clock, Timer } from '../base/clock.ts'
import { Ring } from '../base/ring.ts'
import { Work } from '../base/work.ts'
import type { Session } from '../protocol/session.ts'
import type { Task, Turn } from '../turn/turn.ts'

const MARKS = 64
const SHORTEST_STEP_MS = 1000
/** The work of a slice, which drops up to a thousand messages. */
const SLICE_WORK = 1000 * Work.entry

interface Mark {
  readonly entryNumber: number
  readonly atMs: number
}

/** What an age works with. */
export interface QueueAgeParts {
  readonly clock: Clock
  /** Milliseconds; 0 sets no limit. */
  readonly expiryMs: number
  turn(): Turn
  session(): Session | undefined
  /** So many messages have waited too long. */
  expired(count: number): void
}

export class QueueAge {
  readonly #parts: QueueAgeParts
  readonly #stepMs: number
  #marks: Ring<Mark>
  /** To which the marks belong: the entries of another one begin again. */
  #session: Session | undefined
  #timer: Timer | undefined

  /** @param earlier the age of the same queue before a reload, whose marks remain valid */
  constructor(parts: QueueAgeParts, earlier?: QueueAge) {
    this.#parts = parts
    this.#stepMs = Math.max(SHORTEST_STEP_MS, parts.expiryMs / MARKS)
    this.#marks = earlier === undefined ? new Ring() : earlier.#marks
    this.#session = earlier && earlier.#session
  }

  start(): void {
    if (this.#parts.expiryMs === 0) return
    this.#look()
  }

  stop(): void {
    this.#timer?.cancel()
  }

  #look(): void {
    this.#timer = this.#parts.clock.setTimer(this.#stepMs, () => this.#look())
    const session = this.#parts.session()
    if (session !== this.#session) this.#marks = new Ring()
    this.#session = session
    if (session === undefined) return
    this.#dropOld(session)
    this.#mark(session.newestEntryNumber)
  }

  #mark(entryNumber: number): void {
    const last = this.#marks.at(this.#marks.length - 1)
    if (last?.entryNumber !== entryNumber) this.#marks.push({ entryNumber, atMs: this.#parts.clock.now() })
  }

  #dropOld(session: Session): void {
    const beganMs = this.#parts.clock.now() - this.#parts.expiryMs
    let old: Mark | undefined
    for (let next = this.#marks.peek(); next !== undefined && next.atMs <= beganMs; next = this.#marks.peek()) {
      old = this.#marks.shift()
    }
    if (old !== undefined) this.#parts.turn().addTask(session, this.#dropping(session, old.entryNumber))
  }

  #dropping(session: Session, upToEntry: number): Task {
    const { work } = this.#parts.turn()
    let count = 0
    return {
      resume: () => {
        while (!work.isSpent) {
          work.spend(SLICE_WORK)
          const before = session.queuedMessages
          const isDone = session.dropWaiting(upToEntry)
          count += before - session.queuedMessages
          if (!isDone) continue
          if (count > 0) this.#parts.expired(count)
          return true
        }
        return false
      },
    }
  }
}
