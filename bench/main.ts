/** `npm run bench`: runs the rows, prints the table. See `options.ts` for what it takes. @module */
import { writeFile } from 'node:fs/promises'
import { UsageError } from '../src/base/errors.ts'
import { describeResults, remote, runCampaign, started } from '../src/bench/campaign.ts'
import { circumstances } from '../src/bench/circumstances.ts'
import type { BrokerKind } from '../src/bench/own-broker.ts'
import { endChildrenOnSignals } from '../src/bench/process.ts'
import { presentPeers, sluice, sluiceOnDisk } from './brokers/broker.ts'
import { help, readOptions, type Options } from './options.ts'
import { writeReport } from './report.ts'

function choosePeers(names: readonly string[] | undefined): BrokerKind[] {
  const present = presentPeers()
  if (names === undefined) return present
  return names.map((name) => {
    const found = present.find((kind) => kind.name === name)
    if (found) return found
    throw new UsageError(`no peer ${name} is here; there are: ${present.map((kind) => kind.name).join(', ') || 'none'}`)
  })
}

async function main(options: Options): Promise<void> {
  if (options.help) {
    process.stdout.write(help)
    return
  }
  endChildrenOnSignals()
  const kinds = [sluice, sluiceOnDisk, ...choosePeers(options.peers)]
  const contenders = options.target
    ? [remote(options.target)]
    : kinds.map((kind) => started(kind, ({ goal }) => kind === sluice || goal !== undefined))
  const results = await runCampaign(options, contenders)
  process.stdout.write(`\n${describeResults(results)}`)
  const about = circumstances(options.target ? [] : kinds, options.seconds, options.runs)
  if (options.json !== undefined) await writeFile(options.json, JSON.stringify({ about, results }, null, 2))
  if (options.write) await writeReport(results, about)
  if (results.some((result) => result.error !== undefined)) process.exitCode = 1
}

try {
  await main(readOptions(process.argv.slice(2)))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\nnpm run bench -- --help says more\n`)
  process.exitCode = 2
}
