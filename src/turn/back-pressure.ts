/**
 * If a Client reads more slowly than others publish for it, publishers and Wills that are due give way for a while.
 *
 *   queue of a connected Session   |······· free ·······|········· half full: publishers wait ·········| full: dropped
 *
 * A Session whose Client is connected is crowded while its queue is half full. A message for it is then accepted like
 * any other; but once a user has added more in a second than an equal share of what the Client takes, a publisher of
 * that user is not read until the queue is less than half full, for `GIVE_WAY_MS` at most. So a burst waits at its
 * source, and the other half of the queue is for messages that may not wait.
 *
 * A slow Client must not hold up others. Whoever adds little therefore never waits, even if somebody else keeps the
 * queue half full on purpose; and anybody waits only while the Client takes a good share of the queue each second:
 * otherwise its own messages are dropped when the queue is full. No publisher waits longer for one message than
 * `GIVE_WAY_MS`, however many Clients read slowly: one that sends ten messages a second never falls behind.
 *
 * @module
 */
import type { Session } from '../protocol/session.ts'
import type { Metrics } from '../reporting/metrics.ts'
import type { Turn } from './turn.ts'
import type { Expiring } from '../base/timer-wheel.ts'

/** How long a publisher is not read after one message. */
export const GIVE_WAY_MS = 100
/** How often the pace of a Client is judged. */
const PACE_MS = 1000
/** The share of its queue that a Client has to take in that time; a full queue is empty in about a minute. */
const PACE_SHARE = 1 / 64

/** A publisher, or the line of Wills. */
export interface GivesWay {
  /** Adds nothing until that time, or until `proceed`. */
  standBack(untilMs: number): void
  proceed(): void
}

class Crowd implements Expiring {
  deadlineMs = 0
  wheelIndex = -1
  isPatient: boolean
  takenBytes: number
  readonly session: Session
  readonly waiting = new Set<GivesWay>()
  /** What each user has added in this period, in bytes. */
  readonly #added = new Map<object, number>()
  /** What all of them may add in it without waiting. */
  #roomBytes: number
  readonly #judge: (crowd: Crowd, nowMs: number) => void

  constructor(session: Session, isPatient: boolean, judge: (crowd: Crowd, nowMs: number) => void) {
    this.session = session
    this.isPatient = isPatient
    this.takenBytes = session.takenBytes
    this.#roomBytes = paceOf(session)
    this.#judge = judge
  }

  /** @returns whether that user has now added more than its share */
  add(user: object, bytes: number): boolean {
    const { limits, maxQueuedNow } = this.session
    const weight = Math.max(bytes, limits.maxQueuedBytes / maxQueuedNow)
    const added = (this.#added.get(user) ?? 0) + weight
    this.#added.set(user, added)
    return added > this.#roomBytes / this.#added.size
  }

  /** Begins a period, after one in which the Client took that much. */
  begin(takenBytes: number): void {
    this.#added.clear()
    this.#roomBytes = Math.max(takenBytes, paceOf(this.session))
  }

  expire(nowMs: number): void {
    this.#judge(this, nowMs)
  }

  release(): void {
    for (const one of this.waiting) one.proceed()
    this.waiting.clear()
  }
}

export class BackPressure {
  /**
   * Whether the message being routed was added to a queue that is half full, of a Session for which publishers wait.
   */
  isHit = false
  /** These Sessions, as far as they are known. */
  readonly #hits: Crowd[] = []
  readonly #crowds = new Map<Session, Crowd>()
  readonly #turn: Turn
  readonly #metrics: Metrics

  constructor(turn: Turn, metrics: Metrics) {
    this.#turn = turn
    this.#metrics = metrics
  }

  /** Called when a message was added to that Session's queue, which is half full. */
  crowded(session: Session): void {
    let crowd = this.#crowds.get(session)
    if (crowd === undefined) {
      const now = this.#turn.now()
      const isPatient = now - session.queuedSinceMs < PACE_MS || session.takenBytes >= paceOf(session)
      crowd = new Crowd(session, isPatient, this.#judge)
      this.#crowds.set(session, crowd)
      this.#turn.arm(crowd, now + PACE_MS)
    }
    if (!crowd.isPatient) return
    this.#hits.push(crowd)
    this.isHit = true
  }

  /** Forgets queues that were filled by a message whose publisher does not wait. */
  clear(): void {
    this.isHit = false
    this.#hits.length = 0
  }

  /** As `hold`, for a Client with that Session. */
  holdClient(publisher: GivesWay, { isCrowded, memory }: Session, bytes: number): void {
    // If its own queue is crowded, its acknowledgements make room, so they have to be read.
    if (!isCrowded) this.hold(publisher, memory.parent ?? publisher, bytes)
  }

  /**
   * Makes the publisher of the message that was routed give way, if its user has added more than its share.
   *
   * @param user whose share it is: the same object for all publishers of a user
   */
  hold(publisher: GivesWay, user: object, bytes: number): void {
    let behind: Crowd | undefined
    for (const crowd of this.#hits) if (crowd.add(user, bytes)) behind = crowd
    this.clear()
    if (behind === undefined) return
    behind.waiting.add(publisher)
    this.#metrics.publishersGaveWay++
    publisher.standBack(this.#turn.now() + GIVE_WAY_MS)
  }

  /** Called when that Session's queue is less than half full, or its Client is away. */
  thinned(session: Session): void {
    this.#crowds.get(session)?.release()
  }

  readonly #judge = (crowd: Crowd, nowMs: number): void => {
    const { session } = crowd
    if (!session.isCrowded) {
      crowd.release()
      this.#crowds.delete(session)
      return
    }
    const takenBytes = session.takenBytes - crowd.takenBytes
    crowd.isPatient = takenBytes >= paceOf(session)
    crowd.takenBytes = session.takenBytes
    crowd.begin(takenBytes)
    if (!crowd.isPatient) crowd.release()
    this.#turn.arm(crowd, nowMs + PACE_MS)
  }
}

function paceOf({ limits }: Session): number {
  return limits.maxQueuedBytes * PACE_SHARE
}
