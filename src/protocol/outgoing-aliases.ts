/**
 * Topic Aliases that the Server assigns towards one Client (§3.3.2.3.4): first come, first served, up to what the Client
 * allows [5.0 MQTT-3.1.2-26] and the configuration wants. An alias keeps its topic as long as the Connection lives.
 *
 * @module
 */
export class OutgoingAliases {
  readonly #aliases = new Map<string, number>()
  readonly #maximum: number

  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /** The alias that the Client knows for that topic; 0 if there is none. */
  find(topicName: string): number {
    return this.#aliases.get(topicName) ?? 0
  }

  /** A new alias for that topic; 0 if none is left. Its announcement must be certain to leave. */
  assign(topicName: string): number {
    if (this.#aliases.size >= this.#maximum) return 0
    const alias = this.#aliases.size + 1
    this.#aliases.set(topicName, alias)
    return alias
  }

  /** Whether `assign` would find one. */
  get hasRoom(): boolean {
    return this.#aliases.size < this.#maximum
  }
}
