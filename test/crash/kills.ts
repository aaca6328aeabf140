/**
 * `kill -9` of a broker process at random moments, some of them while it starts, over TCP and a real disk. What the
 * process had handed to the operating system is still there at the next start, so `disk` and `process` durability take
 * turns.
 *
 * @module
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { SeededRandom } from '../../src/testing/random.ts'
import type { Progress } from '../../tools/progress.ts'
import type { Book } from './book.ts'
import { kill, portOf, spawnBroker } from './broker-process.ts'
import { Crew } from './crew.ts'
import { dialTcp } from './byte-stream.ts'

const MAX_MISSING = 40_000
/** A sixteenth is a segment and an eighth a checkpoint, so that both come and go while the test runs. */
const MAX_STORE_BYTES = 64 << 20
const SETTLE_TIMEOUT_MS = 60_000

export async function killRounds(kills: number, random: SeededRandom, progress: Progress): Promise<Book> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-crash-'))
  const crew = new Crew(random, MAX_MISSING)
  const running: { broker: ChildProcess | undefined } = { broker: undefined }
  try {
    for (let done = 0; done < kills; done++) {
      running.broker = await spawnBroker(folder, configOf(random.pick(['disk', 'process'])))
      await (random.chance(0.15) ? wait(random.integer(400)) : work(running.broker, crew, random.between(50, 900)))
      await kill(running.broker)
      crew.leave()
      progress.update(done + 1, `${crew.book.acknowledged} acknowledged`)
      if (crew.book.faults.length > 0) return crew.book
    }
    running.broker = await spawnBroker(folder, configOf('disk'))
    await settle(await portOf(running.broker, (line) => crew.book.fault(line)), crew)
    return crew.book
  } finally {
    if (running.broker !== undefined) await kill(running.broker)
    crew.leave()
    await rm(folder, { recursive: true, force: true })
  }
}

function configOf(durability: string): object {
  return {
    persistence: {
      path: 'data',
      durability,
      'max-bytes': MAX_STORE_BYTES,
      'max-bytes-per-user': 0,
      'max-session-ram-bytes': 4096,
    },
    'max-queued-messages': 1_000_000,
  }
}

async function work(broker: ChildProcess, crew: Crew, forMs: number): Promise<void> {
  const dial = dialTcp(await portOf(broker, (line) => crew.book.fault(line)))
  const endsAt = performance.now() + forMs
  while (performance.now() < endsAt && crew.book.faults.length === 0) {
    crew.step(dial)
    await wait(1)
  }
}

async function settle(port: number, crew: Crew): Promise<void> {
  const dial = dialTcp(port)
  const { book } = crew
  const endsAt = performance.now() + SETTLE_TIMEOUT_MS
  while (!crew.finish(dial)) {
    if (book.faults.length > 0) return
    if (performance.now() > endsAt) return book.fault(book.debts())
    await wait(5)
  }
}
