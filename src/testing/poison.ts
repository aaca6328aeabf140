/**
 * Makes uninitialized memory visible. A pooled buffer may still contain data sent to another client, and
 * `Buffer.allocUnsafe` returns arbitrary memory of the process. After `poisonMemory`, a test finds a run of one byte
 * there instead, and `isPoisoned` detects that run in the broker's output.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { BufferPool } from '../protocol/output.ts'

/** Occurs in no text, and in no UTF-8 string twice in a row. */
const POISON = 0xdb
/** This many in a row are not a coincidence: fewer may be a Packet Identifier or an integer. */
const RUN = Buffer.alloc(4, POISON)

let isPoisoning = false

/** From now on, uninitialized memory in this process is filled with poison. */
export function poisonMemory(): void {
  if (isPoisoning) return
  isPoisoning = true
  BufferPool.poison = POISON
  for (const name of ['allocUnsafe', 'allocUnsafeSlow'] as const) {
    const allocate = Buffer[name]
    Buffer[name] = (size: number) => allocate.call(Buffer, size).fill(POISON)
  }
}

/** Whether the bytes include uninitialized memory. */
export function isPoisoned(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(RUN)
}

/**
 * For a test's Transport. It is called from inside the broker, which would catch an error thrown there.
 *
 * @throws asynchronously, which fails the running test
 */
export function reportPoison(bytes: Uint8Array, where: string): void {
  if (!isPoisoned(bytes)) return
  const error = new Error(`${where}: ${bytes.length} bytes, including uninitialized memory`)
  queueMicrotask(() => {
    throw error
  })
}
