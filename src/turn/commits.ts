/**
 * Changes on their way to the Store, and the output that waits for them.
 *
 *   turn 7   [ Change Change … ]  ─┐
 *   turn 8   [ Change … ]          ├─ a piece: whole turns, some thousand Changes ──> Store.write ──> released
 *   turn 9   [ Change Change … ]  ─┘
 *   turn 10  [ Change …             gathers
 *
 * A commit takes the Changes of earlier turns: a turn later many are obsolete, because receivers have acknowledged, and
 * need not be stored. While one commit is in progress, the next gathers. It may become large, so it is packed piece by
 * piece, a few in each turn, so that a slow disk does not make a long turn. A piece always consists of whole turns,
 * because what one packet changes must be stored together or not at all.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import type { Histogram } from '../base/histogram.ts'
import { Ring } from '../base/ring.ts'
import { Work, type WorkBudget } from '../base/work.ts'
import type { Connection } from '../protocol/connection.ts'
import type { Change, Durability } from '../stores/store.ts'
import type { TurnStore } from './store-gate.ts'

/** How much is packed and released at the end of one turn, in units of work. */
const COMMIT_UNITS = 40_000
/** However much was packed, this much can be released after it. */
const RELEASE_UNITS = 10_000
/** Small turns are packed together, up to this number of Changes. */
const PIECE_CHANGES = 2_000

/** Changes that are made when they are given to the Store, from the facts at that time. */
export interface Deferred {
  appendTo(changes: Change[]): void
}

/** The Changes of one turn. */
class Gathered {
  readonly changes: (Change | Deferred)[] = []
  bytes = 0
  level: Durability
  /** The number of its last Change. */
  lastChange = 0

  constructor(level: Durability) {
    this.level = level
  }
}

/** Changes that were given to the Store together. */
interface Piece {
  readonly lastChange: number
  readonly bytes: number
  isStored: boolean
}

interface Waiting {
  readonly change: number
  readonly run: () => void
}

export class Commits {
  /** The numbers of the newest Change and of the newest stored one. */
  changeCount = 0
  committedCount = 0
  /** How many turns with Changes have ended: the Changes of one turn are stored together. */
  turnCount = 0
  /** Bytes that wait in RAM until they are stored. */
  uncommittedBytes = 0
  #baseLevel: Durability = 'process'
  readonly #store: TurnStore
  readonly #budget: WorkBudget
  readonly #openTurn: () => void
  readonly #clock: Clock
  readonly #took: Histogram
  readonly #failed: (error: unknown) => void
  #gathered: Gathered
  /** Earlier turns that are not given to the Store yet. */
  readonly #turns = new Ring<Gathered>()
  /** Pieces given to the Store, in order. */
  readonly #pieces = new Ring<Piece>()
  /** How many of the turns belong to the commit in progress. */
  #turnsToGive = 0
  #hasMoreToRelease = false
  readonly #connections = new Ring<Connection>()
  readonly #afterCommit = new Ring<Waiting>()

  /**
   * @param openTurn makes sure that a turn ends again
   * @param took receives the milliseconds from giving a piece to the Store until it is stored
   * @param failed receives errors of work that has waited: mistakes of the broker
   */
  constructor(
    store: TurnStore,
    budget: WorkBudget,
    openTurn: () => void,
    clock: Clock,
    took: Histogram,
    failed: (error: unknown) => void,
  ) {
    this.#store = store
    this.#budget = budget
    this.#openTurn = openTurn
    this.#clock = clock
    this.#took = took
    this.#failed = failed
    this.#gathered = new Gathered(this.#baseLevel)
  }

  /** The durability of a commit, unless something in it asks for more. */
  get baseLevel(): Durability {
    return this.#baseLevel
  }

  set baseLevel(level: Durability) {
    this.#baseLevel = level
    this.#gathered.level = level
  }

  /** Raises the durability of this turn to that level. */
  raise(level: Durability): void {
    this.#gathered.level = higher(this.#gathered.level, level)
  }

  /** Records a Change of this turn. @param bytes the RAM that it takes until it is stored */
  record(change: Change | Deferred, bytes: number): void {
    this.#openTurn()
    this.#budget.spend(Work.change)
    this.changeCount++
    const gathered = this.#gathered
    gathered.changes.push(change)
    gathered.bytes += bytes
    this.uncommittedBytes += bytes
  }

  /** Calls `Connection.release` once what it waits for is stored. */
  wantsRelease(connection: Connection): void {
    this.#connections.push(connection)
  }

  /** Calls `run` once everything recorded so far is stored; at once if it is. */
  whenCommitted(run: () => void): void {
    if (this.committedCount >= this.changeCount) run()
    else this.#afterCommit.push({ change: this.changeCount, run })
  }

  /**
   * Whether something was given to the Store and is not stored yet, or has to be given before the next commit begins.
   */
  get isUnderWay(): boolean {
    return this.#pieces.length > 0 || this.#turnsToGive > 0
  }

  /** Whether another turn has to end, even if nothing else happens. */
  get isTurnDue(): boolean {
    if (this.#turnsToGive > 0 || this.#hasMoreToRelease) return true
    return this.#pieces.length === 0 && (this.#turns.length > 0 || this.#gathered.changes.length > 0)
  }

  /** Ends a turn: gives earlier ones to the Store, and adds this one to them. */
  endTurn(): void {
    const end = this.#budget.units + COMMIT_UNITS
    if (!this.isUnderWay) this.#turnsToGive = this.#turns.length
    if (this.#turnsToGive > 0) this.#give(end)
    while (this.#isNextWithin(end)) this.#give(end)
    if (this.#gathered.changes.length > 0) this.#closeTurn()
    this.#hasMoreToRelease = !this.#releaseUntil(Math.max(end, this.#budget.units + RELEASE_UNITS))
  }

  #closeTurn(): void {
    this.turnCount++
    this.#gathered.lastChange = this.changeCount
    this.#turns.push(this.#gathered)
    this.#gathered = new Gathered(this.#baseLevel)
  }

  /** Whether the next turn can be packed within this number of units. */
  #isNextWithin(end: number): boolean {
    return this.#turnsToGive > 0 && this.#budget.units + this.#turns.peek()!.changes.length * Work.change <= end
  }

  /** Gives the Store one turn, or several small ones within this number of units. */
  #give(end: number): void {
    const changes: Change[] = []
    let bytes = 0
    let level: Durability = 'memory'
    let lastChange = 0
    do {
      const turn = this.#turns.shift()!
      this.#turnsToGive--
      this.#budget.spend(turn.changes.length * Work.change)
      for (const one of turn.changes) {
        if ('kind' in one) changes.push(one)
        else one.appendTo(changes)
      }
      bytes += turn.bytes
      lastChange = turn.lastChange
      level = higher(level, turn.level)
    } while (this.#isNextWithin(end) && changes.length + this.#turns.peek()!.changes.length <= PIECE_CHANGES)
    const piece = { lastChange, bytes, isStored: false }
    this.#pieces.push(piece)
    if (changes.length === 0) this.#stored(piece)
    else this.#write(piece, changes, level)
  }

  #write(piece: Piece, changes: Change[], level: Durability): void {
    const beganMs = this.#clock.now()
    const stored = this.#store.write(changes, level)
    if (stored === undefined) this.#written(piece, beganMs)
    else
      void stored.then(() => {
        this.#openTurn()
        this.#written(piece, beganMs)
      })
  }

  #written(piece: Piece, beganMs: number): void {
    this.#took.observe(this.#clock.now() - beganMs)
    this.#stored(piece)
  }

  /** Commits pieces in their order, whenever the Store has finished each. */
  #stored(piece: Piece): void {
    piece.isStored = true
    for (let first = this.#pieces.peek(); first?.isStored === true; first = this.#pieces.peek()) {
      this.#pieces.shift()
      this.committedCount = first.lastChange
      this.uncommittedBytes -= first.bytes
    }
  }

  /**
   * Releases what waited for Changes that are stored by now, within this number of units. @returns whether that was all
   */
  #releaseUntil(end: number): boolean {
    const budget = this.#budget
    for (let first = this.#connections.peek(); first !== undefined; first = this.#connections.peek()) {
      if (first.heldUntilChange > this.committedCount) break
      if (budget.units >= end) return false
      budget.spend(Work.entry)
      this.#connections.shift()
      budget.begin(first.session ?? first)
      if (this.#release(first)) this.#connections.push(first)
    }
    for (let first = this.#afterCommit.peek(); first !== undefined; first = this.#afterCommit.peek()) {
      if (first.change > this.committedCount) return true
      if (budget.units >= end) return false
      budget.spend(Work.task)
      this.#afterCommit.shift()
      this.#run(first)
    }
    return true
  }

  /** @returns whether the Connection still has output that waits */
  #release(connection: Connection): boolean {
    try {
      return connection.release(this.committedCount)
    } catch (error) {
      connection.fail(error)
      return false
    }
  }

  #run({ run }: Waiting): void {
    try {
      run()
    } catch (error) {
      this.#failed(error)
    }
  }
}

const LEVELS: readonly Durability[] = ['memory', 'process', 'disk']

function higher(one: Durability, other: Durability): Durability {
  return LEVELS.indexOf(one) > LEVELS.indexOf(other) ? one : other
}
