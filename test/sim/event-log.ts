/** What happened, in order: kept as bare records, made readable only for a person. @module */

/** A packet is made readable when somebody reads. */
type Word = string | number | object

export class EventLog {
  readonly #records: { readonly atMs: number; readonly who: string; readonly words: readonly Word[] }[] = []

  get length(): number {
    return this.#records.length
  }

  add(atMs: number, who: string, ...words: Word[]): void {
    this.#records.push({ atMs, who, words })
  }

  /**
   * One line a record: seconds, who, what.
   *
   * @param last only so many of the newest
   */
  format(last = Infinity): string {
    const records = last >= this.#records.length ? this.#records : this.#records.slice(-last)
    return records
      .map(({ atMs, who, words }) => {
        const texts = words.map((word) => (typeof word === 'object' ? describe(word) : word))
        return `${(atMs / 1000).toFixed(3).padStart(9)} ${who} ${texts.join(' ')}`
      })
      .join('\n')
  }
}

/** A packet in a few words. */
function describe(packet: object): string {
  return JSON.stringify(packet, (_key, value: unknown) => {
    if (!(value instanceof Uint8Array)) return value
    const text = Buffer.from(value).toString('latin1')
    return text.length > 40 ? `${text.slice(0, 40)}… ${text.length} bytes` : text
  })
}
