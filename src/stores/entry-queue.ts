/**
 * The entries of one Session in delivery order, as plain numbers of 24 bytes each. A queue of a million takes 24 MB; a
 * Session without entries takes nothing.
 *
 *   chunks   [ … 256 entries ] -> [ … 256 entries ] -> [ … ]         ascending by entryNumber
 *   entry    entryNumber | messageNumber | bits                      bits < 0: gone
 *   bits     packetIdentifier 16 | qos 2 | retain | released | identifiers and filter: their place in a table
 *
 * Entries are added at the end and mostly removed at the front, so a chunk is released as soon as all of its entries
 * are gone.
 *
 * Hot: three calls for every QoS 1 message to a durable Session.
 *
 * @module
 */

const stride = 3
const smallest = 4
const largest = 256
/** An emptied queue keeps a chunk of this many entries, so that a trickle does not allocate. */
const keptWhenEmpty = 64

class Chunk {
  data = new Float64Array(smallest * stride)
  /** Index of the first entry that may be live, and of the first free place. */
  start = 0
  end = 0
  alive = 0

  get first(): number {
    return this.data[this.start * stride]!
  }

  get last(): number {
    return this.data[(this.end - 1) * stride]!
  }
}

export class EntryQueue {
  #chunks: Chunk[] = []
  /** Set by `find`: `data[at]` is the entryNumber, followed by messageNumber and bits. */
  data = new Float64Array(0)
  at = 0
  size = 0

  /** Appends an entry. Returns false if the number is not the highest: the entry was there before and is gone. */
  push(entryNumber: number, messageNumber: number, bits: number): boolean {
    let chunk = this.#chunks.at(-1)
    if (chunk !== undefined && chunk.end > 0 && entryNumber <= chunk.last) return false
    if (chunk === undefined || chunk.end === largest) {
      chunk = new Chunk()
      this.#chunks.push(chunk)
    } else if (chunk.end * stride === chunk.data.length) {
      const grown = new Float64Array(chunk.data.length * 2)
      grown.set(chunk.data)
      chunk.data = grown
    }
    const at = chunk.end * stride
    chunk.data[at] = entryNumber
    chunk.data[at + 1] = messageNumber
    chunk.data[at + 2] = bits
    chunk.end++
    chunk.alive++
    this.size++
    return true
  }

  /** Looks an entry up and sets `data` and `at` to its place, valid until the next call. */
  find(entryNumber: number): boolean {
    const chunk = this.#chunks[this.#chunkOf(entryNumber)]
    if (chunk === undefined) return false
    const index = indexIn(chunk, entryNumber)
    if (index < 0) return false
    this.data = chunk.data
    this.at = index * stride
    return chunk.data[this.at + 2]! >= 0
  }

  remove(entryNumber: number): void {
    if (!this.find(entryNumber)) return
    const place = this.#chunkOf(entryNumber)
    const chunk = this.#chunks[place]!
    this.data[this.at + 2] = -1
    this.size--
    chunk.alive--
    if (chunk.alive === 0) this.#empty(chunk, place)
    else while (chunk.data[chunk.start * stride + 2]! < 0) chunk.start++
  }

  /**
   * Copies up to 256 entries with numbers above `after`, three numbers each, so that the queue may change meanwhile.
   */
  copyAfter(after: number): Float64Array {
    const copy = new Float64Array(largest * stride)
    let length = 0
    for (let place = Math.max(0, this.#chunkOf(after)); place < this.#chunks.length && length === 0; place++) {
      const { data, start, end } = this.#chunks[place]!
      for (let at = start * stride; at < end * stride; at += stride) {
        if (data[at]! <= after || data[at + 2]! < 0) continue
        copy.set(data.subarray(at, at + stride), length)
        length += stride
      }
    }
    return copy.subarray(0, length)
  }

  #empty(chunk: Chunk, place: number): void {
    if (this.#chunks.length > 1 || chunk.data.length > keptWhenEmpty * stride) {
      this.#chunks.splice(place, 1)
      return
    }
    chunk.start = 0
    chunk.end = 0
  }

  /** The last chunk that begins at or below this number; -1 if none does. */
  #chunkOf(entryNumber: number): number {
    const chunks = this.#chunks
    if (chunks.length === 0) return -1
    if (chunks.length === 1 || entryNumber < chunks[1]!.first) return chunks[0]!.end === 0 ? -1 : 0
    let low = 1
    let high = chunks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (chunks[middle]!.first <= entryNumber) low = middle
      else high = middle - 1
    }
    return low
  }
}

/** The index of a number in a chunk, or -1. Numbers mostly increase by one, so the first guess is usually right. */
function indexIn(chunk: Chunk, entryNumber: number): number {
  const { data } = chunk
  const guess = chunk.start + entryNumber - chunk.first
  if (guess >= chunk.start && guess < chunk.end && data[guess * stride] === entryNumber) return guess
  let low = chunk.start
  let high = chunk.end - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const there = data[middle * stride]!
    if (there === entryNumber) return middle
    if (there < entryNumber) low = middle + 1
    else high = middle - 1
  }
  return -1
}
