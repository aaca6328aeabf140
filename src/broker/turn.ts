/**
 * The turn: one pass of the event loop, and what happens at its end.
 *
 *   input of many sockets ──> Connections ──> Changes, output
 *   end of turn:  1. store.write(all Changes of earlier turns)   2. every dirty Connection writes once
 *
 * It buys three things: an acknowledgement never outruns the Store, commits are grouped, and each socket gets one write
 * however many packets it is owed. While one commit is under way the next turn gathers.
 *
 * Until `open` the Store is loading: deadlines are noted, work is queued, and nothing runs.
 *
 * A turn has a budget, so that nobody waits long for anybody else: once it is spent, Connections stop in the middle of
 * their chunks and go on, one after the other, in the next turn.
 *
 * @module
 */
import type { Clock, Timer } from '../base/clock.ts'
import { TimerWheel, type Timed } from '../base/timer-wheel.ts'
import type { Connection } from '../protocol/connection.ts'
import type { Change, Durability } from '../stores/store.ts'
import type { Gathering } from './gathering.ts'
import type { Metrics } from './metrics.ts'
import type { TurnStore } from './store-gate.ts'

/** Most deliveries of one turn. */
const TURN_DELIVERIES = 20_000
/** A turn that took that long is spent, whatever it delivered; looked at every so many deliveries. */
const TURN_MS = 8
const LOOK_EVERY_DELIVERIES = 256

/** Something with a deadline. */
export interface Expiring extends Timed {
  expire(nowMs: number): void
}

/** Changes that are made when the Store is told, from what holds then. */
export interface Deferred {
  tell(changes: Change[]): void
}

/** A longer piece of work, done a slice a turn. @returns true when it is done */
export type Task = () => boolean

export class Turn {
  /** Number of the newest Change, and of the newest one that is stored. */
  changeCount = 0
  committedCount = 0
  isSpent = false
  readonly #clock: Clock
  readonly #store: TurnStore
  readonly #metrics: Metrics
  readonly #maxUncommittedBytes: number
  readonly #gathering: Gathering
  /** False while the Store loads: nothing may act on what is only half there. */
  #isOpen = false
  #nowMs = -1
  #startedAtMs = 0
  #deliveries = 0
  #nextLook = LOOK_EVERY_DELIVERIES
  #dirty: Connection[] = []
  #spareDirty: Connection[] = []
  /** Connections that stopped in the middle of their input, and tasks, the longest waiting first. */
  #goOn: { goOn(): void }[] = []
  #waiting = new Set<Connection>()
  #changes: (Change | Deferred)[] = []
  #uncommittedBytes = 0
  #gatheredBytes = 0
  /** How much of what gathered is from before this turn. */
  #earlierChanges = 0
  #earlierBytes = 0
  #isCommitting = false
  readonly #wheel = new TimerWheel<Expiring>()
  #timer: Timer | undefined
  #timerAtMs = Infinity
  #afterFlush: (() => void)[] = []
  #afterCommit: { readonly change: number; readonly run: () => void }[] = []

  constructor(clock: Clock, store: TurnStore, metrics: Metrics, maxUncommittedBytes: number, gathering: Gathering) {
    this.#clock = clock
    this.#store = store
    this.#metrics = metrics
    this.#maxUncommittedBytes = maxUncommittedBytes
    this.#gathering = gathering
  }

  /** True while more waits for the Store than the limit allows, or than it has room for: whoever adds to it waits. */
  get isStoreBehind(): boolean {
    return this.#uncommittedBytes > this.#maxUncommittedBytes || this.#uncommittedBytes > this.#store.roomBytes
  }

  /** Monotonic milliseconds, the same throughout a turn. Asking begins one. */
  now(): number {
    return this.#nowMs < 0 ? this.#begin() : this.#nowMs
  }

  #begin(): number {
    this.#startedAtMs = this.#clock.now()
    // Whole milliseconds: small integers, which a message can hold without memory of their own.
    const nowMs = Math.floor(this.#startedAtMs)
    if (!this.#isOpen) return nowMs
    this.#nowMs = nowMs
    this.#earlierChanges = this.#changes.length
    this.#earlierBytes = this.#gatheredBytes
    this.#clock.atEndOfTurn(this.#end)
    return nowMs
  }

  /** The Store is loaded: what was queued meanwhile runs, and deadlines that have passed come. */
  open(): void {
    this.#isOpen = true
    this.now()
  }

  /** Counts deliveries against the budget. */
  spend(deliveries: number): void {
    this.#deliveries += deliveries
    if (this.#deliveries >= this.#nextLook) this.#look()
  }

  #look(): void {
    this.#nextLook = this.#deliveries + LOOK_EVERY_DELIVERIES
    if (this.#deliveries < TURN_DELIVERIES && this.#clock.now() - this.#startedAtMs < TURN_MS) return
    if (!this.isSpent) this.#metrics.turnsSpent++
    this.isSpent = true
  }

  wantsFlush(connection: Connection): void {
    this.now()
    this.#dirty.push(connection)
  }

  wantsTurn(connection: Connection): void {
    this.now()
    this.#goOn.push(connection)
  }

  wantsRelease(connection: Connection): void {
    this.#waiting.add(connection)
  }

  /** Does `task` a slice a turn, beginning with this one's end. */
  addTask(task: Task): void {
    this.now()
    const slice = { goOn: () => void (task() || this.#goOn.push(slice)) }
    this.#goOn.push(slice)
  }

  /** Records a Change of this turn. @param bytes what it keeps in RAM until it is stored */
  record(change: Change | Deferred, bytes: number): void {
    this.now()
    this.changeCount++
    this.#changes.push(change)
    this.#gatheredBytes += bytes
    this.#uncommittedBytes += bytes
  }

  /** Calls `run` once everything recorded so far is stored; at once if it is. */
  whenCommitted(run: () => void): void {
    if (this.committedCount >= this.changeCount) run()
    else this.#afterCommit.push({ change: this.changeCount, run })
  }

  arm(entry: Expiring, deadlineMs: number): void {
    this.#wheel.set(entry, deadlineMs)
    if (this.#nowMs < 0) this.#setTimer()
  }

  #setTimer(): void {
    if (!this.#isOpen) return
    const next = this.#wheel.nextDeadline()
    if (next === this.#timerAtMs) return
    this.#timer?.cancel()
    this.#timerAtMs = next
    this.#timer = next === Infinity ? undefined : this.#clock.setTimer(next - this.#clock.now(), this.#fireTimers)
  }

  readonly #fireTimers = (): void => {
    this.#timerAtMs = Infinity
    this.#timer = undefined
    this.#wheel.advance(this.now(), (entry) => entry.expire(this.now()))
  }

  readonly #end = (): void => {
    this.#continue()
    this.#commit()
    this.#flush()
    if (this.#afterFlush.length > 0) this.#runAfterFlush()
    this.#metrics.turns++
    const length = this.#clock.now() - this.#startedAtMs
    if (length > this.#metrics.longestTurnMs) this.#metrics.longestTurnMs = length
    this.#nowMs = -1
    this.isSpent = false
    this.#deliveries = 0
    this.#nextLook = LOOK_EVERY_DELIVERIES
    if (this.#changes.length > 0 && !this.#isCommitting) this.now()
    if (this.#goOn.length > 0) {
      // Before new input comes: who waits must not wait for those who are served at once.
      this.now()
      this.#continue()
    }
    this.#setTimer()
    if (this.#goOn.length === 0) this.#gathering.afterTurn(length)
  }

  /** Lets those go on who stopped, one after the other, as far as the budget reaches: the rest is first in the next turn. */
  #continue(): void {
    const waiting = this.#goOn
    if (waiting.length === 0) return
    this.#goOn = []
    let served = 0
    while (served < waiting.length && !this.isSpent) waiting[served++]!.goOn()
    if (served < waiting.length) this.#goOn = [...waiting.slice(served), ...this.#goOn]
  }

  /** What a commit promises unless something in it asks for more. */
  #baseLevel: Durability = 'process'
  #level: Durability = 'process'

  set baseLevel(level: Durability) {
    this.#baseLevel = level
    this.#level = level
  }

  /** Something in this turn's commit asks for that level. */
  raise(level: Durability): void {
    if (level === 'disk' || this.#level === 'memory') this.#level = level
  }

  /** Calls `run` at the end of this turn, after everything was written. */
  afterFlush(run: () => void): void {
    this.now()
    this.#afterFlush.push(run)
  }

  /**
   * What gathered before this turn: a turn later much of it is over, because the receiver has acknowledged, and nothing of it
   * has to be stored.
   */
  #commit(): void {
    if (this.#isCommitting || this.#earlierChanges === 0) return
    const recorded = this.#changes.splice(0, this.#earlierChanges)
    const upTo = this.changeCount - this.#changes.length
    const bytes = this.#earlierBytes
    this.#earlierChanges = 0
    this.#gatheredBytes -= bytes
    const level = this.#baseLevel === 'disk' ? 'disk' : this.#level
    if (this.#changes.length === 0) this.#level = this.#baseLevel
    const changes: Change[] = []
    for (const one of recorded) {
      if ('kind' in one) changes.push(one)
      else one.tell(changes)
    }
    const stored = changes.length === 0 ? undefined : this.#store.write(changes, level)
    if (stored === undefined) {
      this.#committed(upTo, bytes)
      return
    }
    this.#isCommitting = true
    void stored.then(() => {
      this.#isCommitting = false
      this.now()
      this.#committed(upTo, bytes)
    })
  }

  #committed(upTo: number, bytes: number): void {
    this.committedCount = upTo
    this.#uncommittedBytes -= bytes
    for (const connection of this.#waiting) if (!connection.release(upTo)) this.#waiting.delete(connection)
    while (this.#afterCommit[0] !== undefined && this.#afterCommit[0].change <= upTo) this.#afterCommit.shift()!.run()
    if (!this.isStoreBehind) this.onCaughtUp()
  }

  /** Set by the broker: the Store is not, or no longer, behind. */
  onCaughtUp: () => void = () => {}

  #flush(): void {
    // Flushing may make others dirty (a closed Connection's Will): they are flushed in the same turn.
    while (this.#dirty.length > 0) {
      const dirty = this.#dirty
      this.#dirty = this.#spareDirty
      for (const connection of dirty) connection.flush()
      dirty.length = 0
      this.#spareDirty = dirty
    }
  }

  #runAfterFlush(): void {
    const due = this.#afterFlush
    this.#afterFlush = []
    for (const run of due) run()
  }

  /** Writes what is left, for a broker that closes: resolves when all of it is stored. */
  async settle(): Promise<void> {
    this.#timer?.cancel()
    if (!this.#isOpen) return
    while (this.changeCount > this.committedCount || this.#nowMs >= 0) {
      await new Promise<void>((resolve) => this.#clock.atEndOfTurn(resolve))
      if (this.#isCommitting) await new Promise<void>((resolve) => this.whenCommitted(resolve))
    }
    this.#timer?.cancel()
  }
}
