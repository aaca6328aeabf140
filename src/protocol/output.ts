/**
 * What a Connection owes its peer, gathered in one buffer and handed to the Transport once a turn.
 *
 *   append, append, append ──> [ gather buffer, up to 64 KiB ] ──flush──> Transport.write
 *
 * Buffers come from a pool and go back to it as soon as the operating system has the bytes, so that an idle Connection
 * holds none. A frame above `LARGE_FRAME_BYTES` is not copied: what was gathered before it leaves first, then the frame.
 *
 * @module
 */
import { copyBytes } from '../base/bytes.ts'
import type { Transport } from './transport.ts'

/** A gather buffer never grows beyond this; a fuller one is written at once. */
const GATHER_LIMIT_BYTES = 65_536

/** From here on handing a slice on is cheaper than copying it. */
export const LARGE_FRAME_BYTES = 40_960

const SIZES_BYTES = [1024, 8192, GATHER_LIMIT_BYTES] as const
/** Buffers beyond this are not asked back from a slow Transport. */
const MAX_LENT = 16

const NOTHING: Buffer = Buffer.alloc(0)

/** Spare gather buffers, shared by all Connections of a Broker. Keeps at most `maxSpare` of each size. */
export class BufferPool {
  readonly #spare: Buffer[][] = SIZES_BYTES.map(() => [])
  readonly #maxSpare: number

  constructor(maxSpare = 256) {
    this.#maxSpare = maxSpare
  }

  /** @returns a buffer of at least `bytes` bytes, contents arbitrary; `bytes` is at most 65,536 */
  take(bytes: number): Buffer {
    const index = bytes <= SIZES_BYTES[0] ? 0 : bytes <= SIZES_BYTES[1] ? 1 : 2
    return this.#spare[index]!.pop() ?? Buffer.allocUnsafeSlow(SIZES_BYTES[index]!)
  }

  give(buffer: Buffer): void {
    const index = (SIZES_BYTES as readonly number[]).indexOf(buffer.length)
    if (index < 0) return
    const spare = this.#spare[index]!
    if (spare.length < this.#maxSpare) spare.push(buffer)
  }
}

export class Output {
  /** The gather buffer: write into it from what `reserve` answers, at once, before anything else is called. */
  bytes: Buffer = NOTHING
  /** Bytes gathered and not yet handed to the Transport. */
  length = 0
  /** All bytes ever handed to the Transport. */
  writtenBytes = 0
  readonly #pool: BufferPool
  readonly #transport: Transport
  /** Buffers that the Transport still holds. */
  #lent: Buffer[] | undefined = undefined

  constructor(pool: BufferPool, transport: Transport) {
    this.#pool = pool
    this.#transport = transport
  }

  /**
   * Makes room for `count` bytes (at most 65,536) and counts them as gathered.
   *
   * Hot: runs for every packet sent.
   *
   * @returns where in `bytes` they begin
   */
  reserve(count: number): number {
    const at = this.length
    const end = at + count
    if (end <= this.bytes.length) {
      this.length = end
      return at
    }
    return this.#reserveSlowly(count)
  }

  #reserveSlowly(count: number): number {
    if (this.length + count > GATHER_LIMIT_BYTES) this.flush()
    const grown = this.#pool.take(Math.min(GATHER_LIMIT_BYTES, Math.max(this.length + count, this.bytes.length * 2)))
    if (this.length > 0) copyBytes(grown, 0, this.bytes, 0, this.length)
    if (this.bytes !== NOTHING) this.#pool.give(this.bytes)
    this.bytes = grown
    const at = this.length
    this.length += count
    return at
  }

  /** Adds bytes of any length; a large piece is handed on as it is and must not change afterwards. */
  append(source: Uint8Array, start: number, end: number): void {
    if (end - start >= LARGE_FRAME_BYTES) {
      this.flush()
      this.writtenBytes += end - start
      this.#transport.write(source.subarray(start, end))
      return
    }
    const at = this.reserve(end - start)
    copyBytes(this.bytes, at, source, start, end)
  }

  /** Hands what was gathered to the Transport and gives the buffer back as soon as that is possible. */
  flush(): void {
    if (this.length === 0) return
    const bytes = this.bytes
    const gone = this.#transport.write(this.length === bytes.length ? bytes : bytes.subarray(0, this.length))
    this.writtenBytes += this.length
    this.length = 0
    this.bytes = NOTHING
    if (gone) this.#pool.give(bytes)
    else this.#lend(bytes)
  }

  #lend(bytes: Buffer): void {
    this.#lent ??= []
    if (this.#lent.length < MAX_LENT) this.#lent.push(bytes)
  }

  /** The Transport has passed on everything: buffers that it held are free again. */
  drained(): void {
    if (this.#lent === undefined) return
    for (const bytes of this.#lent) this.#pool.give(bytes)
    this.#lent = undefined
  }

  /** Forgets what was gathered: it dies with its Connection. */
  discard(): void {
    this.length = 0
    if (this.bytes !== NOTHING) this.#pool.give(this.bytes)
    this.bytes = NOTHING
  }
}
