/** What memory the process has and uses. Reading it changes nothing, so that a broker embedded in a program may. @module */
import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'

export interface ProcessMemory {
  /** Bytes that it may use: the smaller of V8's heap limit and what the container or the machine has. */
  readonly availableBytes: number
  /** How much of that is used, garbage included: 1 is all. Buffers lie beside the heap, so that both limits count alone. */
  usedShare(): number
}

/** What there is for the process in all: its container's memory, or the machine's. */
function totalBytes(): number {
  // 0 where nothing constrains it, and a huge number where a container has no limit.
  const containerBytes = process.constrainedMemory() || Infinity
  return Math.min(containerBytes, totalmem())
}

/** The real one. */
class RealProcess implements ProcessMemory {
  readonly #heapBytes = getHeapStatistics().heap_size_limit
  readonly #totalBytes = totalBytes()

  get availableBytes(): number {
    return Math.min(this.#heapBytes, this.#totalBytes)
  }

  usedShare(): number {
    const { used_heap_size: heapBytes, external_memory: bufferBytes } = getHeapStatistics()
    return Math.max(heapBytes / this.#heapBytes, (heapBytes + bufferBytes) / this.#totalBytes)
  }
}

export const processMemory: ProcessMemory = new RealProcess()

/** Where time is not real, memory is not either: 1 GiB, of which nothing is used, so that runs can be repeated. */
export const nominalMemory: ProcessMemory = { availableBytes: 2 ** 30, usedShare: () => 0 }
