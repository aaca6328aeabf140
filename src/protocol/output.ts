/**
 * The output of a Connection, gathered in one buffer and passed to the Transport once a turn.
 *
 *   append, append, append ──> [ gather buffer, up to 64 KiB ] ──flush──> Transport.write
 *
 * Buffers come from a pool and return to it as soon as the operating system has the bytes, so an idle Connection holds
 * none. A frame above `LARGE_FRAME_BYTES` is not copied: what was gathered before it is sent first, then the frame.
 *
 * A buffer from the pool still has its old contents, which may be another Client's. Bytes therefore count as gathered
 * only once they are written: a writer reserves room, writes, and reports how far it came (`wrote`). A writer that
 * throws has added nothing.
 *
 * @module
 */
import { copyBytes } from '../base/bytes.ts'
import { invariant, InvariantError } from '../base/errors.ts'
import type { Transport } from './transport.ts'

/** A gather buffer never grows beyond this; a fuller one is written at once. */
const GATHER_LIMIT_BYTES = 65_536

/** From this size on, passing a slice on is cheaper than copying it. */
export const LARGE_FRAME_BYTES = 40_960

const SIZES_BYTES = [1024, 8192, GATHER_LIMIT_BYTES] as const
/** At most so many buffers are reclaimed from a slow Transport. */
const MAX_LENT = 16

const NOTHING: Buffer = Buffer.alloc(0)

/** Spare gather buffers, shared by all Connections of a Broker. It keeps at most `maxSpare` of each size. */
export class BufferPool {
  /**
   * A byte that fills every buffer when it is taken and when it comes back, so that a test recognizes memory that
   * nobody has written. It is set only in tests; otherwise buffers stay as they are.
   */
  static poison: number | undefined = undefined
  readonly #spare: Buffer[][] = SIZES_BYTES.map(() => [])
  readonly #maxSpare: number

  constructor(maxSpare = 256) {
    this.#maxSpare = maxSpare
  }

  /**
   * @param bytes at most 65,536
   * @returns a buffer of at least so many bytes, with arbitrary contents
   * @throws {InvariantError} if that is more than the largest buffer has
   */
  take(bytes: number): Buffer {
    invariant(bytes <= GATHER_LIMIT_BYTES, 'no gather buffer is that large')
    const index = bytes <= SIZES_BYTES[0] ? 0 : bytes <= SIZES_BYTES[1] ? 1 : 2
    const buffer = this.#spare[index]!.pop() ?? Buffer.allocUnsafeSlow(SIZES_BYTES[index]!)
    if (BufferPool.poison !== undefined) buffer.fill(BufferPool.poison)
    return buffer
  }

  give(buffer: Buffer): void {
    const index = (SIZES_BYTES as readonly number[]).indexOf(buffer.length)
    if (index < 0) return
    if (BufferPool.poison !== undefined) buffer.fill(BufferPool.poison)
    const spare = this.#spare[index]!
    if (spare.length < this.#maxSpare) spare.push(buffer)
  }
}

export class Output {
  /**
   * The gather buffer. Write into it from the index that `reserve` returns, at once, before anything else is called.
   */
  bytes: Buffer = NOTHING
  /** All bytes ever handed to the Transport. */
  writtenBytes = 0
  /** Bytes gathered and not yet passed to the Transport; all of them were written. */
  #length = 0
  /** The end of the room that was reserved last. */
  #reservedEnd = 0
  readonly #pool: BufferPool
  readonly #transport: Transport
  /** Buffers that the Transport still holds. */
  #lent: Buffer[] | undefined = undefined

  constructor(pool: BufferPool, transport: Transport) {
    this.#pool = pool
    this.#transport = transport
  }

  /** Bytes gathered and not yet passed to the Transport. */
  get length(): number {
    return this.#length
  }

  /**
   * Makes room for `count` bytes. They count as gathered once `wrote` is called; bytes that are not written until the
   * next call are discarded.
   *
   * Hot: runs for every packet sent.
   *
   * @param count at most 65,536
   * @returns where in `bytes` they begin
   * @throws {InvariantError} if it is more; nothing has changed then
   */
  reserve(count: number): number {
    const end = this.#length + count
    if (end > this.bytes.length) return this.#reserveSlowly(count)
    this.#reservedEnd = end
    return this.#length
  }

  #reserveSlowly(count: number): number {
    invariant(count <= GATHER_LIMIT_BYTES, 'more is reserved at once than a gather buffer holds')
    if (this.#length + count > GATHER_LIMIT_BYTES) this.flush()
    const length = this.#length
    const grown = this.#pool.take(Math.min(GATHER_LIMIT_BYTES, Math.max(length + count, this.bytes.length * 2)))
    if (length > 0) copyBytes(grown, 0, this.bytes, 0, length)
    if (this.bytes !== NOTHING) this.#pool.give(this.bytes)
    this.bytes = grown
    this.#reservedEnd = length + count
    return length
  }

  /**
   * Reports that everything is written from the index of `reserve` up to `end`.
   *
   * Hot: runs for every packet sent.
   *
   * @throws {InvariantError} if that is more than was reserved, or less than there was before
   */
  wrote(end: number): void {
    if (end > this.#reservedEnd || end < this.#length) {
      throw new InvariantError(`written up to ${end}, reserved were ${this.#length} to ${this.#reservedEnd}`)
    }
    this.#length = end
  }

  /** Adds bytes of any length. A large piece is passed on as it is, so it must not change afterwards. */
  append(source: Uint8Array, start: number, end: number): void {
    if (end - start >= LARGE_FRAME_BYTES) {
      this.flush()
      this.writtenBytes += end - start
      this.#transport.write(source.subarray(start, end))
      return
    }
    const at = this.reserve(end - start)
    this.wrote(copyBytes(this.bytes, at, source, start, end))
  }

  /** Passes everything gathered to the Transport, and returns the buffer to the pool as soon as possible. */
  flush(): void {
    const length = this.#length
    if (length === 0) return
    const bytes = this.bytes
    this.#empty()
    this.writtenBytes += length
    const gone = this.#transport.write(length === bytes.length ? bytes : bytes.subarray(0, length))
    if (gone) this.#pool.give(bytes)
    else this.#lend(bytes)
  }

  #empty(): void {
    this.#length = 0
    this.#reservedEnd = 0
    this.bytes = NOTHING
  }

  #lend(bytes: Buffer): void {
    this.#lent ??= []
    if (this.#lent.length < MAX_LENT) this.#lent.push(bytes)
  }

  /** Called when the Transport has passed on everything, so that the buffers it held are free again. */
  drained(): void {
    if (this.#lent === undefined) return
    for (const bytes of this.#lent) this.#pool.give(bytes)
    this.#lent = undefined
  }

  /** Discards everything gathered, because its Connection has ended. */
  discard(): void {
    if (this.bytes !== NOTHING) this.#pool.give(this.bytes)
    this.#empty()
  }
}
