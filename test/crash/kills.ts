/**
 * `kill -9` of a broker process at random moments, some of them while it starts, over TCP and a real disk. What the process
 * had handed to the operating system is still there at the next start, so `disk` and `process` durability take turns.
 *
 * @module
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import type { SeededRandom } from '../../src/testing/random.ts'
import { root } from '../../tools/main.ts'
import type { Progress } from '../../tools/progress.ts'
import type { Book } from './book.ts'
import { Crew } from './crew.ts'
import { dialTcp } from './byte-stream.ts'

const PROGRAM = join(root, 'build/src/cli/main.js')
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
      running.broker = await spawnBroker(folder, random.pick(['disk', 'process']))
      await (random.chance(0.15) ? wait(random.integer(400)) : work(running.broker, crew, random.between(50, 900)))
      await kill(running.broker)
      crew.leave()
      progress.update(done + 1, `${crew.book.acknowledged} acknowledged`)
      if (crew.book.faults.length > 0) return crew.book
    }
    running.broker = await spawnBroker(folder, 'disk')
    await settle(await portOf(running.broker, crew.book), crew)
    return crew.book
  } finally {
    if (running.broker !== undefined) await kill(running.broker)
    crew.leave()
    await rm(folder, { recursive: true, force: true })
  }
}

async function spawnBroker(folder: string, durability: string): Promise<ChildProcess> {
  const config = {
    listeners: { default: { bind: '127.0.0.1:0' } },
    persistence: {
      path: 'data',
      durability,
      'max-bytes': MAX_STORE_BYTES,
      'max-bytes-per-user': 0,
      'max-session-ram-bytes': 4096,
    },
    'max-queued-messages': 1_000_000,
  }
  const file = join(folder, 'sluice.yaml')
  await writeFile(file, JSON.stringify(config))
  return spawn(process.execPath, [PROGRAM, 'start', '--config', file, '--log-level', 'info'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** The port it listens on, once it does. An error that it logs is a fault. */
function portOf(broker: ChildProcess, book: Book): Promise<number> {
  return new Promise((resolve, reject) => {
    broker.once('exit', (code) => reject(new Error(`the broker did not start: it ended with ${code}`)))
    createInterface({ input: broker.stdout! }).on('line', (line) => {
      if (line.startsWith('{"level":50')) book.fault(line)
      const port = /listening on mqtt:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1]
      if (port !== undefined) resolve(Number(port))
    })
  })
}

async function work(broker: ChildProcess, crew: Crew, forMs: number): Promise<void> {
  const dial = dialTcp(await portOf(broker, crew.book))
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

async function kill(broker: ChildProcess): Promise<void> {
  if (broker.exitCode !== null || broker.signalCode !== null) return
  const exited = once(broker, 'exit')
  broker.kill('SIGKILL')
  await exited
}
