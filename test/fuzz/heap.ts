/** How much memory is in use once everything that nobody needs is gone. @module */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes, buffers included. */
export function usedBytes(): number {
  // The second waits for the buffers that the first let go of.
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
