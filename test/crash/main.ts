/**
 * Crash tests: acknowledged means stored, whatever happens to the Server.
 *
 *     node build/test/crash/main.js --kills 50 --cuts 300 --seed 7
 *
 *   kills   kill -9 of a broker process on a real disk, over TCP (`kills.ts`)
 *   cuts    power cuts: a Broker in this process over a disk in memory that loses all that was not synced (`cuts.ts`)
 *
 * The same Clients (`crew.ts`) publish at QoS 1 and 2 as fast as they may, while durable subscribers come and go, and
 * `book.ts` says what they are owed: every acknowledged message delivered, QoS 2 exactly once, in order per publisher and topic,
 * and retained values no older than the last acknowledged one.
 *
 * @module
 */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { SeededRandom } from '../../src/testing/random.ts'
import { Progress } from '../../tools/progress.ts'
import { cutRounds } from './cuts.ts'
import { killRounds } from './kills.ts'

const DEFAULT_KILLS = 50
const DEFAULT_CUTS = 300

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: { kills: { type: 'string' }, cuts: { type: 'string' }, seed: { type: 'string' } },
  })
  const seed = Number(values.seed ?? randomInt(2 ** 31))
  console.log(`seed ${seed}`)
  const cutsPass = await run('power cuts', cutRounds, Number(values.cuts ?? DEFAULT_CUTS), seed)
  const killsPass = await run('kills', killRounds, Number(values.kills ?? DEFAULT_KILLS), seed)
  if (!cutsPass || !killsPass) console.log(`once more with: node build/test/crash/main.js --seed ${seed}`)
  return cutsPass && killsPass
}

async function run(name: string, rounds: typeof killRounds, count: number, seed: number): Promise<boolean> {
  if (count === 0) return true
  const progress = new Progress(name, { total: count })
  const book = await rounds(count, new SeededRandom(seed), progress)
  progress.finish()
  const { acknowledged, deliveries, repeats, faults } = book
  const sum = `${acknowledged} messages acknowledged, ${deliveries} deliveries, ${repeats} repeats at QoS 1`
  console.log(`${count} ${name}: ${faults.length === 0 ? 'nothing lost' : 'FAILED'}; ${sum}`)
  for (const fault of faults) console.log(`  ${fault}`)
  return faults.length === 0
}

// Brokers that lost their power are left as they were: what still waits in them must not keep this process.
process.exit((await main()) ? 0 : 1)
