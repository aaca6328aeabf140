/** What `--write` leaves in the repository: `RESULTS.md` and `results.svg`. @module */
import { writeFile } from 'node:fs/promises'
import type { Circumstances } from '../src/bench/circumstances.ts'
import { plot } from './plot.ts'
import { bars, resultTables, type Result } from '../src/bench/results.ts'
import { markdownTable } from '../src/bench/table.ts'

/** The page itself. */
export function resultsPage(results: readonly Result[], about: Circumstances): string {
  const tables = resultTables(results).map(
    ({ title, columns, rows }) => `## ${title}\n\n${markdownTable(columns, rows)}`,
  )
  return `# Benchmark results

Written by \`npm run bench -- --write\` on ${about.date}.

- Machine: ${about.machine}
- Versions: ${about.versions}
- Each figure is the median of ${about.runs} runs of ${about.seconds} s, with the brokers taking turns; *spread* is (largest − smallest) / median.

*Broker µs/message* is the processor time of the broker's whole process for each delivered message, as the operating system counts
it. *Generator* is the same for the process that drives the broker; it is empty if that process polls the clock. *Of Mosquitto* and
*of aedes* are ratios of the broker's cost (for idle connections, of its memory) within the same runs, each beside its goal.
Sluice runs with permissions on (\`topic_acl\`) and durability \`memory\`, Mosquitto with \`persistence false\` and no limits.
In *Stored messages*, \`sluice disk\` acknowledges what is on disk, \`sluice\` what is in memory, and Mosquitto with
\`persistence true\` what it writes to disk every half hour; *of memory* is a ratio of messages/s. These rows run once; they end when
a million messages are acknowledged and, if there are receivers, delivered.

![Broker processor time per delivered message](results.svg)

${tables.join('\n')}`
}

/** Writes both files beside the benchmark's source. */
export async function writeReport(results: readonly Result[], about: Circumstances): Promise<void> {
  const folder = new URL('../../bench/', import.meta.url)
  await writeFile(new URL('RESULTS.md', folder), resultsPage(results, about))
  await writeFile(new URL('results.svg', folder), plot(bars(results), `${about.date}, ${about.machine}`))
}
