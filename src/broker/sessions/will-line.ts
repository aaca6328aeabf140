/**
 * Wills that are due while a subscriber that reads has no room, since thousands of Clients may be lost at one moment.
 * They are sent in the order in which they came due, as there is room (`turn/back-pressure.ts`). Until then a Will
 * stays where it is: in its Session's account, and in the Store.
 *
 * @module
 */
import { Work } from '../../base/work.ts'
import type { GivesWay } from '../../turn/back-pressure.ts'
import type { Registration } from './sessions.ts'
import type { Task, Turn } from '../../turn/turn.ts'
import type { Expiring } from '../../base/timer-wheel.ts'

export class WillLine implements GivesWay, Expiring, Task {
  deadlineMs = 0
  wheelIndex = -1
  #isHeld = false
  #isInLine = false
  readonly #waiting = new Set<Registration>()
  readonly #turn: Turn
  readonly #send: (registration: Registration) => void

  constructor(turn: Turn, send: (registration: Registration) => void) {
    this.#turn = turn
    this.#send = send
  }

  /** @returns whether that Will has to wait: `send` follows */
  mustWait(registration: Registration): boolean {
    if (!this.#isHeld && this.#waiting.size === 0) return false
    this.#waiting.add(registration)
    return true
  }

  /** Removes a Will that was sent, or must no longer be sent. */
  leave(registration: Registration): void {
    this.#waiting.delete(registration)
  }

  standBack(untilMs: number): void {
    this.#isHeld = true
    this.#turn.arm(this, untilMs)
  }

  proceed(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#turn.arm(this, Infinity)
    if (this.#isInLine || this.#waiting.size === 0) return
    this.#isInLine = true
    this.#turn.addTask(this, this)
  }

  expire(): void {
    this.proceed()
  }

  resume(): boolean {
    for (const registration of this.#waiting) {
      if (this.#isHeld) break
      if (this.#turn.work.isSpent) return false
      this.#turn.work.spend(Work.task)
      this.#waiting.delete(registration)
      this.#send(registration)
    }
    this.#isInLine = false
    return true
  }

  /** Sends all Wills that wait, for a broker that stops. */
  flush(): void {
    for (const registration of this.#waiting) this.#send(registration)
    this.#waiting.clear()
  }
}
