/**
 * Makes a start that does not fit into memory end with an error, and not with a process that dies and is restarted for
 * ever. While the store loads, memory in use is measured without garbage; beyond a share of what is available, the load
 * is given up.
 *
 * @module
 */
import { StoreError } from '../../base/errors.ts'
import type { Change, LoadProgress } from '../../stores/store.ts'
import type { MemoryWatch, ProcessMemory } from '../../limits/process-memory.ts'

/**
 * The largest share that may be in use. Beyond it, a broker would have no room to serve anybody, even if the collector
 * let it live.
 */
const MOST_LIVE = 0.8
/** Changes, and bytes charged for them, between two measurements. */
const LOOK_EVERY_CHANGES = 1024
const LOOK_EVERY_BYTES = 2 ** 20
/** The size of a heap in relation to what is stored, so that there is room to work. */
const HEADROOM = 2
const MIB = 2 ** 20

/** The names of what is counted, for the error. */
const WORDS: Readonly<Partial<Record<Change['kind'], string>>> = {
  session: 'sessions',
  subscribed: 'subscriptions',
  queued: 'queued messages',
  retained: 'retained messages',
  will: 'Wills',
}

export class LoadWatch {
  readonly #memory: ProcessMemory
  readonly #watch: MemoryWatch
  readonly #counts = new Map<Change['kind'], number>()
  #progress: LoadProgress = { done: 0, total: 0, unit: 'records' }
  readonly #charged: () => number
  #nextChanges = LOOK_EVERY_CHANGES
  #nextBytes = LOOK_EVERY_BYTES
  #changes = 0
  #indexBytes = 0

  /** @param charged the bytes charged for everything loaded so far */
  constructor(memory: ProcessMemory, charged: () => number) {
    this.#memory = memory
    this.#watch = memory.watch()
    this.#charged = () => charged() + this.#indexBytes
  }

  /** Counts a Change that was loaded. @throws {StoreError} `ERR_STORE_MEMORY` */
  loaded({ kind }: Change): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1)
    if (++this.#changes < this.#nextChanges && this.#charged() < this.#nextBytes) return
    this.#nextChanges = this.#changes + LOOK_EVERY_CHANGES
    this.#nextBytes = this.#charged() + LOOK_EVERY_BYTES
    this.#look()
  }

  /** Checks memory when the store reports its progress. @throws {StoreError} `ERR_STORE_MEMORY` */
  progressed(progress: LoadProgress): void {
    this.#progress = progress
    // What is read first becomes the index of the store, which no account is charged with.
    if (progress.unit === 'bytes') this.#indexBytes = progress.done
    this.#look()
  }

  stop(): void {
    this.#watch.stop()
  }

  #look(): void {
    if (this.#watch.liveShare(this.#charged()) > MOST_LIVE) throw this.#doesNotFit()
  }

  #doesNotFit(): StoreError {
    const availableMib = Math.floor(this.#memory.availableBytes / MIB)
    const liveMib = Math.ceil(this.#watch.liveShare(this.#charged()) * availableMib)
    const { done, total, unit } = this.#progress
    const neededMib = Math.ceil((liveMib * Math.max(1, total)) / Math.max(1, done))
    return new StoreError(
      'ERR_STORE_MEMORY',
      `the store does not fit into memory: ${liveMib} of ${availableMib} MiB are in use after ${done} of ${total} ${unit} ` +
        `(so far ${this.#whatIsThere()}). Nothing was changed. Start with a larger heap, such as ` +
        `NODE_OPTIONS=--max-old-space-size=${Math.max(neededMib, availableMib) * HEADROOM}, and enough memory for it; ` +
        '`sluice store stats` shows what is stored, and lower limits keep it smaller from then on (max-memory, max-queued-bytes, max-retained-bytes)',
    )
  }

  #whatIsThere(): string {
    const parts = Object.entries(WORDS).flatMap(([kind, word]) => {
      const count = this.#counts.get(kind as Change['kind']) ?? 0
      return count === 0 ? [] : [`${count} ${word}`]
    })
    return parts.length === 0 ? 'only its index' : parts.join(', ')
  }
}
