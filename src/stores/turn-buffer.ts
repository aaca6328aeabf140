/**
 * The records of turns that wait for one append: the packed Changes of each turn, with its payloads before them.
 *
 * The place of a payload is known when it is packed, because the buffer knows its segment and the offset of its first
 * byte. If the append fails, the whole buffer moves elsewhere (`moveTo`).
 *
 * @module
 */
import type { ByteReader } from '../base/byte-reader.ts'
import { recordReader } from './record-reader.ts'
import { ByteWriter } from '../base/byte-writer.ts'
import { readChange, writeChange } from './change-codec.ts'
import { checksum, decodeFrame, encodeFrame, frameBytes, payloadSpan } from './frame.ts'
import type { RecordKind } from './frame.ts'
import type { Change } from './store.ts'

/** A buffer has room for that much from the start. */
const firstBytes = 64 << 10

/** Buffers that grew beyond this size in a burst are not kept. */
const keptBytes = 4 << 20

export interface RecordStamp {
  readonly kind: RecordKind
  readonly sequence: number
  readonly wallMs: number
  readonly syncedSequence: number
}

/** Called for each packed message with the place where its payload will be. */
export type Placed = (messageNumber: number, offset: number, length: number) => void

export class TurnBuffer {
  /** Where the first byte will be written. */
  segment = 0
  offset = 0
  records = 0
  lastSequence = 0
  readonly #salt: number
  #records = new ByteWriter(firstBytes)
  #meta = new ByteWriter(16 << 10)

  constructor(salt: number) {
    this.#salt = salt
  }

  get bytes(): Buffer {
    return this.#records.written
  }

  get length(): number {
    return this.#records.length
  }

  /** Empties the buffer, for records that will be written at this place. */
  reset(segment: number, offset: number): void {
    this.segment = segment
    this.offset = offset
    this.records = 0
    this.#records.length = 0
    if (this.#records.bytes.length > keptBytes) this.#records = new ByteWriter(firstBytes)
    if (this.#meta.bytes.length > keptBytes) this.#meta = new ByteWriter(16 << 10)
  }

  /**
   * Packs one record. Hot: once a turn, over all of its Changes.
   *
   * @param each called for each Change in order, after the place of its message is known
   */
  add(changes: Iterable<Change>, stamp: RecordStamp, placed: Placed, each: (change: Change) => void): void {
    const records = this.#records
    const meta = this.#meta
    const start = records.length
    meta.length = 0
    try {
      records.reserve(frameBytes)
      records.length += frameBytes
      for (const change of changes) {
        writeChange(meta, change)
        if (change.kind === 'message') {
          placed(change.message.messageNumber, this.offset + records.length, change.message.payload.length)
          this.#payload(change.message.payload)
        }
        each(change)
      }
      this.#close(start, stamp)
    } catch (error) {
      records.length = start
      throw error
    }
  }

  #payload(payload: Uint8Array): void {
    if (payload.length === 0) return
    this.#records.uint32(checksum(payload))
    this.#records.raw(payload)
  }

  #close(start: number, stamp: RecordStamp): void {
    const records = this.#records
    const meta = this.#meta.written
    const payloadBytes = records.length - start - frameBytes
    records.raw(meta)
    const frame = { ...stamp, metaBytes: meta.length, payloadBytes, metaChecksum: checksum(meta) }
    encodeFrame(records.bytes, start, frame, this.#salt)
    this.records++
    this.lastSequence = stamp.sequence
  }

  /**
   * Takes over the records that were written right behind its own.
   *
   * @returns false, and does nothing, if it has no room
   */
  join(next: TurnBuffer): boolean {
    const isNext = next.segment === this.segment && next.offset === this.offset + this.length
    if (!isNext || this.length + next.length > firstBytes) return false
    this.#records.raw(next.bytes)
    this.records += next.records
    this.lastSequence = next.lastSequence
    return true
  }

  /** Moves all records to another place: calls `placed` with each message's new place. */
  moveTo(segment: number, offset: number, placed: Placed): void {
    this.segment = segment
    this.offset = offset
    const { bytes } = this
    const reader = recordReader()
    for (let at = 0; at < bytes.length;) {
      const frame = decodeFrame(bytes, at, this.#salt, 'journal')!
      const metaAt = at + frameBytes + frame.payloadBytes
      reader.reset(bytes.subarray(metaAt, metaAt + frame.metaBytes))
      placeAll(reader, offset + at + frameBytes, placed)
      at = metaAt + frame.metaBytes
    }
  }
}

function placeAll(reader: ByteReader, firstPayload: number, placed: Placed): void {
  let offset = firstPayload
  while (!reader.atEnd) {
    const change = readChange(reader)
    if (change.kind !== 'message') continue
    const length = change.message.payloadOnDiskBytes ?? 0
    placed(change.message.messageNumber, offset, length)
    offset += payloadSpan(length)
  }
}
