/**
 * Topic Aliases that the Server assigns for one Client (§3.3.2.3.4): first come, first served, up to what the Client
 * [5.0 MQTT-3.1.2-26] and the configuration allow. An alias keeps its topic for the life of the Connection.
 *
 * @module
 */
import { sizeOfText } from '../base/memory-account.ts'
import { ALIAS_BYTES } from './memory-sizes.ts'

/** The most characters of all topics that have an alias on one Connection; they are kept for its life. */
const MAX_CHARACTERS = 65_536

export class OutgoingAliases {
  readonly #aliases = new Map<string, number>()
  readonly #maximum: number
  #characters = 0
  /** The memory that the aliases take. */
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

  /**
   * Gives that topic the alias from `nextFor`, if there is one. Call it only for a packet that is certain to be sent.
   */
  assign(topicName: string): number {
    const alias = this.nextFor(topicName)
    if (alias === 0) return 0
    this.#characters += topicName.length
    this.bytes += ALIAS_BYTES + sizeOfText(topicName)
    this.#aliases.set(topicName, alias)
    return alias
  }
}
