/** What fills a store and empties it again, as a broker would, on volumes of several sizes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JournalStore, JournalStoreOptions } from '../../src/stores/journal-store.ts'
import { MemoryDisk } from '../../src/stores/memory-disk.ts'
import type { Change, StoreCondition } from '../../src/stores/store.ts'
import { SeededRandom } from '../../src/testing/random.ts'
import { memoryStore } from './store-beds.ts'
import { seed } from '../support/seed.ts'

const SESSIONS = 3

/** Fills a store with messages for a few sessions, and empties it again, as a broker would. */
export class Filler {
  readonly conditions: StoreCondition[] = []
  readonly waiting: { readonly sessionNumber: number; readonly entryNumber: number; readonly messageNumber: number }[] =
    []
  readonly #payloadBytes: number
  readonly #receivers: number
  store!: JournalStore
  #message = 0
  readonly #entries = new Map<number, number>()

  constructor(payloadBytes: number, receivers: number) {
    this.#payloadBytes = payloadBytes
    this.#receivers = receivers
  }

  async open(disk: MemoryDisk, options: Partial<JournalStoreOptions> = {}): Promise<void> {
    this.store = memoryStore(disk, { segmentBytes: 64 << 20, checkpointBytes: 128 << 20, ...options })
    this.store.onHealth(({ condition }) => this.conditions.push(condition))
    await this.store.load(() => undefined)
  }

  async begin(): Promise<void> {
    for (let sessionNumber = 1; sessionNumber <= SESSIONS; sessionNumber++) {
      const session = { sessionNumber, clientId: `c${sessionNumber}`, userName: undefined, protocolVersion: 5 } as const
      await this.store.write(
        [{ kind: 'session', session: { ...session, sessionExpiryInterval: 1000, expiresAtMs: undefined } }],
        'disk',
      )
    }
  }

  /**
   * As a broker does: nothing new while it is full, and no message for which there is no room.
   *
   * @returns how many fitted
   */
  async fill(atMost = Infinity): Promise<number> {
    let count = 0
    while (count < atMost && this.store.health.condition === 'well' && this.#payloadBytes <= this.store.roomBytes) {
      const before = this.store.health.condition
      await passing()
      await this.store.write(this.#publish(), 'disk')
      assert.notEqual(this.store.health.condition, 'failing', `after ${count} messages, ${before} before`)
      count++
    }
    return count
  }

  #publish(): Change[] {
    const messageNumber = ++this.#message
    const payload = new Uint8Array(this.#payloadBytes).fill(messageNumber)
    const common = { topicName: 'queue/of/some', qos: 1, retain: false, properties: {}, publisher: 'p' } as const
    const changes: Change[] = [
      { kind: 'message', message: { ...common, messageNumber, payload, expiresAtMs: undefined } },
    ]
    for (let sessionNumber = 1; sessionNumber <= this.#receivers; sessionNumber++) {
      const entryNumber = (this.#entries.get(sessionNumber) ?? 0) + 1
      this.#entries.set(sessionNumber, entryNumber)
      this.waiting.push({ sessionNumber, entryNumber, messageNumber })
      const entry = { sessionNumber, entryNumber, messageNumber, qos: 1, retain: false } as const
      changes.push({ kind: 'queued', entry: { ...entry, subscriptionIdentifiers: [], sharedFilter: undefined } })
    }
    return changes
  }

  /** Acknowledges all but so many, a few a turn, each turn stored before the next. */
  async drain(order: 'first' | 'last' | 'any', random: SeededRandom, leave = 0): Promise<void> {
    const left = order === 'any' ? this.waiting.toSorted(() => random.next() - 0.5) : [...this.waiting]
    if (order !== 'last') left.reverse()
    while (left.length > leave) {
      const some = left.splice(-Math.min(1 + random.integer(10), left.length - leave))
      const names = some.map(({ sessionNumber, entryNumber }) => ({ sessionNumber, entryNumber }))
      await passing()
      await this.store.write(
        names.map((name) => ({ kind: 'sent', ...name, packetIdentifier: 1 }) as const),
        'disk',
      )
      await this.store.write(
        names.map((name) => ({ kind: 'done', ...name }) as const),
        'disk',
      )
      assert.notEqual(this.store.health.condition, 'failing', `${left.length} left`)
    }
    this.waiting.splice(0, Infinity, ...left)
  }

  /** Lets maintenance come to its end. */
  async untilWell(): Promise<void> {
    for (let round = 0; round < 3000 && this.store.health.condition !== 'well'; round++) await passing()
    assert.equal(this.store.health.condition, 'well', `${this.store.stats().diskBytes} bytes are still taken`)
  }
}

export const MB = 1 << 20

/** Lets timers fire, on which maintenance waits. */
export function passing(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** How large the volume is, what is stored on it, and in which order it is taken away. */
const volumes = [
  [2 * MB, 1000, 1, 'first'],
  [2 * MB, 2000, SESSIONS, 'any'],
  [8 * MB, 100_000, 1, 'last'],
  [MB, 60, 1, 'first'],
  [MB / 2, 0, 1, 'any'],
  [24 * MB, 200_000, SESSIONS, 'first'],
] as const

/** @param all every volume; otherwise a few, others for each seed */
export function testFilling(all: boolean): void {
  const some = volumes.filter((_, at) => all || (at + seed) % 3 === 0)
  for (const [capacityBytes, payloadBytes, receivers, order] of some) {
    test(`${capacityBytes / MB} MB, ${payloadBytes}-byte messages to ${receivers}: filled and emptied (${order}) again and again, it takes as much each time`, async () => {
      const random = new SeededRandom(seed)
      const disk = new MemoryDisk({ capacityBytes })
      const filler = new Filler(payloadBytes, receivers)
      await filler.open(disk)
      await filler.begin()
      let first = 0
      for (let round = 0; round < 3; round++) {
        const count = await filler.fill()
        first ||= count
        assert.ok(count >= first * 0.75, `round ${round}: ${count} messages after ${first}`)
        if (round === 0) assert.ok(count * payloadBytes > capacityBytes * 0.5 || payloadBytes < 1000, `${count} fitted`)
        await filler.drain(order, random)
        await filler.untilWell()
      }
      assert.ok(!filler.conditions.includes('failing'))
      await filler.store.close()
    })
  }
}
