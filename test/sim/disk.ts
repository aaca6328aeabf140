/**
 * The broker's disk in a simulation: one in memory that may be slow, full, fail, and lose its power.
 *
 * While a broker starts, its disk does everything at once: what is restored belongs to one instant.
 *
 * @module
 */
import type { Clock } from '../../src/base/clock.ts'
import type { Disk } from '../../src/base/disk.ts'
import { StoreError } from '../../src/base/errors.ts'
import { JournalStore } from '../../src/stores/journal-store.ts'
import { MemoryDisk, type DiskOperation } from '../../src/stores/memory-disk.ts'
import type { SeededRandom } from '../../src/testing/random.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { isPoisoned } from '../../src/testing/poison.ts'
import { StoreModel } from '../../src/testing/store-model.ts'

/** Small enough that there is a reserve, and large enough that only `fill` fills it. */
const VOLUME_BYTES = 64 << 20

const FAILING: readonly DiskOperation[] = ['open', 'append', 'sync']

export class SimulatedDisk {
  /** An operation takes up to so many milliseconds. */
  mostMs = 0
  isFailing = false
  readonly #random: SeededRandom
  #disk = new MemoryDisk({ capacityBytes: VOLUME_BYTES })
  /** Of the process that uses it; `undefined` while that starts. */
  #clock: Clock | undefined
  #waiting = 0

  constructor(random: SeededRandom) {
    this.#random = random
  }

  /** One operation may take longer than a broker that closes waits. */
  get isSlow(): boolean {
    return this.mostMs > 1000
  }

  get disk(): Disk {
    return this.#disk
  }

  /** Everything that was asked of it is done. */
  get isQuiet(): boolean {
    return this.#waiting === 0
  }

  /** From now on it takes its time, and fails. */
  serve(clock: Clock): void {
    this.#clock = clock
    this.#disk.options.before = (operation, name) => this.#before(operation, name)
  }

  #before(operation: DiskOperation, name: string): void | Promise<void> {
    const clock = this.#clock!
    if (this.isFailing && FAILING.includes(operation)) {
      throw new StoreError('ERR_STORE_DISK', `cannot ${operation} ${name}: input/output error`)
    }
    const delayMs = this.#random.integer(this.mostMs + 1)
    if (delayMs === 0) return undefined
    this.#waiting++
    return new Promise((resolve) => {
      clock.setTimer(delayMs, () => {
        this.#waiting--
        resolve()
      })
    })
  }

  /** Takes nothing more. */
  fill(): void {
    this.#disk.options.capacityBytes = this.#disk.usedBytes
  }

  /** Has room, works, and is as fast as it was. */
  mend(mostMs: number): void {
    this.#disk.options.capacityBytes = VOLUME_BYTES
    this.isFailing = false
    this.mostMs = mostMs
  }

  /** Its process is gone. @param losesPower what was not synced may be lost with it */
  end(losesPower: boolean): void {
    this.#disk.options = { random: () => this.#random.next() }
    this.#disk = losesPower ? this.#disk.crash() : this.#disk.kill()
    this.#disk.options.capacityBytes = VOLUME_BYTES
    this.#waiting = 0
  }

  /** What a start would find on it, read by way of a copy. */
  async readBack(): Promise<StoreModel> {
    for (const name of await this.#disk.list()) {
      if (isPoisoned(this.#disk.contents(name))) throw new Error(`${name} holds memory that nobody wrote`)
    }
    const store = new JournalStore({ disk: this.#disk.kill(), clock: new VirtualClock() })
    const facts = new StoreModel()
    await store.load((change) => facts.apply(change))
    for (const message of facts.messages.values()) {
      if (message.payloadOnDiskBytes === undefined) continue
      const [payload] = await store.read([message.messageNumber])
      facts.messages.set(message.messageNumber, { ...message, payload: payload! })
    }
    return facts
  }
}
