/**
 * Connections with output at the end of a turn. Each writes once, and each write is a system call. A message to very
 * many receivers causes many writes, so their number is limited; the remaining Connections write at the end of the next
 * turn, and their output gathers until then.
 *
 *   owing    [ Connection … ]     were at work themselves and are owed an answer: first
 *   others   [ Connection … ]     somebody else's work reached them
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import { Work, type WorkBudget } from '../base/work.ts'
import type { Connection } from '../protocol/connection.ts'

/** The limit for the writes of one turn, in units of work and by the clock, which is read after every few writes. */
const FLUSH_UNITS = 50_000
const FLUSH_MS = 6
const LOOK_EVERY_WRITES = 32
/** If some were left at the end of this many turns, owners that make much output have to wait. */
const MOST_TURNS_BEHIND = 4

/** A queue in an array that keeps its memory from turn to turn. */
class Backlog {
  #items: Connection[] = []
  #first = 0

  get length(): number {
    return this.#items.length - this.#first
  }

  push(connection: Connection): void {
    this.#items.push(connection)
  }

  shift(): Connection | undefined {
    const connection = this.#items[this.#first]
    if (connection === undefined) return undefined
    this.#first++
    if (this.#first * 2 >= this.#items.length) this.#tidy()
    return connection
  }

  #tidy(): void {
    if (this.#first < this.#items.length && this.#first < LOOK_EVERY_WRITES) return
    this.#items.copyWithin(0, this.#first)
    this.#items.length -= this.#first
    this.#first = 0
  }
}

export class Flushes {
  readonly #budget: WorkBudget
  readonly #clock: Clock
  readonly #owing = new Backlog()
  readonly #others = new Backlog()
  #turnsBehind = 0

  constructor(budget: WorkBudget, clock: Clock) {
    this.#budget = budget
    this.#clock = clock
  }

  get length(): number {
    return this.#owing.length + this.#others.length
  }

  /** Whether output has been piling up for several turns. */
  get isBehind(): boolean {
    return this.#turnsBehind >= MOST_TURNS_BEHIND
  }

  /** Calls `Connection.flush` at the end of this turn, or of a later one. */
  add(connection: Connection): void {
    const isOwing = this.#budget.owner === (connection.session ?? connection)
    if (isOwing) this.#owing.push(connection)
    else this.#others.push(connection)
  }

  /**
   * Flushing may add others (for the Will of a closed Connection), which are flushed in the same turn, if it has room.
   */
  flush(): void {
    const end = this.#budget.units + FLUSH_UNITS
    const endMs = this.#clock.now() + FLUSH_MS
    for (let count = 1; ; count++) {
      const connection = this.#owing.shift() ?? this.#others.shift()
      if (connection === undefined) break
      flush(connection)
      this.#budget.spend(Work.write)
      const isOver = this.#budget.units >= end || (count % LOOK_EVERY_WRITES === 0 && this.#clock.now() >= endMs)
      if (isOver && this.length > 0) {
        this.#turnsBehind++
        return
      }
    }
    this.#turnsBehind = 0
  }
}

/** A Connection that cannot write is ended, so that others do not wait for it. */
function flush(connection: Connection): void {
  try {
    connection.flush()
  } catch (error) {
    connection.fail(error)
  }
}
