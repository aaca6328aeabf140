/**
 * The turn: one pass of the event loop, and what happens at its end.
 *
 *   waiting owners ──┐
 *   input of sockets ┴─> Connections ──> Changes, output
 *   end of turn:  1. waiting owners, as far as the budget reaches
 *                 2. Changes of earlier turns to the Store; what waited for earlier ones is released     commits.ts
 *                 3. every Connection with output writes once                                           flushes.ts
 *
 * This has three advantages: no acknowledgement is sent before its Changes are stored, commits are grouped, and each
 * socket gets one write, however many packets it gets.
 *
 * Until `open`, the Store is loading: deadlines and work are queued, and nothing runs.
 *
 * A turn has a budget of work (`base/work.ts`), shared between owners (`work-line.ts`), so that nobody waits long for
 * anybody else: an owner that has used its share stops, even in the middle of a chunk, and continues at its next turn.
 * Work from earlier turns has the first half of a turn at most, and comes before new input. Each of the three steps at
 * the end has limits of its own, and the rest is done at the end of the next turn.
 *
 * @module
 */
import type { Clock, Timer } from '../base/clock.ts'
import { TimerWheel, type Expiring } from '../base/timer-wheel.ts'
import { within } from '../base/within.ts'
import { TURN_UNITS, Work, WorkBudget } from '../base/work.ts'
import type { Connection } from '../protocol/connection.ts'
import type { Change, Durability } from '../stores/store.ts'
import { Commits, type Deferred } from './commits.ts'
import { Flushes } from './flushes.ts'
import type { Gathering } from './gathering.ts'
import type { Metrics } from '../reporting/metrics.ts'
import type { TurnStore } from './store-gate.ts'
import { WorkLine, type Task } from './work-line.ts'

export type { Deferred } from './commits.ts'
export type { Task } from './work-line.ts'

/** What a turn works with. */
export interface TurnParts {
  readonly clock: Clock
  readonly store: TurnStore
  readonly metrics: Metrics
  readonly gathering: Gathering
  readonly maxUncommittedBytes: number
  /**
   * Receives errors of that owner's tasks, of deadlines, or of what follows a turn: mistakes of the broker. Others
   * continue.
   */
  readonly failed: (error: unknown, owner?: object) => void
}

export class Turn {
  /** What is left of this turn, and of the share of the present owner. */
  readonly work: WorkBudget
  readonly #clock: Clock
  readonly #store: TurnStore
  readonly #metrics: Metrics
  readonly #maxUncommittedBytes: number
  readonly #failed: (error: unknown) => void
  readonly #gathering: Gathering
  readonly #line: WorkLine
  readonly #commits: Commits
  readonly #flushes: Flushes
  /** False while the Store loads, since nothing may act on half of its contents, and after it was given up. */
  #isOpen = false
  #nowMs = -1
  #startedAtMs = 0
  readonly #wheel = new TimerWheel<Expiring>()
  #timer: Timer | undefined
  #timerAtMs = Infinity
  #areTimersDue = false
  #afterFlush: (() => void)[] = []

  constructor({ clock, store, metrics, gathering, maxUncommittedBytes, failed }: TurnParts) {
    this.#clock = clock
    this.#store = store
    this.#metrics = metrics
    this.#maxUncommittedBytes = maxUncommittedBytes
    this.#failed = failed
    this.#gathering = gathering
    this.work = new WorkBudget(() => clock.now())
    this.#line = new WorkLine(this.work, failed)
    this.#commits = new Commits(store, this.work, () => void this.now(), clock, metrics.commitMs, failed)
    this.#flushes = new Flushes(this.work, clock)
  }

  // ---- time ----

  /** Monotonic milliseconds, the same throughout a turn. Reading it begins a turn. */
  now(): number {
    return this.#nowMs < 0 ? this.#begin() : this.#nowMs
  }

  #begin(): number {
    this.#startedAtMs = this.#clock.now()
    // Whole milliseconds are small integers, which a message can hold without memory of their own.
    const nowMs = Math.floor(this.#startedAtMs)
    if (!this.#isOpen) return nowMs
    this.#nowMs = nowMs
    this.work.beginTurn(this.#startedAtMs)
    this.#clock.atEndOfTurn(this.#end)
    return nowMs
  }

  /** The Store is loaded: runs what was queued meanwhile, and deadlines that have passed. */
  open(): void {
    this.#isOpen = true
    this.now()
  }

  arm(entry: Expiring, deadlineMs: number): void {
    this.#wheel.set(entry, deadlineMs)
    if (this.#nowMs < 0) this.#setTimer()
  }

  #setTimer(): void {
    if (!this.#isOpen) return
    const next = this.#areTimersDue ? Infinity : this.#wheel.nextDeadline()
    if (next === this.#timerAtMs) return
    this.#timer?.cancel()
    this.#timerAtMs = next
    this.#timer = next === Infinity ? undefined : this.#clock.setTimer(next - this.#clock.now(), this.#fireTimers)
  }

  readonly #fireTimers = (): void => {
    this.#timerAtMs = Infinity
    this.#timer = undefined
    this.#areTimersDue = true
    this.addTask(this.#wheel, { resume: () => this.#expireSome() })
  }

  /** Runs some deadlines, since thousands may be due at one moment. @returns true if none is due any more */
  #expireSome(): boolean {
    const now = this.now()
    while (this.#wheel.nextDeadline() <= now) {
      if (this.work.isSpent) return false
      this.work.spend(Work.task)
      this.#wheel.advance(now, (entry) => this.#expire(entry, now), 1)
    }
    this.#areTimersDue = false
    return true
  }

  /** Runs one deadline. If it throws, it is over, and the others continue. */
  #expire(entry: Expiring, now: number): void {
    try {
      entry.expire(now)
    } catch (error) {
      this.#failed(error)
    }
  }

  // ---- requests for a turn ----

  /** Calls `Connection.resume` when it is its turn again. */
  wantsTurn(connection: Connection): void {
    this.addTask(connection.session ?? connection, connection)
  }

  wantsFlush(connection: Connection): void {
    this.now()
    this.#flushes.add(connection)
  }

  wantsRelease(connection: Connection): void {
    this.#commits.wantsRelease(connection)
  }

  /**
   * Runs `task` in slices, a share a turn, beginning at the end of this one.
   *
   * @param owner the owner of the work: a Session, a Connection, or a part of the broker
   */
  addTask(owner: object, task: Task): void {
    this.now()
    this.#line.add(owner, task)
  }

  /**
   * Runs `task` in slices, the first one at once; for work that no packet has asked for.
   *
   * @param owner a part of the broker
   */
  runTask(owner: object, task: Task): void {
    this.now()
    this.work.enter(owner)
    if (!task.resume()) this.#line.add(owner, task)
  }

  /** Resolves when it is that owner's turn again, for work between awaits. */
  share(owner: object): Promise<void> {
    return new Promise((resolve) => {
      this.addTask(owner, { resume: () => (resolve(), true) })
    })
  }

  /** Calls `run` at the end of this turn, after everything was written. */
  afterFlush(run: () => void): void {
    this.now()
    this.#afterFlush.push(run)
  }

  // ---- Changes ----

  get changeCount(): number {
    return this.#commits.changeCount
  }

  get committedCount(): number {
    return this.#commits.committedCount
  }

  /** Changes when what is recorded next will no longer be stored together with what was recorded last. */
  get recordedTurns(): number {
    return this.#commits.turnCount
  }

  /** Bytes that wait in RAM until they are stored. */
  get uncommittedBytes(): number {
    return this.#commits.uncommittedBytes
  }

  /**
   * True while more waits for the Store than the limit allows, or than it has room for: work that would add to it
   * waits.
   */
  get isStoreBehind(): boolean {
    const { uncommittedBytes } = this.#commits
    return uncommittedBytes > this.#maxUncommittedBytes || uncommittedBytes > this.#store.roomBytes
  }

  /** Set by the broker; called when the Store is not, or no longer, behind. */
  onCaughtUp: () => void = () => {}

  /** Set by the broker; called when a turn has ended. */
  onEnd: (nowMs: number) => void = () => {}

  /** The durability of a commit, unless something in it asks for more. */
  set baseLevel(level: Durability) {
    this.#commits.baseLevel = level
  }

  raise(level: Durability): void {
    this.#commits.raise(level)
  }

  /** Records a Change of this turn. @param bytes the RAM that it takes until it is stored */
  record(change: Change | Deferred, bytes: number): void {
    this.#commits.record(change, bytes)
  }

  /** Calls `run` once everything recorded so far is stored; at once if it is. */
  whenCommitted(run: () => void): void {
    this.#commits.whenCommitted(run)
  }

  // ---- the end ----

  readonly #end = (): void => {
    if (!this.#isOpen) return
    this.#serve(false)
    this.#commits.endTurn()
    if (!this.isStoreBehind) this.onCaughtUp()
    this.#flushes.flush()
    if (this.#afterFlush.length > 0) this.#runAfterFlush()
    const length = this.#clock.now() - this.#startedAtMs
    this.#count(length)
    this.#guard(() => this.onEnd(this.#nowMs))
    this.#nowMs = -1
    this.work.endTurn()
    const isMoreDue = this.#commits.isTurnDue || this.#flushes.length > 0
    if (isMoreDue || this.#line.length > 0) this.now()
    // Before new input comes, so that owners in the line do not wait for those that are served at once.
    if (this.#line.length > 0) this.#serve(true)
    else if (!isMoreDue) this.#gathering.afterTurn(length)
    this.#setTimer()
  }

  #count(length: number): void {
    const metrics = this.#metrics
    metrics.turns++
    metrics.turnMs.observe(length)
    if (this.work.isTurnSpent) metrics.turnsSpent++
    if (length > metrics.longestTurnMs) metrics.longestTurnMs = length
    if (this.work.units > metrics.mostTurnWork) metrics.mostTurnWork = this.work.units
  }

  /**
   * Serves owners in the line, a share each.
   *
   * @param isBeginning whether a turn begins: then owners that ask for little come first, for a quarter of it, since
   *   one step of an owner that asks for much may take the whole turn. One of these is served in any case, and half of
   *   the turn is left to new input
   */
  #serve(isBeginning: boolean): void {
    const line = this.#line
    // While output has been piling up for long, owners that make much of it have to wait.
    const mayServeHeavy = !this.#flushes.isBehind
    if (isBeginning) {
      const quarter = this.work.units + TURN_UNITS / 4
      while (this.work.units < quarter && !this.work.isHalfSpent) if (!line.serveFresh()) break
      if (mayServeHeavy) line.serveHeavy()
    }
    while (!(isBeginning ? this.work.isHalfSpent : this.work.isTurnSpent)) {
      if (!line.serveFresh() && !(mayServeHeavy && line.serveHeavy())) return
    }
  }

  #runAfterFlush(): void {
    const due = this.#afterFlush
    this.#afterFlush = []
    for (const run of due) this.#guard(run)
  }

  #guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#failed(error)
    }
  }

  /**
   * Writes what is left, for a broker that closes.
   *
   * @returns whether everything was stored in time; otherwise it is given up, and no turn follows
   */
  async settle(timeoutMs: number): Promise<boolean> {
    this.#timer?.cancel()
    if (!this.#isOpen) return true
    const isStored = await within(this.#writeAll(), timeoutMs, this.#clock)
    this.#timer?.cancel()
    if (!isStored) this.#isOpen = false
    return isStored
  }

  async #writeAll(): Promise<void> {
    while (this.#isOpen && (this.changeCount > this.committedCount || this.#nowMs >= 0)) {
      await new Promise<void>((resolve) => this.#clock.atEndOfTurn(resolve))
      if (this.#commits.isUnderWay) await new Promise<void>((resolve) => this.whenCommitted(resolve))
    }
  }
}
