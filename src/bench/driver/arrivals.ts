/**
 * Counts messages in place and with plain numbers, so that the generator costs much less than any broker.
 *
 * All PUBLISH frames of a workload have the same size. At QoS 0 nothing else arrives on a subscriber's link, so their
 * number is a division; the head of the first frame in each chunk is compared byte by byte, so a broker that sends
 * anything else would hardly pass. Above QoS 0 every frame is examined, because each must be acknowledged.
 *
 * @module
 */
import type { Layout } from './frames.ts'

/** The received bytes are not those of the workload. */
export class UnexpectedBytesError extends Error {
  override readonly name = 'UnexpectedBytesError'
}

const stampBits = new DataView(new ArrayBuffer(8))

function readStamp(bytes: Uint8Array, at: number): number {
  for (let index = 0; index < 8; index++) stampBits.setUint8(index, bytes[at + index]!)
  return stampBits.getFloat64(0)
}

/** Counts QoS 0 PUBLISH frames of equal size. */
export class FixedFrames {
  /** When the oldest frame completed by the last `take` was sent; NaN if its stamp extends over two chunks. */
  stamp = NaN
  /** Bytes of an incomplete frame so far; not 0 at the end of a run means that a frame was truncated. */
  partialBytes = 0
  #partialStamp = NaN
  readonly #layout: Layout

  constructor(layout: Layout) {
    this.#layout = layout
  }

  /**
   * Processes a chunk.
   *
   * @returns how many frames it completed
   * @throws {UnexpectedBytesError} if a frame begins with unexpected bytes
   */
  take(bytes: Uint8Array, start: number, end: number): number {
    const { frameBytes, stampAt } = this.#layout
    const before = this.partialBytes
    const seen = before + end - start
    const frames = Math.floor(seen / frameBytes)
    this.#verify(bytes, before === 0 ? start : start + frameBytes - before, end)
    if (frames > 0) {
      this.stamp = before > stampAt ? this.#partialStamp : stampIn(bytes, start + stampAt - before, end)
      this.#partialStamp = NaN
    }
    this.partialBytes = seen - frames * frameBytes
    const partialStampAt = end - this.partialBytes + stampAt
    if (this.partialBytes > stampAt && partialStampAt >= start) {
      this.#partialStamp = stampIn(bytes, partialStampAt, end)
    }
    return frames
  }

  #verify(bytes: Uint8Array, at: number, end: number): void {
    const { head } = this.#layout
    for (let index = 0; index < head.length && at + index < end; index++) {
      if (bytes[at + index] === head[index]) continue
      const got = Buffer.from(bytes.subarray(at, Math.min(end, at + 16))).toString('hex')
      throw new UnexpectedBytesError(`expected a PUBLISH that begins ${Buffer.from(head).toString('hex')}, got ${got}`)
    }
  }
}

function stampIn(bytes: Uint8Array, at: number, end: number): number {
  return at >= 0 && at + 8 <= end ? readStamp(bytes, at) : NaN
}

/** The first byte of the answer to a packet with this first byte; 0 for packets that end an exchange. */
function answerTo(firstByte: number): number {
  switch (firstByte >> 4) {
    case 3:
      return firstByte & 0x04 ? 0x50 : firstByte & 0x02 ? 0x40 : 0
    case 5:
      return 0x62
    case 6:
      return 0x70
    default:
      return 0
  }
}

/** Enough for any frame's first bytes: fixed header, a Topic Name of up to 200 bytes, identifier, properties, stamp. */
const HEAD_BYTES = 256

/**
 * Memory for one answer to each frame of the longest chunk. Links share it; a write that still uses it takes it over.
 */
export interface ReplyRoom {
  bytes: Buffer
}

/**
 * Walks through PUBLISH frames of equal size and acknowledgements, and prepares the answers. Used for both ends: a
 * subscriber receives PUBLISH and PUBREL, a publisher PUBACK, PUBREC and PUBCOMP.
 */
export class AcknowledgedFrames {
  /** PUBLISH frames that began in the last `take`. */
  messages = 0
  /** Exchanges that ended in the last `take`: PUBACK and PUBCOMP. */
  finished = 0
  /** Other packets in the last `take`, such as a SUBACK during a replay. */
  others = 0
  /** When the first message of the last `take` was sent; NaN if there was none. */
  stamp = NaN
  /** The answers for the last `take` are this many bytes at the start of the room for them. */
  repliesBytes = 0
  readonly #layout: Layout
  readonly #messageHeadBytes: number
  readonly #replies: ReplyRoom
  readonly #head = new Uint8Array(HEAD_BYTES)
  #held = 0
  #skip = 0

  constructor(layout: Layout, replies: ReplyRoom) {
    this.#layout = layout
    this.#messageHeadBytes = layout.stampAt + 8
    this.#replies = replies
  }

  /**
   * Hot: runs for every frame above QoS 0.
   *
   * @throws {UnexpectedBytesError} if a PUBLISH differs in size from the others, or an acknowledgement reports a
   * failure
   */
  take(bytes: Uint8Array, start: number, end: number): void {
    this.messages = this.finished = this.others = this.repliesBytes = 0
    this.stamp = NaN
    let at = start
    while (at < end) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, end - at)
        this.#skip -= step
        at += step
      } else if (this.#held === 0 && end - at >= 2 && end - at >= this.#needed(bytes, at)) {
        const total = this.#totalBytes(bytes, at)
        this.#frame(bytes, at)
        const step = Math.min(total, end - at)
        this.#skip = total - step
        at += step
      } else {
        this.#head[this.#held++] = bytes[at++]!
        if (this.#held < 2 || this.#held < this.#needed(this.#head, 0)) continue
        this.#frame(this.#head, 0)
        this.#skip = this.#totalBytes(this.#head, 0) - this.#held
        this.#held = 0
      }
    }
  }

  /** The bytes of the frame at `at` that must have arrived to read its relevant fields. */
  #needed(bytes: Uint8Array, at: number): number {
    return bytes[at]! >> 4 === 3 ? this.#messageHeadBytes : 2 + bytes[at + 1]!
  }

  #totalBytes(bytes: Uint8Array, at: number): number {
    return bytes[at]! >> 4 === 3 ? this.#layout.frameBytes : 2 + bytes[at + 1]!
  }

  #frame(bytes: Uint8Array, at: number): void {
    const firstByte = bytes[at]!
    const type = firstByte >> 4
    let identifierAt = at + 2
    if (type === 3) {
      if (this.messages++ === 0) this.stamp = readStamp(bytes, at + this.#layout.stampAt)
      identifierAt = at + this.#layout.identifierAt
      this.#verifyLength(bytes, at)
    } else if (type === 4 || type === 7) {
      this.finished++
    } else if (type !== 5 && type !== 6) {
      if (bytes[at + 1]! > 0x7f || type === 14) throw new UnexpectedBytesError(`unexpected packet of type ${type}`)
      this.others++
      return
    }
    if (type !== 3 && bytes[at + 1]! > 2 && bytes[at + 4]! >= 0x80) {
      throw new UnexpectedBytesError(`acknowledgement of type ${type} with Reason Code ${bytes[at + 4]}`)
    }
    const answer = answerTo(firstByte)
    if (answer !== 0) this.#reply(answer, bytes[identifierAt]!, bytes[identifierAt + 1]!)
  }

  /** Compares only the length: DUP and RETAIN may differ between frames. */
  #verifyLength(bytes: Uint8Array, at: number): void {
    const { head } = this.#layout
    for (let index = 1; index < head.length; index++) {
      if (bytes[at + index] !== head[index])
        throw new UnexpectedBytesError('the length of a PUBLISH differs from that of the workload')
    }
  }

  #reply(firstByte: number, high: number, low: number): void {
    const replies = this.#replies.bytes
    let at = this.repliesBytes
    replies[at++] = firstByte
    replies[at++] = 2
    replies[at++] = high
    replies[at++] = low
    this.repliesBytes = at
  }
}
