/**
 * Memory that nobody wrote, made visible. A buffer of the pool still holds what was sent to another Client, and
 * `Buffer.allocUnsafe` whatever the process had there: a test that calls `poisonMemory` finds a run of one byte there instead,
 * and `isPoisoned` finds that run in what the broker writes.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { BufferPool } from '../protocol/output.ts'

/** In no text, and in no UTF-8 string twice in a row. */
const POISON = 0xdb
/** So many in a row are no accident: fewer can be a Packet Identifier or an integer. */
const RUN = Buffer.alloc(4, POISON)

let isPoisoning = false

/** From now on, in this process, memory that is handed out unwritten is full of poison. */
export function poisonMemory(): void {
  if (isPoisoning) return
  isPoisoning = true
  BufferPool.poison = POISON
  for (const name of ['allocUnsafe', 'allocUnsafeSlow'] as const) {
    const allocate = Buffer[name]
    Buffer[name] = (size: number) => allocate.call(Buffer, size).fill(POISON)
  }
}

/** Whether there is memory among the bytes that nobody wrote. */
export function isPoisoned(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(RUN)
}

/**
 * For a test's Transport, which is called from inside the broker: what is thrown there would be caught there.
 *
 * @throws outside of the caller, which fails the test that runs
 */
export function reportPoison(bytes: Uint8Array, where: string): void {
  if (!isPoisoned(bytes)) return
  const error = new Error(`${where}: ${bytes.length} bytes, among them memory that nobody wrote`)
  queueMicrotask(() => {
    throw error
  })
}
