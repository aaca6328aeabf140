/** `sluice bench`: measures a broker, either the one at `--url` or one that it starts. @module */
import { writeFile } from 'node:fs/promises'
import { UsageError } from '../base/errors.ts'
import { describeResults, remote, runCampaign, started } from '../bench/campaign.ts'
import { positive, selectRows, targetOf } from '../bench/choice.ts'
import { circumstances } from '../bench/circumstances.ts'
import { ownBrokers } from '../bench/own-broker.ts'
import { endChildrenOnSignals } from '../bench/process.ts'
import { remoteWorkloads, workloads } from '../bench/workloads.ts'
import type { Call } from './command.ts'

/** Runs of each row; `npm run bench` repeats them, to compare commits. */
const RUNS = 1

/**
 * @returns the exit code: 1 if a row could not be measured
 * @throws {UsageError} for an invalid address, row, number or file
 */
export async function bench({ options, terminal }: Call): Promise<number> {
  const target = options['url'] === undefined ? undefined : targetOf(options['url'])
  const rows = selectRows(options['rows'], target === undefined ? workloads : remoteWorkloads)
  const seconds = positive('seconds', options['seconds'] ?? '2')
  if (options['json'] !== undefined) await claim(options['json'])
  endChildrenOnSignals()
  const { sluice, sluiceOnDisk } = ownBrokers()
  const contenders = target === undefined ? [started(sluice), started(sluiceOnDisk)] : [remote(target)]
  const results = await runCampaign({ rows, runs: RUNS, seconds }, contenders)
  terminal.out(describeResults(results).trimEnd())
  if (options['json'] !== undefined) {
    const about = circumstances(target === undefined ? [sluice] : [], seconds, RUNS)
    await writeFile(options['json'], `${JSON.stringify({ about, results }, null, 2)}\n`)
  }
  return results.some((result) => result.error !== undefined) ? 1 : 0
}

/** Checks that the figures can be written, before minutes are spent on them. */
async function claim(file: string): Promise<void> {
  try {
    await writeFile(file, '')
  } catch (error) {
    throw new UsageError(`--json cannot write ${file}: ${(error as Error).message}`, { cause: error })
  }
}
