/**
 * What real memory and processor time a piece of code takes, and how a test judges it. The engine decides when it
 * collects, compiles and moves things, so a single figure says little: garbage that is still there, or code that was
 * just compiled, counts as used. What the code itself takes is in every figure, though. So a test asks for the least of
 * several, and allows several times what is right: the mistakes that such a test is for take ten times as much or more.
 *
 * Nothing else in a test reads the heap or a clock (test/unit/tools/luck.test.ts).
 *
 * @module
 */
import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** As many attempts as it takes, at most. */
const ATTEMPTS = 8

/** Bytes that are in use once everything that nobody needs is gone, buffers included. */
export function usedBytes(): number {
  // The second waits for the buffers that the first let go of.
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Bytes of objects that `run` makes, garbage included, as far as no collection comes between. */
export function madeBytes(run: () => unknown): number {
  return growth('heapUsed', run)
}

/** Bytes of buffers that there are more after `run`. */
export function bufferBytes(run: () => unknown): number {
  return growth('arrayBuffers', run)
}

function growth(part: 'heapUsed' | 'arrayBuffers', run: () => unknown): number {
  collect()
  const before = process.memoryUsage()[part]
  run()
  return process.memoryUsage()[part] - before
}

/** Processor time that `run` takes, in microseconds, with what else the process does meanwhile. */
export function processorMicroseconds(run: () => unknown): number {
  const before = process.cpuUsage()
  run()
  return process.cpuUsage(before).user
}

/**
 * Asserts that what `measure` returns is below `limit` in one of several attempts.
 *
 * @param what the figure is of, for the error
 */
export async function assertBelow(limit: number, what: string, measure: () => number | Promise<number>): Promise<void> {
  const figures: number[] = []
  while (figures.length < ATTEMPTS) {
    const figure = await measure()
    if (figure < limit) return
    figures.push(figure)
  }
  assert.fail(`${what}: ${figures.map((figure) => figure.toFixed(1)).join(', ')}, and never below ${limit}`)
}
