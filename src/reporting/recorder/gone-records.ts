/**
 * Records of Clients that are gone, by the holder for which each is counted, and which of them has to make room.
 *
 * @module
 */
import { LinkedList } from '../../base/linked-list.ts'
import { WideMap } from '../../base/wide-map.ts'
import type { FlightRecord } from './flight-record.ts'

class Holder {
  readonly name: string
  readonly records = new LinkedList<FlightRecord>()
  count = 0

  constructor(name: string) {
    this.name = name
  }
}

export class GoneRecords {
  /** How many there are. */
  count = 0
  readonly #holders = new WideMap<Holder>()
  /** The holder of each record, which may have another user at its next login. */
  readonly #holderOf = new WeakMap<FlightRecord, Holder>()
  /** The holder that had the most when one was added. */
  #largest: Holder | undefined = undefined

  add(record: FlightRecord): void {
    this.remove(record)
    let holder = this.#holders.get(record.holder)
    if (holder === undefined) {
      holder = new Holder(record.holder)
      this.#holders.set(record.holder, holder)
    }
    holder.records.push(record)
    holder.count++
    this.count++
    this.#holderOf.set(record, holder)
    if (this.#largest === undefined || holder.count > this.#largest.count) this.#largest = holder
  }

  /** @returns whether it was there */
  remove(record: FlightRecord): boolean {
    const holder = this.#holderOf.get(record)
    if (holder === undefined) return false
    this.#holderOf.delete(record)
    holder.records.remove(record)
    this.count--
    if (--holder.count > 0) return true
    this.#holders.delete(holder.name)
    if (this.#largest === holder) this.#largest = undefined
    return true
  }

  /**
   * The record that has to make room for another.
   *
   * @param holder whose record needs the room
   * @param asking that record, which is not forgotten for itself
   */
  next(holder: string, asking: FlightRecord | undefined): FlightRecord | undefined {
    const own = this.#holders.get(holder)
    const most = this.#largest ?? this.#holders.values().next().value
    for (const each of [own, most]) {
      const first = each?.records.first
      const record = first === asking ? first?.next : first
      if (record !== undefined) return record
    }
    for (const { records } of this.#holders.values()) if (records.first !== asking) return records.first
    return undefined
  }
}
