/**
 * Topic Aliases that the Server assigns towards one Client (§3.3.2.3.4): first come, first served, up to what the Client
 * allows [5.0 MQTT-3.1.2-26] and the configuration wants. An alias keeps its topic as long as the Connection lives.
 *
 * @module
 */
import { sizeOfText } from '../base/memory-account.ts'
import { ALIAS_BYTES } from './memory-sizes.ts'

/** Characters of all topics that have an alias on one Connection: they are kept as long as it lives. */
const MAX_CHARACTERS = 65_536

export class OutgoingAliases {
  readonly #aliases = new Map<string, number>()
  readonly #maximum: number
  #characters = 0
  /** What they take in memory. */
  bytes = 0

  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /** The alias that the Client knows for that topic; 0 if there is none. */
  find(topicName: string): number {
    return this.#aliases.get(topicName) ?? 0
  }

  /** The alias that `assign` would give to that topic; 0 if none is left. */
  nextFor(topicName: string): number {
    const hasRoom = this.#aliases.size < this.#maximum && this.#characters + topicName.length <= MAX_CHARACTERS
    return hasRoom ? this.#aliases.size + 1 : 0
  }

  /** Gives that topic the alias `nextFor` it, if there is one: the packet that announces it is certain to leave. */
  assign(topicName: string): number {
    const alias = this.nextFor(topicName)
    if (alias === 0) return 0
    this.#characters += topicName.length
    this.bytes += ALIAS_BYTES + sizeOfText(topicName)
    this.#aliases.set(topicName, alias)
    return alias
  }
}
