/**
 * Generates files from the tables of options, figures and events, and from the declarations of the package:
 *
 *   src/config/option-types.ts            the TypeScript types, so that editors show each key's description
 *   docs/reference/configuration.md       the manual's page
 *   docs/reference/config.schema.json     the JSON Schema for editors
 *   docs/reference/metrics.md             all figures, from `figure-table.ts`
 *   docs/reference/events.md              the events of a broker, from `event-table.ts`
 *   docs/reference/api.md                 everything that `sluice` exports, from the declaration files
 *   docs/reference/cli.md                 the commands of the program, from `src/cli/commands.ts`
 *   docs/reference/testing.md             everything that `sluice/testing` exports
 *
 *   node build/tools/reference.js           writes them
 *   node build/tools/reference.js --check   fails if one of them is outdated
 *
 * @module
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import type { OptionScope } from '../src/config/option-table.ts'
import { anchorOf } from './api-page.ts'
import { cliPage } from './cli-page.ts'
import { apiPages } from './api-reference.ts'
import { dashboardJson } from './dashboard.ts'
import { eventsPage } from './event-reference.ts'
import { isMain, root } from './main.ts'
import { metricsPage } from './metrics-reference.ts'
import { configurationPage, INTERFACES, jsonSchema, optionTypes, SECTIONS } from './option-reference.ts'

const inMetrics = 'Its fields are the counters and histograms of [Metrics](metrics.md).'

/** Interfaces whose members are described on a page of their own. */
const membersElsewhere = new Map([
  ['Metrics', inMetrics],
  ['ConnectionMetrics', inMetrics],
  ...INTERFACES.map(({ scope, name }) => {
    const { title } = SECTIONS.find(({ scopes }) => (scopes as readonly OptionScope[]).includes(scope))!
    return [name, `Its members are the keys of [${title}](configuration.md#${anchorOf(title)}), in camelCase.`] as const
  }),
])

let pages: Promise<ReadonlyMap<string, string>> | undefined

/** A page of the API reference; all are read at once, because that requires the compiler. */
async function apiText(specifier: string): Promise<string> {
  pages ??= apiPages(membersElsewhere)
  return (await pages).get(specifier)!
}

const PRODUCTS: readonly { file: string; text: () => string | Promise<string> }[] = [
  { file: 'src/config/option-types.ts', text: optionTypes },
  { file: 'docs/reference/configuration.md', text: configurationPage },
  { file: 'docs/reference/config.schema.json', text: jsonSchema },
  { file: 'docs/reference/metrics.md', text: metricsPage },
  { file: 'docs/reference/events.md', text: eventsPage },
  { file: 'docs/reference/api.md', text: async () => apiText('sluice') },
  { file: 'docs/reference/testing.md', text: async () => apiText('sluice/testing') },
  { file: 'docs/reference/cli.md', text: cliPage },
  { file: 'ops/grafana-dashboard.json', text: dashboardJson },
]

/** Writes outdated files, or with `checkOnly` only lists them. */
export async function makeReference(checkOnly: boolean): Promise<string[]> {
  const style = (await resolveConfig(join(root, 'package.json'))) ?? {}
  const stale: string[] = []
  for (const { file, text } of PRODUCTS) {
    const path = join(root, file)
    const wanted = file.endsWith('.md') ? await text() : await format(await text(), { ...style, filepath: file })
    const present = await readFile(path, 'utf8').catch(() => '')
    if (wanted === present) continue
    stale.push(file)
    if (!checkOnly) await mkdir(dirname(path), { recursive: true }).then(() => writeFile(path, wanted))
  }
  return stale
}

if (isMain(import.meta.url)) {
  const checkOnly = process.argv.includes('--check')
  const stale = await makeReference(checkOnly)
  for (const file of stale)
    console.log(checkOnly ? `${file} is outdated: run node build/tools/reference.js` : `${file} written`)
  if (checkOnly && stale.length > 0) process.exitCode = 1
}
