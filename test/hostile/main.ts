/** `npm run hostile`: a small broker against Clients that mean it harm; `help` says how. @module */
import { randomInt } from 'node:crypto'
import { availableParallelism, loadavg } from 'node:os'
import { countOf, readCommandLine, refuse } from '../../tools/command-line.ts'
import { isMain } from '../../tools/main.ts'
import { Progress } from '../../tools/progress.ts'
import { SHARE_UNITS, TURN_UNITS } from '../../src/base/work.ts'
import { SeededRandom } from '../../src/testing/random.ts'
import { playRound } from './round.ts'
import { RECORDER_BYTES } from './posture.ts'
import type { Shape } from './shape.ts'
import { shapes } from './shapes/index.ts'
import { HEADLINE, lineOf, problemsOf, type Allowances } from './verdict.ts'

const help = `Attacks a real broker with a heap of 512 MiB in every way that is known, while honest Clients are served.

Usage: npm run hostile -- [options]

  --seconds N       for so long in all (default: 170), as far as rounds end in time; every shape has its turn, in an order that the
                    seed decides
  --rounds N        so many rounds of each shape instead
  --shape NAME      that shape only; several with commas
  --attack-ms N     how long one attack goes on at the most (default: 4000); longer on a busy machine
  --max-wait-ms N   what the broker may work while an honest message waits (default: 2000; the aim is 100)
  --seed N          the same parameters once more (default: a new seed, printed)
  --help            this text

Shapes:
${shapes.map(({ name, tries }) => `  ${name.padEnd(24)} ${tries}`).join('\n')}

Each round starts a broker (\`sluice start\`, with passwords, TLS and WebSocket, and its data on a disk), lets honest Clients talk
and log in through every door, attacks it from another process, and restarts it. It fails where

  the broker dies, or an honest Client is disconnected, refused, or waits far too long,
  a turn of the broker counts more work than its budget,
  the attacker is sent bytes that are not its own,
  memory does not come back to where it was, or the process takes more than twice its heap,
  the flight recorder takes more than its budget, or loses what it has of a Client that keeps silent,
  the restart fails, or what was acknowledged before is gone.

A line says: the worst wait of an honest Client for a message, and how long the broker worked in the meantime; the work of the
largest turn, in thousands of units; the worst wait for a log-in; what memory was kept, and the most that the process had; the time
of the restart; and what was drawn. Units do not depend on the machine and are judged exactly, times generously. A failed round is played again with

  npm run hostile -- --shape NAME --rounds 1 --seed N
`

/** Programs that wait for each processor. */
function busynessNow(): number {
  return Math.max(1, loadavg()[0]! / availableParallelism())
}

const MOST_TIMES = 5

const ALLOWED: Allowances = {
  waitMs: 2000,
  busyness: 1,
  // A turn, a share beyond it, what is packed and released, and what is written.
  turnUnits: TURN_UNITS + SHARE_UNITS + 2 * 50_000,
  growthBytes: 32e6,
  recorderBytes: RECORDER_BYTES,
  residentBytes: 1.1e9,
}

interface Campaign {
  readonly chosen: readonly Shape[]
  readonly seed: number
  readonly rounds: number
  readonly endsAt: number
  readonly attackMs: number
  readonly allowed: Allowances
}

/** @returns names of the shapes that failed */
async function run({ chosen, seed, rounds, endsAt, attackMs, allowed }: Campaign): Promise<Set<string>> {
  const failed = new Set<string>()
  const total = rounds === Infinity ? undefined : rounds * chosen.length
  const progress = new Progress('hostile', { total, unit: 'rounds' })
  let done = 0
  let longestMs = 0
  const isTimeUp = (): boolean => performance.now() + longestMs >= endsAt
  for (let round = 0; round < rounds && !isTimeUp(); round++) {
    const random = new SeededRandom(seed + round)
    for (const shape of shuffled(chosen, random)) {
      if (isTimeUp()) break
      const begunAt = performance.now()
      progress.update(done++, shape.name)
      // On a busy machine an attack of the same length would be a smaller one.
      const attackTimes = Math.min(MOST_TIMES, busynessNow())
      const result = await playRound(shape, random, { attackMs: attackMs * attackTimes, seed: seed + round })
      longestMs = Math.max(longestMs, performance.now() - begunAt)
      const problems = problemsOf(result, { ...allowed, busyness: busynessNow() })
      progress.finish()
      console.log(lineOf(result, problems))
      for (const problem of problems) console.log(`    ${problem}`)
      if (problems.length === 0) continue
      failed.add(shape.name)
      console.log(`    npm run hostile -- --shape ${shape.name} --rounds 1 --seed ${seed + round}`)
    }
  }
  progress.finish()
  return failed
}

function shuffled(chosen: readonly Shape[], random: SeededRandom): Shape[] {
  const left = [...chosen]
  return chosen.map(() => left.splice(random.integer(left.length), 1)[0]!)
}

function chosenBy(names: string | undefined): readonly Shape[] {
  if (names === undefined) return shapes
  return names
    .split(',')
    .map((name) => shapes.find((shape) => shape.name === name) ?? refuse(`there is no shape ${name}`))
}

async function main(): Promise<boolean> {
  const { values } = readCommandLine(help, {
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    shape: { type: 'string' },
    'attack-ms': { type: 'string' },
    'max-wait-ms': { type: 'string' },
    seed: { type: 'string' },
  })
  const rounds = countOf('rounds', values.rounds, Infinity)
  const seconds = countOf('seconds', values.seconds, rounds === Infinity ? 170 : Infinity)
  const seed = countOf('seed', values.seed, randomInt(2 ** 31))
  const attackMs = countOf('attack-ms', values['attack-ms'], 4000)
  const allowed = { ...ALLOWED, waitMs: countOf('max-wait-ms', values['max-wait-ms'], ALLOWED.waitMs) }
  console.log(`seed ${seed}\n${HEADLINE}`)
  const chosen = chosenBy(values.shape)
  const failed = await run({ chosen, seed, rounds, endsAt: performance.now() + seconds * 1000, attackMs, allowed })
  console.log(failed.size === 0 ? 'every shape is fine' : `failed: ${[...failed].join(', ')}`)
  return failed.size === 0
}

if (isMain(import.meta.url)) process.exit((await main()) ? 0 : 1)
