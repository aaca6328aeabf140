/**
 * Power cuts: a whole Broker in virtual time over a disk in memory. After a random number of disk operations everything
 * stands still; what was not synced is lost, whole, in part, or torn with zeros behind it, and names that were not
 * synced may be missing (`MemoryDisk.crash`). The next Broker starts from what is left, often to be cut again in the
 * middle of that.
 *
 * A seed decides what happens between two operations of the disk, but not how many turns of the event loop lie between
 * them.
 *
 * @module
 */
import { MemoryDisk } from '../../src/stores/memory-disk.ts'
import type { SeededRandom } from '../../src/testing/random.ts'
import type { Progress } from '../../tools/progress.ts'
import { VirtualBroker } from '../support/virtual-broker.ts'
import type { Book } from './book.ts'
import { Crew } from './crew.ts'
import { dialMemory } from './byte-stream.ts'

const MAX_MISSING = 10_000
/** Small, so that segments and checkpoints come and go all the time. */
const MAX_STORE_BYTES = 4 << 20
const MAX_OPERATIONS = 120
const MAX_SETTLE_ROUNDS = 200_000
const CONFIG = {
  persistence: {
    durability: 'disk',
    'max-bytes': MAX_STORE_BYTES,
    'max-bytes-per-user': 0,
    'max-session-ram-bytes': 1024,
  },
  'max-queued-messages': 1_000_000,
} as const

const never = new Promise<never>(() => undefined)

export async function cutRounds(cuts: number, random: SeededRandom, progress: Progress): Promise<Book> {
  const crew = new Crew(random, MAX_MISSING)
  const { book } = crew
  let disk = new MemoryDisk({ random: () => random.next() })
  for (let done = 0; done < cuts; done++) {
    await runUntilCut(disk, crew, random.between(1, MAX_OPERATIONS))
    crew.leave()
    disk = disk.crash()
    progress.update(done + 1, `${book.acknowledged} acknowledged`)
    if (book.faults.length > 0) return book
  }
  await settle(await VirtualBroker.start(CONFIG, { disk }), crew)
  return book
}

/** Runs a Broker until `operations` of the disk were done. */
async function runUntilCut(disk: MemoryDisk, crew: Crew, operations: number): Promise<void> {
  let left = operations
  const isCut = (): boolean => left < 0
  disk.options.before = (operation) => {
    if (operation !== 'read') left--
    return isCut() ? never : undefined
  }
  const start: { broker?: VirtualBroker; error?: unknown } = {}
  VirtualBroker.start(CONFIG, { disk }).then(
    (broker) => (start.broker = broker),
    (error: unknown) => (start.error = error),
  )
  while (!isCut()) {
    if (start.error !== undefined) throw start.error
    if (crew.book.faults.length > 0) return
    if (start.broker !== undefined) {
      crew.step(dialMemory(start.broker.broker))
      start.broker.advance(1)
    }
    await nextPass()
  }
}

async function settle(broker: VirtualBroker, crew: Crew): Promise<void> {
  const dial = dialMemory(broker.broker)
  const { book } = crew
  for (let round = 0; !crew.finish(dial) && book.faults.length === 0; round++) {
    if (round > MAX_SETTLE_ROUNDS) return book.fault(book.debts())
    broker.advance(1)
    await nextPass()
  }
  crew.leave()
  await broker.close()
}

function nextPass(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
