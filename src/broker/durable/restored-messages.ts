/**
 * The messages that a Store returns at start, until everything that refers to them is read. They are plain numbers,
 * because a million objects at once would be most of the memory of a start.
 *
 *   index    open-addressed: hash of a messageNumber ──> row + 1, 0 for a free slot
 *   rows     messageNumber | payload length and bits | Topic Name | publisher | its user    24 bytes, and 8 of index, for each
 *   names    Topic Names, publishers and users, each once
 *
 * A message with properties, or with its payload, is kept as an object.
 *
 * @module
 */
import type { QoS } from '../../codec/packet-types.ts'
import { ApplicationMessage } from '../../protocol/application-message.ts'
import { unloadedCopyOf } from '../../protocol/unloaded-copy.ts'
import type { MessageRecord } from '../../stores/store.ts'

const BLOCK_ROWS = 4096
/** Bits below the length, which has at most 28 bits (§2.1.4). */
const Bit = { qos: 3, retain: 4 } as const
const LENGTH_UNIT = 8
/** The most names that are kept once for all messages that have them. */
const MAX_SHARED_NAMES = 100_000

class Block {
  readonly messageNumbers = new Float64Array(BLOCK_ROWS)
  readonly lengthsAndBits = new Uint32Array(BLOCK_ROWS)
  /** Indexes in `names`; 0 for a message that is kept whole. */
  readonly topicNames = new Uint32Array(BLOCK_ROWS)
  readonly publishers = new Uint32Array(BLOCK_ROWS)
  /** Index plus one; 0 for none. */
  readonly publisherUsers = new Uint32Array(BLOCK_ROWS)
}

type RestoredRow = Pick<MessageRecord, 'messageNumber' | 'topicName' | 'publisher' | 'publisherUser' | 'qos' | 'retain'>

export class RestoredMessages {
  readonly #blocks: Block[] = []
  #index = new Uint32Array(BLOCK_ROWS)
  #count = 0
  readonly #names: string[] = ['']
  readonly #places = new Map<string, number>()
  readonly #whole = new Map<number, ApplicationMessage>()

  /** Adds a message without properties whose payload is only in the store. */
  add({ messageNumber, topicName, publisher, publisherUser, qos, retain }: RestoredRow, bytes: number): void {
    const { block, at } = this.#addRow(messageNumber)
    block.publisherUsers[at] = publisherUser === undefined ? 0 : this.#placeOf(publisherUser) + 1
    block.lengthsAndBits[at] = bytes * LENGTH_UNIT + (qos | (retain ? Bit.retain : 0))
    block.topicNames[at] = this.#placeOf(topicName)
    block.publishers[at] = this.#placeOf(publisher)
  }

  /** Adds any other message. */
  addWhole(message: ApplicationMessage): void {
    this.#whole.set(message.messageNumber, message)
  }

  find(messageNumber: number): ApplicationMessage | undefined {
    const row = this.#index[this.#slotOf(messageNumber)]! - 1
    if (row < 0) return this.#findWhole(messageNumber)
    const block = this.#blocks[Math.floor(row / BLOCK_ROWS)]!
    const at = row % BLOCK_ROWS
    const lengthAndBits = block.lengthsAndBits[at]!
    const parts = {
      topicName: this.#names[block.topicNames[at]!]!,
      qos: (lengthAndBits & Bit.qos) as QoS,
      retain: (lengthAndBits & Bit.retain) !== 0,
      publisher: this.#names[block.publishers[at]!]!,
      receivedAtMs: 0,
    }
    const message = ApplicationMessage.stored(parts, messageNumber, Math.floor(lengthAndBits / LENGTH_UNIT))
    const user = block.publisherUsers[at]!
    if (user !== 0) message.publisherUser = this.#names[user - 1]!
    return message
  }

  /** Each entry that refers to it gets a message of its own, because payloads are loaded, and charged, one by one. */
  #findWhole(messageNumber: number): ApplicationMessage | undefined {
    const message = this.#whole.get(messageNumber)
    return message === undefined || message.isLoaded ? message : unloadedCopyOf(message)
  }

  /** Returns one string for equal names, so that the others can be collected. */
  name(name: string): string {
    return this.#names[this.#placeOf(name)]!
  }

  #placeOf(name: string): number {
    const known = this.#places.get(name)
    if (known !== undefined) return known
    const place = this.#names.push(name) - 1
    if (this.#places.size < MAX_SHARED_NAMES) this.#places.set(name, place)
    return place
  }

  #addRow(messageNumber: number): { readonly block: Block; readonly at: number } {
    const at = this.#count % BLOCK_ROWS
    if (at === 0) this.#blocks.push(new Block())
    const block = this.#blocks.at(-1)!
    block.messageNumbers[at] = messageNumber
    this.#count++
    if (this.#count * 4 > this.#index.length * 3) this.#grow()
    else this.#index[this.#slotOf(messageNumber)] = this.#count
    return { block, at }
  }

  #numberAt(row: number): number {
    return this.#blocks[Math.floor(row / BLOCK_ROWS)]!.messageNumbers[row % BLOCK_ROWS]!
  }

  /** The place of that message in the index, or the one that it would take. */
  #slotOf(messageNumber: number): number {
    const mask = this.#index.length - 1
    const mixed = Math.imul(messageNumber % 0x1_0000_0000, 0x9e3779b1)
    let slot = (mixed ^ (mixed >>> 15)) & mask
    while (this.#index[slot]! !== 0 && this.#numberAt(this.#index[slot]! - 1) !== messageNumber)
      slot = (slot + 1) & mask
    return slot
  }

  #grow(): void {
    this.#index = new Uint32Array(this.#index.length * 2)
    for (let row = 0; row < this.#count; row++) this.#index[this.#slotOf(this.#numberAt(row))] = row + 1
  }
}
