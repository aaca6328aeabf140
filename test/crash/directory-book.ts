/**
 * What was changed about users, roles and rules, what was answered, and whether that is what there is:
 *
 *   - an entry is what its last answered change has made of it, or what the one change that was not answered would have;
 *   - everything that one change sets has the number of that change: nothing is half of one and half of another.
 *
 * Changes of one entry come one after the other. They are numbered; one that removes has the number too.
 *
 * @module
 */

/** What an entry is after a change: its number, or that it is gone. */
export type State = number | 'gone'

/** An entry, or several that are always changed together. */
export interface Chain {
  readonly name: string
  /** How many numbers there are if it is there. */
  readonly size: number
  answered: State
  /** The change that is under way. */
  open: State | undefined
  lastNumber: number
}

export class DirectoryBook {
  readonly faults: string[] = []
  readonly chains: Chain[]
  answered = 0
  refused = 0
  /** Changes that a kill has left without an answer. */
  unanswered = 0
  /** Unanswered changes that were kept all the same, which is allowed. */
  kept = 0

  constructor(sizes: ReadonlyMap<string, number>) {
    this.chains = Array.from(sizes, ([name, size]) => ({
      name,
      size,
      answered: 'gone',
      open: undefined,
      lastNumber: 0,
    }))
  }

  fault(text: string): void {
    if (this.faults.length < 20) this.faults.push(text)
  }

  begin(chain: Chain, isRemoval: boolean): number {
    chain.lastNumber++
    chain.open = isRemoval ? 'gone' : chain.lastNumber
    return chain.lastNumber
  }

  answer(chain: Chain): void {
    chain.answered = chain.open!
    chain.open = undefined
    this.answered++
  }

  /** The broker has changed nothing. */
  refuse(chain: Chain): void {
    chain.open = undefined
    this.refused++
  }

  /**
   * Compares with what a broker has after a kill.
   *
   * @param numbers of everything that the chain sets; none if it is gone
   */
  compare(chain: Chain, numbers: readonly number[]): void {
    const { name, size, answered, open } = chain
    const states = new Set<State>(numbers.length === 0 ? ['gone'] : numbers)
    const [state] = states
    const allowed = open === undefined ? [answered] : [answered, open]
    const isWhole = states.size === 1 && (numbers.length === 0 || numbers.length === size)
    if (!isWhole) this.fault(`${name} is half of one change and half of another: ${numbers.join(', ')}`)
    else if (!allowed.includes(state!)) this.fault(`${name} is ${state}; it has to be ${allowed.join(' or ')}`)
    if (open !== undefined) this.unanswered++
    if (open !== undefined && state === open) this.kept++
    chain.answered = state!
    chain.open = undefined
  }
}
