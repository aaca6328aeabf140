/**
 * Counts the facts of each kind in a checkpoint. The counts are written at its end, so that a repair can report what is
 * missing.
 *
 * @module
 */
import type { ByteReader } from '../base/byte-reader.ts'
import type { ByteWriter } from '../base/byte-writer.ts'
import type { LiveState } from './live-state.ts'
import type { Change } from './store.ts'

/** In the order of the file format, which never changes; a later kind is appended. */
const nouns = ['sessions', 'subscriptions', 'queued messages', 'retained messages', 'other facts'] as const
const placeOfKind: Partial<Record<Change['kind'], number>> = { session: 0, subscribed: 1, queued: 2, retained: 3 }
const others = 4

export class FactCounts {
  readonly #counts: number[] = nouns.map(() => 0)

  static of(state: LiveState): FactCounts {
    const counts = new FactCounts()
    for (const fact of state.sessionFacts()) counts.add(fact)
    for (const fact of state.messageFacts()) counts.add(fact)
    return counts
  }

  get sessions(): number {
    return this.#counts[0]!
  }

  add({ kind }: Pick<Change, 'kind'>): void {
    this.#counts[placeOfKind[kind] ?? others]!++
  }

  /** Written as pairs of segment 0, which does not exist, and a number, so that versions without counts ignore them. */
  writeTo(writer: ByteWriter): void {
    for (const count of this.#counts) {
      writer.integer(0)
      writer.integer(count)
    }
  }

  /** Reads the next of the numbers that `writeTo` wrote. */
  readAt(place: number, reader: ByteReader): void {
    const count = reader.integer()
    if (place < nouns.length) this.#counts[place] = count
  }

  /** How many of these facts are missing from `there`. */
  without(there: FactCounts): FactCounts {
    const rest = new FactCounts()
    for (const [place, count] of this.#counts.entries()) rest.#counts[place] = count - there.#counts[place]!
    return rest
  }

  /** Such as `3 sessions, 58 queued messages`; empty if there are none. */
  toString(): string {
    return nouns
      .flatMap((noun, place) => (this.#counts[place]! <= 0 ? [] : [`${this.#counts[place]} ${noun}`]))
      .join(', ')
  }
}
