/** `npm run sim`: whole brokers in virtual time, with everything that can go wrong; `help` says how. @module */
import { countOf, readCommandLine } from '../../tools/command-line.ts'
import { isMain, root } from '../../tools/main.ts'
import { Progress } from '../../tools/progress.ts'
import { runBatch } from './batch.ts'
import { OF_STORES, type TotalName } from './totals.ts'
import { World } from './world.ts'

const help = `Runs whole brokers with a fleet of Clients in virtual time, with every fault that a network, a disk and a clock can have.

Usage: npm run sim -- [options]

  --seeds N     so many worlds, one a seed (default: 100)
  --seed N      the first seed (default: 1); without --seeds that world alone, with its whole event log
  --stored      brokers that store, on disks with faults of their own
  --workers N   processes (default: one a processor)
  --variants    whether the oracles find brokers that are broken on purpose
  --sample N    only so many of these brokers; --seed decides which
  --help        this text

Examples:
  npm run sim -- --seeds 1000             seeds 1 to 1000
  npm run sim -- --seeds 50 --seed 7000   seeds 7000 to 7049
  npm run sim -- --seed 7                 what happened in world 7

A failure prints its seed, the fewest faults under which it still fails, and the end of the event log. The same seed gives
the same log, byte for byte, on any machine.
`

async function runOne(seed: number, stored: boolean): Promise<boolean> {
  const { violation, log, totals } = await new World({ seed, stored }).run()
  console.log(log.format())
  console.log(totals)
  console.log(`event log: ${log.digest}`)
  console.log(violation === undefined ? `seed ${seed} is fine` : `seed ${seed}: ${violation}`)
  return violation === undefined
}

async function runMany(
  firstSeed: number,
  seeds: number,
  stored: boolean,
  workers: number | undefined,
): Promise<boolean> {
  const progress = new Progress('simulation', { total: seeds, unit: 'seeds' })
  const startedAt = performance.now()
  const onProgress = (done: number): void => progress.update(done)
  const options = { firstSeed, seeds, folder: root, shrinks: true, stored, onProgress, ...(workers && { workers }) }
  const { totals, least, digest, runs, failed } = await runBatch(options)
  progress.finish()
  if (failed !== undefined) {
    console.log(failed.failure)
    return false
  }
  const seconds = (performance.now() - startedAt) / 1000
  for (const [name, total] of Object.entries(totals)) console.log(`${name.padEnd(20)} ${Math.round(total)}`)
  const leastOf = [...least].map(([name, most]) => `${Math.floor(most)} ${name}`)
  console.log(`each seed at least   ${leastOf.join(', ')}`)
  console.log(`event logs           ${digest}`)
  console.log(`${runs} seeds from ${firstSeed} up, all fine, in ${seconds.toFixed(0)} s`)
  const missing = Object.entries(totals).filter(
    ([name, total]) => total === 0 && (stored || !OF_STORES.includes(name as TotalName)),
  ) as [TotalName, number][]
  // A few seeds may miss what is rare; many may not.
  if (missing.length === 0 || seeds < 100) return runs === seeds
  console.log(`never seen: ${missing.map(([name]) => name).join(', ')}`)
  return false
}

async function main(): Promise<boolean> {
  const { values } = readCommandLine(help, {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    workers: { type: 'string' },
    stored: { type: 'boolean', default: false },
    variants: { type: 'boolean', default: false },
    sample: { type: 'string' },
  })
  const { stored } = values
  const seed = countOf('seed', values.seed, undefined)
  const workers = countOf('workers', values.workers, undefined)
  if (values.variants) {
    const { runVariants, sampleVariants } = await import('./variants.ts')
    return runVariants(sampleVariants(countOf('sample', values.sample, Infinity), seed ?? 1), workers)
  }
  if (values.seeds === undefined && seed !== undefined) return runOne(seed, stored)
  return runMany(seed ?? 1, countOf('seeds', values.seeds, 100), stored, workers)
}

if (isMain(import.meta.url)) {
  const isFine = await main()
  // A broker that was ended in the middle of its close would keep the process alive.
  process.stdout.write('', () => process.exit(isFine ? 0 : 1))
}
