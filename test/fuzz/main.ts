/** `npm run fuzz`: damaged sessions against the decoder and against a whole broker; `help` says how. @module */
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { countOf, readCommandLine } from '../../tools/command-line.ts'
import { isMain } from '../../tools/main.ts'
import { Progress } from '../../tools/progress.ts'
import { Author } from './author.ts'
import { usedBytes } from '../support/measurement.ts'
import { SeededRandom } from '../../src/testing/random.ts'
import { Recording } from './recording.ts'
import { printReplay, replay } from './replay.ts'
import { kindOf, replaySteps, shrink } from './shrink.ts'
import type { Step } from './step.ts'
import { World } from './world.ts'

const help = `Sends damaged sessions of all three versions to the decoder and to whole brokers, in virtual time.

Usage: npm run fuzz -- [options]

  --seconds N     for so long (default: 60)
  --packets N     until so many damaged packets went through the broker
  --seed N        the same once more (default: a new one, printed)
  --replay FILE   the steps that a failure printed
  --help          this text

Examples:
  npm run fuzz -- --seconds 600 --seed 7
  npm run fuzz -- --packets 1000000

Ends with 0 if nothing was found. A failure prints its seed and the fewest steps that show it, to be pasted into a unit
test (test/fuzz/replay.ts).
`

/** Episodes in the life of one broker, and things that happen in each. */
const EPISODES = 100
const EPISODE_LENGTH = 250
const SHRINK_MS = 60_000
/** What a broker may hold more after its last episode than after its first: its caches fill, and are bounded. */
const HEAP_GROWTH_BYTES = 32 * 1024 * 1024

/** What went through, in all. */
class Totals {
  worlds = 0
  connections = 0
  packets = 0
  mutated = 0
  readonly #startedAt = performance.now()

  get seconds(): number {
    return (performance.now() - this.#startedAt) / 1000
  }
}

/** The life of one broker. @returns whether it went well */
async function live(number: number, totals: Totals, isEnough: () => boolean): Promise<boolean> {
  const recording = new Recording(new World(number))
  const { steps, world } = recording
  try {
    const author = new Author(number, recording)
    let bytesBefore = 0
    for (let episode = 0; episode < EPISODES && !isEnough(); episode++) {
      await author.episode(EPISODE_LENGTH)
      const { packets, mutated, connections } = author.takeCounts()
      totals.packets += packets
      totals.mutated += mutated
      totals.connections += connections
      if (episode === 0) bytesBefore = usedBytes()
    }
    steps.length = 0
    const grown = usedBytes() - bytesBefore
    if (grown > HEAP_GROWTH_BYTES) throw new Error(`memory is not back to where it was: ${grown} bytes more`)
    totals.worlds++
    return true
  } catch (error) {
    console.log(`\nin world ${number}: ${(error as Error).message}\n`)
    if (world.problem !== undefined) await printShortest(number, steps, world.problem)
    return false
  }
}

async function printShortest(number: number, steps: readonly Step[], problem: string): Promise<void> {
  console.log(`looking for fewer steps than ${steps.length} …`)
  const failsAlike = async (some: readonly Step[]): Promise<boolean> => {
    const found = await replaySteps(number, some)
    return found !== undefined && kindOf(found) === kindOf(problem)
  }
  const fewest = await shrink(steps, failsAlike, SHRINK_MS)
  console.log(`\nawait replay(\`\n${printReplay(number, fewest)}\n\`)\n`)
}

async function fuzz(seed: number, seconds: number, packets: number): Promise<boolean> {
  console.log(`seed ${seed}`)
  const totals = new Totals()
  const progress = new Progress('fuzz', { total: packets === Infinity ? undefined : packets, unit: 'damaged packets' })
  const random = new SeededRandom(seed)
  const isEnough = (): boolean => {
    progress.update(totals.mutated, `${totals.packets} packets, ${totals.worlds} brokers`)
    return totals.mutated >= packets || totals.seconds >= seconds
  }
  let isGood = true
  while (isGood && !isEnough()) isGood = await live(random.integer(2 ** 32), totals, isEnough)
  progress.finish()
  const { connections, mutated, worlds } = totals
  console.log(
    `${mutated} damaged packets of ${totals.packets} on ${connections} Connections to ${worlds} brokers in ` +
      `${totals.seconds.toFixed(1)} s: ${isGood ? 'no crash, no unexpected answer' : `failed, --seed ${seed}`}`,
  )
  return isGood
}

async function main(): Promise<boolean> {
  const { values } = readCommandLine(help, {
    seconds: { type: 'string' },
    packets: { type: 'string' },
    seed: { type: 'string' },
    replay: { type: 'string' },
  })
  if (values.replay !== undefined) {
    await replay(readFileSync(values.replay, 'utf8'))
    console.log('it does not fail any more')
    return true
  }
  const packets = countOf('packets', values.packets, Infinity)
  const seconds = countOf('seconds', values.seconds, packets === Infinity ? 60 : Infinity)
  return fuzz(countOf('seed', values.seed, randomInt(2 ** 31)), seconds, packets)
}

// Errors are what the broker is fed with here: a few lines of each are enough.
Error.stackTraceLimit = 4

if (isMain(import.meta.url)) process.exitCode = (await main()) ? 0 : 1
