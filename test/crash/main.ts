/**
 * Crash tests: acknowledged means stored, whatever happens to the Server.
 *
 *   kills   kill -9 of a broker process on a real disk, over TCP (`kills.ts`)
 *   changes kill -9 while users, roles and rules are changed (`changes.ts`)
 *   bridges kill -9 of either of two bridged brokers, and cuts of the link between them (`bridge-kills.ts`)
 *   cuts    power cuts: a Broker in this process over a disk in memory that loses all that was not synced (`cuts.ts`)
 *
 * In kills and cuts, the same Clients (`crew.ts`) publish at QoS 1 and 2 as fast as they may, while durable subscribers
 * come and go, and `book.ts` says what they are owed: every acknowledged message delivered, QoS 2 exactly once, in
 * order per publisher and topic, and retained values no older than the last acknowledged one.
 *
 * @module
 */
import { randomInt } from 'node:crypto'
import { SeededRandom } from '../../src/testing/random.ts'
import { countOf, readCommandLine } from '../../tools/command-line.ts'
import { Progress } from '../../tools/progress.ts'
import type { Book } from './book.ts'
import { bridgeRounds } from './bridge-kills.ts'
import { changeRounds } from './changes.ts'
import { cutRounds } from './cuts.ts'
import { killRounds } from './kills.ts'

const DEFAULT_KILLS = 50
const DEFAULT_CUTS = 300
const DEFAULT_CHANGES = 20
const DEFAULT_BRIDGES = 20

const help = `Kills brokers and cuts their power while Clients publish as fast as they may: is what they acknowledged still there?

Usage: node build/test/crash/main.js [options]

  --kills N   kill -9 of a broker process on a real disk, over TCP (default: ${DEFAULT_KILLS})
  --cuts N    power cuts of a broker over a disk in memory that loses what was not synced (default: ${DEFAULT_CUTS})
  --changes N kill -9 while users, roles and rules are changed through the socket (default: ${DEFAULT_CHANGES})
  --bridges N kill -9 of either of two bridged brokers, or a cut of the link between them (default: ${DEFAULT_BRIDGES})
  --seed N    the same once more (default: a new one, printed)
  --help      this text

Example: node build/test/crash/main.js --kills 5 --cuts 0 --seed 7
`

async function main(): Promise<boolean> {
  const { values } = readCommandLine(help, {
    kills: { type: 'string' },
    cuts: { type: 'string' },
    changes: { type: 'string' },
    bridges: { type: 'string' },
    seed: { type: 'string' },
  })
  const seed = countOf('seed', values.seed, randomInt(2 ** 31))
  console.log(`seed ${seed}`)
  const cutsPass = await run('power cuts', cutRounds, countOf('cuts', values.cuts, DEFAULT_CUTS), seed)
  const killsPass = await run('kills', killRounds, countOf('kills', values.kills, DEFAULT_KILLS), seed)
  const changesPass = await runChanges(countOf('changes', values.changes, DEFAULT_CHANGES), seed)
  const bridgesPass = await runBridges(countOf('bridges', values.bridges, DEFAULT_BRIDGES), seed)
  const pass = cutsPass && killsPass && changesPass && bridgesPass
  if (!pass) console.log(`once more with: node build/test/crash/main.js --seed ${seed}`)
  return pass
}

async function runChanges(count: number, seed: number): Promise<boolean> {
  if (count === 0) return true
  const progress = new Progress('kills during changes', { total: count })
  const { book, changesPerSecond } = await changeRounds(count, new SeededRandom(seed), progress)
  progress.finish()
  const { answered, unanswered, kept, refused, faults } = book
  const sum = `${answered} changes answered, ${changesPerSecond} a second, ${refused} refused; of ${unanswered} without an answer, ${kept} were kept`
  console.log(`${count} kills during changes: ${faults.length === 0 ? 'nothing lost, nothing half' : 'FAILED'}; ${sum}`)
  for (const fault of faults) console.log(`  ${fault}`)
  return faults.length === 0
}

async function runBridges(count: number, seed: number): Promise<boolean> {
  if (count === 0) return true
  const progress = new Progress('kills of bridged brokers', { total: count })
  const books = await bridgeRounds(count, new SeededRandom(seed), progress)
  progress.finish()
  const [acknowledged, deliveries] = [sumOf(books, 'acknowledged'), sumOf(books, 'deliveries')]
  const faults = books.flatMap((book) => book.faults)
  const sum = `${acknowledged} messages acknowledged, ${deliveries} deliveries, ${sumOf(books, 'repeats')} repeats at QoS 1`
  console.log(`${count} kills of bridged brokers: ${faults.length === 0 ? 'nothing lost' : 'FAILED'}; ${sum}`)
  for (const fault of faults) console.log(`  ${fault}`)
  return faults.length === 0
}

function sumOf(books: readonly Book[], field: 'acknowledged' | 'deliveries' | 'repeats'): number {
  return books.reduce((sum, book) => sum + book[field], 0)
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
