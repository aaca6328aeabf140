/**
 * What happened, in order. All of it goes into a digest as it happens; it is kept, to be made readable, only where
 * somebody will read it, since a failing seed can be had again.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { Packet } from '../../src/codec/packets.ts'

/** Bytes that are hashed at once, and what counts as short among them. */
const GATHERED_BYTES = 65_536
const MAX_SHORT_BYTES = 1024

/** A packet is made readable when somebody reads. */
type Word = string | number | Packet

export class EventLog {
  readonly #records: { readonly atMs: number; readonly who: string; readonly words: readonly Word[] }[] = []
  readonly #keeps: boolean
  readonly #digest = new Digest()

  /** @param keeps false where nobody will call `format` */
  constructor(keeps = true) {
    this.#keeps = keeps
  }

  get length(): number {
    return this.#records.length
  }

  /** The same for the same events, and hardly for any others. */
  get digest(): string {
    return this.#digest.toString()
  }

  add(atMs: number, who: string, ...words: (string | number)[]): void {
    this.#digest.text(`${atMs} ${who} ${words.join(' ')}`)
    if (this.#keeps) this.#records.push({ atMs, who, words })
  }

  addPacket(atMs: number, who: string, arrow: '->' | '<-', packet: Packet, bytes: Uint8Array): void {
    this.#digest.text(`${atMs} ${who} ${arrow}`)
    this.#digest.bytes(bytes)
    if (this.#keeps) this.#records.push({ atMs, who, words: [arrow, packet] })
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

/** SHA-256 of texts and bytes, gathered first, since most of them are short. */
export class Digest {
  readonly #hash = createHash('sha256')
  readonly #gathered = Buffer.alloc(GATHERED_BYTES)
  #length = 0

  text(text: string): void {
    if (text.length > MAX_SHORT_BYTES) this.bytes(Buffer.from(text))
    else {
      this.#makeRoom()
      this.#length += this.#gathered.write(text, this.#length)
      this.#gathered[this.#length++] = 0
    }
  }

  bytes(bytes: Uint8Array): void {
    this.#makeRoom()
    this.#length = this.#gathered.writeUInt32BE(bytes.length, this.#length)
    if (bytes.length > MAX_SHORT_BYTES) {
      this.#work()
      this.#hash.update(bytes)
    } else {
      this.#gathered.set(bytes, this.#length)
      this.#length += bytes.length
    }
  }

  #makeRoom(): void {
    if (this.#length > GATHERED_BYTES - 4 * MAX_SHORT_BYTES) this.#work()
  }

  #work(): void {
    this.#hash.update(this.#gathered.subarray(0, this.#length))
    this.#length = 0
  }

  /** Of everything so far. */
  toString(): string {
    this.#work()
    return this.#hash.copy().digest('hex')
  }
}

/** A packet in a few words. */
function describe(packet: Packet): string {
  return JSON.stringify(packet, (_key, value: unknown) => {
    if (!(value instanceof Uint8Array)) return value
    const text = Buffer.from(value).toString('latin1')
    return text.length > 40 ? `${text.slice(0, 40)}… ${text.length} bytes` : text
  })
}
