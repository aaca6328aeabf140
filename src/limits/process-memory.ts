/**
 * The memory that the process has and uses. Reading it changes nothing, so a broker embedded in a program may do so.
 * @module
 */
import { totalmem } from 'node:os'
import { GCProfiler, getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'

/** The memory that the process may use, and what it uses. */
export interface ProcessMemory {
  /** Bytes that the process may use: V8's heap limit, or the memory of the container or machine if that is less. */
  readonly availableBytes: number
  /** Bytes in use, including garbage. */
  usedBytes(): number
  /**
   * The share of the available memory that is in use, including garbage; 1 is all. Buffers are not part of the heap, so
   * the share of the heap and that of the machine are computed separately, and the larger one counts.
   */
  usedShare(): number
  /** Starts to measure memory without garbage. This is too expensive to continue for long. */
  watch(): MemoryWatch
}

/** Measures memory in use without garbage. */
export interface MemoryWatch {
  /**
   * The share of the process's memory that is in use without garbage; 1 is all.
   *
   * @param charged bytes charged to the accounts now, from which the growth since the last collection is estimated
   */
  liveShare(charged: number): number
  /** Ends the measurement. */
  stop(): void
}

/** The memory for the process: its container's, or the machine's. */
function totalBytes(): number {
  // It is 0 if nothing constrains it, and a huge number if a container has no limit.
  const containerBytes = process.constrainedMemory() || Infinity
  return Math.min(containerBytes, totalmem())
}

const MIB = 2 ** 20

/**
 * Half of the room for new objects, in MiB: the most that V8 takes unless a flag says otherwise. It grew with V8 13.
 */
const SEMI_SPACE_MIB = Number.parseInt(process.versions.v8, 10) >= 13 ? 64 : 16

/** The value of a flag, on the command line or in `NODE_OPTIONS`; the last one counts. */
function semiSpaceBytes(): number {
  const flags = [process.env['NODE_OPTIONS'] ?? '', ...process.execArgv].join(' ')
  const said = [...flags.matchAll(/--max[-_]semi[-_]space[-_]size[= ](\d+)/g)].at(-1)?.[1]
  return Number(said ?? SEMI_SPACE_MIB) * MIB
}

/** What V8 adds to `--max-old-space-size` in its limit: room for new objects, which long-lived ones cannot use. */
const YOUNG_BYTES = 3 * semiSpaceBytes()

/** The heap for long-lived objects. */
function heapBytes(): number {
  const { heap_size_limit: limit } = getHeapStatistics()
  return Math.max(limit - YOUNG_BYTES, limit / 8)
}

/**
 * The most that may move to the old objects at one collection: everything that one half of the room for new ones holds.
 */
function movedBytes(): number {
  const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')
  return (young?.space_size ?? 0) / 2
}

/** The memory of the real process. */
class RealProcess implements ProcessMemory {
  readonly #heapBytes = heapBytes()
  readonly #totalBytes = totalBytes()

  get availableBytes(): number {
    return Math.min(this.#heapBytes, this.#totalBytes)
  }

  usedBytes(): number {
    const { used_heap_size: onHeap, external_memory: inBuffers } = getHeapStatistics()
    return onHeap + inBuffers
  }

  usedShare(): number {
    const { used_heap_size: onHeap, external_memory: inBuffers } = getHeapStatistics()
    return this.shareOf(onHeap, inBuffers)
  }

  shareOf(onHeap: number, inBuffers: number): number {
    return Math.max(onHeap / this.#heapBytes, (onHeap + inBuffers) / this.#totalBytes)
  }

  watch(): MemoryWatch {
    return new CollectorWatch(this)
  }
}

/**
 * What V8 reports after each full collection, and what was charged since. It may run out of heap before it collects
 * again, because new objects that survive have to move to the old ones.
 */
class CollectorWatch implements MemoryWatch {
  readonly #process: RealProcess
  #profiler: GCProfiler | undefined = new GCProfiler()
  #collectedBytes = 0
  #chargedThen = 0

  constructor(process: RealProcess) {
    this.#process = process
    this.#profiler?.start()
  }

  liveShare(charged: number): number {
    return this.#process.shareOf(this.#onHeap(charged) + movedBytes(), getHeapStatistics().external_memory)
  }

  /** Charges are estimates, and no more can be in use than the heap holds, including garbage. */
  #onHeap(charged: number): number {
    this.#look(charged)
    return Math.min(getHeapStatistics().used_heap_size, this.#collectedBytes + charged - this.#chargedThen)
  }

  /** The profiler reports what it saw when it stops. */
  #look(charged: number): void {
    if (this.#profiler === undefined) return
    for (const { gcType, afterGC } of this.#profiler.stop()?.statistics ?? []) {
      if (gcType === 'Scavenge') continue
      this.#collectedBytes = afterGC.heapStatistics.usedHeapSize
      this.#chargedThen = charged
    }
    this.#profiler = new GCProfiler()
    this.#profiler.start()
  }

  stop(): void {
    this.#profiler?.stop()
    this.#profiler = undefined
  }
}

export const processMemory: ProcessMemory = new RealProcess()

/** For virtual time: 1 GiB, of which nothing is used, so that runs can be repeated. */
export const nominalMemory: ProcessMemory = {
  availableBytes: 2 ** 30,
  usedBytes: () => 0,
  usedShare: () => 0,
  watch: () => ({ liveShare: () => 0, stop: () => {} }),
}
