/**
 * If a Client reads more slowly than others publish for it, publishers and Wills that are due give way for a while.
 *
 *   queue of a connected Session   |······· free ·······|········· half full: publishers wait ·········| full: dropped
 *
 * A Session whose Client is connected is crowded while its queue is half full. A message for it is then accepted like
 * any other, and its publisher is not read until the queue is less than half full, for `GIVE_WAY_MS` at most. So a
 * burst waits at its source, and the other half of the queue is for messages that may not wait.
 *
 * A slow Client must not hold up others. Publishers therefore wait for a Session only while its Client takes a good
 * share of the queue each second; otherwise its own messages are dropped when the queue is full. No publisher waits
 * longer for one message than `GIVE_WAY_MS`, however many Clients read slowly: one that sends ten messages a second
 * never falls behind.
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
  readonly #judge: (crowd: Crowd, nowMs: number) => void

  constructor(session: Session, isPatient: boolean, judge: (crowd: Crowd, nowMs: number) => void) {
    this.session = session
    this.isPatient = isPatient
    this.takenBytes = session.takenBytes
    this.#judge = judge
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
  #hit: Crowd | undefined = undefined
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
    this.#hit = crowd
    this.isHit = true
  }

  /** Forgets queues that were filled by a message whose publisher does not wait. */
  clear(): void {
    this.isHit = false
    this.#hit = undefined
  }

  /** Makes the publisher of the message that filled the queue give way. */
  hold(publisher: GivesWay): void {
    this.#hit!.waiting.add(publisher)
    this.clear()
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
    crowd.isPatient = session.takenBytes - crowd.takenBytes >= paceOf(session)
    crowd.takenBytes = session.takenBytes
    if (!crowd.isPatient) crowd.release()
    this.#turn.arm(crowd, nowMs + PACE_MS)
  }
}

function paceOf({ limits }: Session): number {
  return limits.maxQueuedBytes * PACE_SHARE
}
