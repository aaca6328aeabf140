/**
 * The line of owners that wait for a turn. An owner (a Session, a Connection, a part of the broker) is served for one
 * share, whatever and however much it has to do, and goes to the end of the line if something is left.
 *
 *   fresh   [ owner, owner … ]     have just come: served first, for a small share
 *   heavy   [ owner, owner … ]     used that up and have more: one after the other, at least one in every turn
 *
 * So a Client with ten thousand tasks gets no more than one with a single task, and an owner that asks for little does
 * not wait behind those that ask for much.
 *
 * @module
 */
import { Ring } from '../base/ring.ts'
import { FIRST_SHARE_UNITS, SHARE_UNITS, Work, type WorkBudget } from '../base/work.ts'

/** A piece of work that can be done in slices. */
export interface Task {
  /** Works until `WorkBudget.isSpent`, or to the end. @returns true when it is finished */
  resume(): boolean
}

class Place {
  readonly owner: object
  readonly tasks = new Ring<Task>()

  constructor(owner: object) {
    this.owner = owner
  }
}

export class WorkLine {
  readonly #budget: WorkBudget
  readonly #failed: (error: unknown, owner: object) => void
  readonly #places = new Map<object, Place>()
  readonly #fresh = new Ring<Place>()
  readonly #heavy = new Ring<Place>()

  /**
   * @param failed receives the error of a task, which is a mistake of the broker; that task is over then, and others
   *   continue
   */
  constructor(budget: WorkBudget, failed: (error: unknown, owner: object) => void) {
    this.#budget = budget
    this.#failed = failed
  }

  /** The number of owners that wait. */
  get length(): number {
    return this.#fresh.length + this.#heavy.length
  }

  /** Adds a task, which is resumed at its owner's turns until it is finished. */
  add(owner: object, task: Task): void {
    let place = this.#places.get(owner)
    if (place === undefined) {
      place = new Place(owner)
      this.#places.set(owner, place)
      this.#fresh.push(place)
    }
    place.tasks.push(task)
  }

  /** Serves the next owner that asked for little. @returns whether there was one */
  serveFresh(): boolean {
    return this.#serve(this.#fresh.shift(), FIRST_SHARE_UNITS)
  }

  /** Serves the owner that asked for much and has waited the longest. @returns whether there was one */
  serveHeavy(): boolean {
    return this.#serve(this.#heavy.shift(), SHARE_UNITS)
  }

  #serve(place: Place | undefined, units: number): boolean {
    if (place === undefined) return false
    const budget = this.#budget
    const { owner, tasks } = place
    budget.begin(owner, units)
    do {
      budget.spend(Work.task)
      const task = tasks.shift()!
      if (!this.#isDone(task, owner)) tasks.push(task)
    } while (tasks.length > 0 && !budget.isSpent)
    if (tasks.length > 0) this.#heavy.push(place)
    else this.#places.delete(owner)
    return true
  }

  #isDone(task: Task, owner: object): boolean {
    try {
      return task.resume()
    } catch (error) {
      this.#failed(error, owner)
      return true
    }
  }
}
