/**
 * Keeps users, groups, roles and bans in the Store: what a plan changes is recorded in one turn, so that all of it is
 * stored or nothing.
 *
 * @module
 */
import { sizeOfText } from '../../base/memory-account.ts'
import { StoreError } from '../../base/errors.ts'
import type { DirectoryKeeper, DirectoryRecord } from '../../access/directory/directory.ts'
import type { StoreGate } from '../../turn/store-gate.ts'
import type { Turn } from '../../turn/turn.ts'

/** The memory that a Change takes until it is stored, besides its texts; an estimate. */
const CHANGE_BYTES = 100

export class DirectoryStore implements DirectoryKeeper {
  readonly #turn: Turn
  readonly #gate: StoreGate

  constructor(turn: Turn, gate: StoreGate) {
    this.#turn = turn
    this.#gate = gate
  }

  /** A full Store accepts Changes that take away; a failing one makes them wait. */
  check(bytes: number): void {
    if (bytes === 0 || this.#gate.canAdd(bytes)) return
    throw new StoreError('ERR_STORE_FULL', 'the store has no room for this, or cannot be written: nothing was changed')
  }

  set(record: DirectoryRecord): void {
    this.#turn.raise('process')
    this.#turn.record({ kind: 'access', record }, CHANGE_BYTES + sizeOfText(record.name) + sizeOfText(record.content))
  }

  remove(type: string, name: string): void {
    this.#turn.raise('process')
    this.#turn.record({ kind: 'access-removed', type, name }, CHANGE_BYTES + sizeOfText(name))
  }
}
