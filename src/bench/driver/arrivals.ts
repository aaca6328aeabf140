/**
 * Counting what arrives, in place and with numbers only, so that the generator costs much less than any broker.
 *
 * All PUBLISH frames of a workload have one size. At QoS 0 nothing else arrives on a subscriber's link, so their number is
 * a division; the head of the first frame that starts in each chunk is compared byte by byte, which a broker that sent
 * anything else could hardly pass. Above QoS 0 every frame is looked at, because each must be answered.
 *
 * @module
 */
import type { Layout } from './frames.ts'

/** What arrived is not what the workload sends. */
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
  /** When the oldest frame that the last `take` completed was sent; NaN when its stamp was cut by a chunk's edge. */
  stamp = NaN
  /** Bytes of an incomplete frame so far; 0 at the end of a run, or something was cut. */
  partialBytes = 0
  #partialStamp = NaN
  readonly #layout: Layout

  constructor(layout: Layout) {
    this.#layout = layout
  }

  /**
   * Takes a chunk.
   *
   * @returns how many frames it completed
   * @throws {UnexpectedBytesError} when a frame does not begin as it should
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

/** The first byte that answers a frame with this first byte's type; 0 for those that end an exchange. */
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

/** Any frame's first bytes fit: fixed header, a Topic Name of up to 200 bytes, identifier, properties, stamp. */
const HEAD_BYTES = 256

/** Memory for one answer to each frame of the longest chunk. Links share it; a write that holds it takes it away. */
export interface ReplyRoom {
  bytes: Buffer
}

/**
 * Walks over PUBLISH frames of equal size and over acknowledgements, and prepares the answers to them. Used for both
 * ends: a subscriber sees PUBLISH and PUBREL, a publisher PUBACK, PUBREC and PUBCOMP.
 */
export class AcknowledgedFrames {
  /** PUBLISH frames that the last `take` saw the first bytes of. */
  messages = 0
  /** Exchanges that the last `take` saw the end of: PUBACK and PUBCOMP. */
  finished = 0
  /** Other packets that the last `take` saw: a SUBACK amid a replay. */
  others = 0
  /** When the first message of the last `take` was sent; NaN without one. */
  stamp = NaN
  /** The answers to what the last `take` saw are the first so many bytes of the room for them. */
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
   * @throws {UnexpectedBytesError} when a PUBLISH has another size than all, or an acknowledgement reports a failure
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

  /** Bytes of the frame at `at` that must be at hand to read all that matters of it. */
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

  /** Only the length: DUP and RETAIN may differ from frame to frame. */
  #verifyLength(bytes: Uint8Array, at: number): void {
    const { head } = this.#layout
    for (let index = 1; index < head.length; index++) {
      if (bytes[at + index] !== head[index])
        throw new UnexpectedBytesError('a PUBLISH has another length than was sent')
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
