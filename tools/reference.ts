/**
 * Generates files from the tables of options, figures and events, and from the declarations of the package:
 *
 *   src/config/option-types.ts            the TypeScript types, so that editors show each key's description
 *   docs/reference/configuration.md       the manual's page
 *   docs/reference/config.schema.json     the JSON Schema for editors
 *   docs/reference/metrics.md             all figures, from `figure-table.ts`
 *   docs/reference/events.md              the events of a broker, from `event-table.ts`
 *   docs/reference/api.md                 everything that `sluice` exports, from the declaration files
 *   docs/reference/testing.md             everything that `sluice/testing` exports
 *
 *   node build/tools/reference.js           writes them
 *   node build/tools/reference.js --check   fails if one of them is outdated
 *
 * @module
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { toJsonSchema } from '@valibot/to-json-schema'
import { format, resolveConfig } from 'prettier'
import * as v from 'valibot'
import { describeType, schemaOf } from '../src/config/option-schema.ts'
import { toCamel } from '../src/config/option-spelling.ts'
import { optionTable, rowsOf } from '../src/config/option-table.ts'
import { endCauseTable, eventTable, sessionEndTable } from '../src/reporting/event-table.ts'
import { SYS_TOPIC_PREFIX, type FigureRow } from '../src/reporting/figure.ts'
import { figureTable } from '../src/reporting/figure-table.ts'
import type { OptionRow, OptionScope, SectionName } from '../src/config/option-table.ts'
import { anchorOf } from './api-page.ts'
import { apiPages } from './api-reference.ts'
import { dashboardJson } from './dashboard.ts'
import { isMain, root } from './main.ts'

const INTERFACES: readonly { scope: OptionScope; name: string; summary: string }[] = [
  { scope: 'broker', name: 'TopLevelSettings', summary: 'Keys of the top level alone.' },
  { scope: 'limits', name: 'ListenerLimits', summary: 'Keys of the top level that a listener may override.' },
  { scope: 'listener', name: 'ListenerSettings', summary: 'Keys of one listener.' },
  { scope: 'auth', name: 'AuthSettings', summary: 'Keys of `auth`.' },
  { scope: 'auth.jwt', name: 'AuthJwtOptions', summary: 'Keys of `auth.jwt`.' },
  { scope: 'auth.http', name: 'AuthHttpOptions', summary: 'Keys of `auth.http`.' },
  { scope: 'auth.scram', name: 'AuthScramOptions', summary: 'Keys of `auth.scram`.' },
  { scope: 'topic-check', name: 'TopicCheckSettings', summary: 'Keys of `topic-check`.' },
  { scope: 'intercept', name: 'InterceptSettings', summary: 'Keys of `intercept`.' },
  { scope: 'users', name: 'UsersOptions', summary: 'Keys of `users`.' },
  { scope: 'bans', name: 'BansOptions', summary: 'Keys of `bans`.' },
  { scope: 'persistence', name: 'PersistenceOptions', summary: 'Keys of `persistence`.' },
  { scope: 'log', name: 'LogOptions', summary: 'Keys of `log`.' },
  { scope: 'admin', name: 'AdminSettings', summary: 'Keys of `admin`.' },
]

/** Keys whose resolved form `options.ts` defines by hand. */
function isComposed({ scope, type }: OptionRow): boolean {
  return type === 'listeners' || type === 'bind' || (type === 'section' && scope === 'broker')
}

const TYPES: Readonly<Partial<Record<OptionRow['type'], string>>> = {
  integer: 'number',
  number: 'number',
  boolean: 'boolean',
  text: 'string',
  path: 'string',
  'websocket-path': 'string',
  origins: 'readonly string[]',
  hosts: 'readonly string[]',
  'address-ranges': 'readonly string[]',
  'protocol-versions': 'readonly ProtocolVersion[]',
  certificates: 'readonly ServerCertificate[]',
  plugins: 'readonly PluginReference[]',
  'topic-filters': 'readonly string[]',
  'access-list': 'AccessList',
  groups: 'Readonly<Record<string, readonly string[]>>',
  'durability-map': "Readonly<Record<string, 'disk' | 'process' | 'memory'>>",
  url: 'string',
  headers: 'Readonly<Record<string, string>>',
  choices: 'readonly string[]',
}

function typeOf(row: OptionRow): string {
  if (row.type === 'section') return INTERFACES.find(({ scope }) => scope === sectionOf(row))!.name
  if (row.type !== 'choice') return TYPES[row.type]!
  return row.values!.map((value) => (typeof value === 'number' ? value : `'${value}'`)).join(' | ')
}

/** The section for a key of this type. */
function sectionOf({ scope, key }: OptionRow): SectionName {
  return (scope === 'broker' ? key : `${scope}.${key}`) as SectionName
}

function member(row: OptionRow): string {
  const isAssumed = row.default !== undefined
  const unit = row.unit === undefined ? '' : row.unit.includes('per') ? ` Counted ${row.unit}.` : ` In ${row.unit}.`
  const assumed = isAssumed ? ` Default ${JSON.stringify(row.default)}.` : ''
  return `/** ${row.description}${unit}${assumed} */\nreadonly ${toCamel(row.key)}${isAssumed ? '' : '?'}: ${typeOf(row)}`
}

function optionTypes(): string {
  const interfaces = INTERFACES.map(({ scope, name, summary }) => {
    const members = optionTable.filter((row) => row.scope === scope && !isComposed(row)).map(member)
    return `/** ${summary} */\nexport interface ${name} {\n${members.join('\n')}\n}\n`
  })
  return `/**
 * The options of each section. Made from \`option-table.ts\` by \`tools/reference.ts\`: change it there.
 *
 * @module
 */
import type { ProtocolVersion } from '../codec/packet-types.ts'
import type { AccessList, PluginReference, ServerCertificate } from './option-values.ts'

${interfaces.join('\n')}`
}

const SECTIONS = [
  { section: 'broker', title: 'Top level', scopes: ['broker', 'limits'] },
  { section: 'listener', title: 'A listener: `listeners.<name>`', scopes: ['listener'] },
  { section: 'auth', title: '`auth`', scopes: ['auth'] },
  { section: 'auth.jwt', title: '`auth.jwt`', scopes: ['auth.jwt'] },
  { section: 'auth.http', title: '`auth.http`', scopes: ['auth.http'] },
  { section: 'auth.scram', title: '`auth.scram`', scopes: ['auth.scram'] },
  { section: 'topic-check', title: '`topic-check`', scopes: ['topic-check'] },
  { section: 'intercept', title: '`intercept`', scopes: ['intercept'] },
  { section: 'users', title: '`users`', scopes: ['users'] },
  { section: 'bans', title: '`bans`', scopes: ['bans'] },
  { section: 'persistence', title: '`persistence`', scopes: ['persistence'] },
  { section: 'log', title: '`log`', scopes: ['log'] },
  { section: 'admin', title: '`admin`', scopes: ['admin'] },
] as const

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`)
}

function shownDefault(row: OptionRow): string {
  if (row.default === undefined) return ''
  if (row.type === 'boolean') return row.default === true ? '`on`' : '`off`'
  if (row.type === 'protocol-versions') return '`[3.1, 3.1.1, 5.0]`'
  return row.default === '' ? 'empty' : `\`${typeof row.default === 'object' ? '[]' : String(row.default as string)}\``
}

function line(row: OptionRow): string {
  const anchor = `<a id="${row.scope}.${row.key}"></a>\`${row.key}\``
  const also = row.scope === 'limits' ? ' *Also in a listener.*' : ''
  return `| ${[anchor, describeType(row), shownDefault(row), row.description + also].map(cell).join(' | ')} |`
}

function page(): string {
  const sections = SECTIONS.map(({ title, scopes }) => {
    const rows = optionTable.filter((row) => (scopes as readonly OptionScope[]).includes(row.scope))
    return `## ${title}\n\n| Key | Value | Default | What it does |\n| --- | --- | --- | --- |\n${rows.map(line).join('\n')}\n`
  })
  return `${INTRODUCTION}\n${sections.join('\n')}`
}

const INTRODUCTION = `# Configuration

<!-- Made from src/config/option-table.ts by tools/reference.ts: change it there. -->

A configuration is a YAML file (\`sluice start --config FILE\`), or the same object in a program (\`createBroker({ … })\`).

\`\`\`yaml
listeners:
  default: # inherited by the others
    max-connections: 50000
  plain:
    bind: 127.0.0.1:1883
  secure:
    bind: :8883
    ssl: on
    certfile: server.crt
    keyfile: server.key
auth:
  password-file: passwords
topic-check:
  acl:
    sensor: { publish: ['sensors/%c/#'] }
    dashboard: ['sensors/#']
\`\`\`

- Keys are written in kebab-case; \`max_connections\` and \`maxConnections\` are accepted too. Two spellings of the same key in one
  section are an error.
- In values of a file, \`\${NAME}\` is replaced by an environment variable, and \`\${NAME:-default}\` by the default if the variable is
  missing or empty; without a default, a missing variable is an error. \`$\${NAME}\` is the text itself. Variables are not replaced in
  keys and cannot add keys. Inside \`{ … }\` and \`[ … ]\` such a value needs quotes: \`{ max-connections: "\${N}" }\`. The result has
  the type of the option (number, boolean or text), with or without quotes. Keys of your own plugins have no type: there, only a
  value without quotes can become a number or a boolean.
- A section can include the keys of another: \`<<: *base\`, where the other one begins with \`&base\` (YAML merge keys).
- A boolean is \`on\`, \`off\`, \`yes\`, \`no\`, \`true\` or \`false\`.
- Relative paths are relative to the configuration file's folder or, in a program, to the working directory.
- A listener uses its own key, or else that of \`listeners.default\`, the top level, or the default, in this order.
- \`sluice check --config FILE\` reports every mistake with line and column, without starting the broker.
- For editor support from the JSON Schema, begin the file with
  \`# yaml-language-server: $schema=node_modules/sluice/docs/reference/config.schema.json\`.
`

/** The keys of one section as one schema. */
function sectionSchema(section: (typeof SECTIONS)[number]['section']): v.GenericSchema {
  const entries = rowsOf(section).map((row) => {
    const inner =
      row.type === 'section'
        ? sectionSchema(sectionOf(row))
        : row.type === 'listeners'
          ? v.record(v.string(), sectionSchema('listener'))
          : schemaOf(row)
    return [row.key, v.optional(v.pipe(inner, v.description(row.description)))] as const
  })
  const isOpen = section === 'auth' || section === 'topic-check' || section === 'intercept'
  return isOpen ? v.looseObject(Object.fromEntries(entries)) : v.strictObject(Object.fromEntries(entries))
}

function jsonSchema(): string {
  const schema = toJsonSchema(sectionSchema('broker'), { typeMode: 'input', errorMode: 'ignore' })
  return JSON.stringify({ title: 'Sluice configuration', ...schema })
}

function rows(cells: readonly (readonly string[])[]): string {
  return cells.map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n')
}

function eventsPage(): string {
  const events = Object.entries(eventTable).map(([name, { description, fields }]) => {
    const told = Object.entries(fields).map(([field, meaning]) => [`\`${field}\``, meaning])
    const table = told.length === 0 ? '' : `\n| Field | Meaning |\n| --- | --- |\n${rows(told)}\n`
    return `### \`${name}\`\n\n${description}\n${table}`
  })
  const causes = (table: Readonly<Record<string, string>>): string =>
    rows(Object.entries(table).map(([cause, description]) => [`\`${cause}\``, description]))
  return `# Events

<!-- Made from src/reporting/event-table.ts by tools/reference.ts: change it there. -->

\`broker.on(name, listener)\` calls the listener with every event of that name, \`once\` with the next one only, and \`off\` removes
it; \`addListener\` and \`removeListener\` are the same as \`on\` and \`off\`. An unknown name throws. A listener that throws is logged
and changes nothing. \`published\`, \`delivered\`, \`dropped\`, \`packetReceived\` and \`packetSent\` are emitted for every message
and cost nothing without a listener. A plugin has the same methods in \`context.events\`.

\`once\` and \`on\` of \`node:events\` work with a broker: they yield an array with the event, and reject if \`error\` is emitted.

\`\`\`ts
import { type EventEmitter, once } from 'node:events'
import { createBroker } from 'sluice'

const broker = await createBroker({ listeners: {} })
const closed = once(broker as unknown as EventEmitter, 'closed')
await broker.close()
const [event] = await closed
console.log(event) // { unstoredChanges: 0 }
\`\`\`

## The events

${events.join('\n')}
## Why a connection ended

| Cause | What happened |
| --- | --- |
${causes(endCauseTable)}

## Why a session ended

| Cause | What happened |
| --- | --- |
${causes(sessionEndTable)}
`
}

function figureRows(figures: readonly FigureRow[]): string {
  return rows(
    figures.map(({ name, unit, description, prometheus, labels, topics }) => {
      const label = Object.entries(labels).map(([key, value]) => `${key}="${value}"`)
      const series = prometheus === undefined ? '' : `\`${prometheus}${label.length > 0 ? `{${label.join()}}` : ''}\``
      const named = (naming: 'sluice' | 'mosquitto'): string =>
        topics.flatMap((of) => (of.naming === naming ? [`\`${of.topic}\``] : [])).join(', ')
      return [`\`${name}\``, unit, series, named('sluice'), named('mosquitto'), description]
    }),
  )
}

function metricsPage(): string {
  const isDrop = ({ name }: FigureRow): boolean => name.startsWith('dropped.')
  const isAverage = ({ name }: FigureRow): boolean => name.startsWith('load.')
  const isStored = ({ name }: FigureRow): boolean => name.startsWith('store.')
  const others = figureTable.filter((row) => !isDrop(row) && !isAverage(row) && !isStored(row))
  const table = (
    figures: readonly FigureRow[],
  ): string => `| Figure | Unit | Prometheus | Topic | Mosquitto's topic | Meaning |
| --- | --- | --- | --- | --- | --- |
${figureRows(figures)}`
  return `# Metrics

<!-- Made from src/reporting/figure-table.ts by tools/reference.ts: change it there. -->

\`broker.figures()\` returns every figure with its value, \`broker.figure(name)\` returns one:

\`\`\`ts
import { createBroker } from 'sluice'

await using broker = await createBroker({ listeners: {} })
await broker.publish('lamp', 'on', { retain: true })
console.log(broker.figure('retainedMessages')?.value)
for (const figure of broker.figures()) if (figure.kind === 'histogram') console.log(figure.name, figure.value.count)
\`\`\`

Counters and histograms start at 0 when the broker starts and only grow; gauges rise and fall. \`broker.metrics\` has the counters as
live fields: \`broker.metrics.takeovers\` is the value of \`takeovers\`, \`broker.metrics.dropped['queue full']\` that of
\`dropped.queue full\`. Figures have a name for Prometheus, where times are in seconds, unless Prometheus can
compute them from others.

The topics are below \`${SYS_TOPIC_PREFIX}\`: retained messages that the broker publishes every \`sys-interval\` seconds if their value has
changed. Many figures are also published under Mosquitto's topic, with its unit and meaning, so that exporters and dashboards
made for Mosquitto work. \`${SYS_TOPIC_PREFIX}version\` and \`${SYS_TOPIC_PREFIX}time\` are the version and the time of day.

## Counters

${table(others.filter(({ kind }) => kind === 'counter'))}

## Gauges

${table(others.filter(({ kind }) => kind === 'gauge'))}

## Histograms

The value has \`count\`, \`sum\`, \`largest\` and \`buckets\`, each with \`upTo\` and its own \`count\`. The topics ending in \`p50\` and \`p99\` are
the median and the 99th percentile.

${table(others.filter(({ kind }) => kind === 'histogram'))}

## Messages that did not reach a client

\`broker.metrics.dropped\` counts them by cause; the event \`dropped\` is emitted for each of them, with the same cause.

${table(figureTable.filter(isDrop))}

## Averages

Computed as Mosquitto does, each time the topics are published; 0 if \`sys-interval\` is 0.

${table(figureTable.filter(isAverage))}

## The store

These exist if the broker has a store ([durability](../durability.md)); \`broker.storeFigures\` has them without the prefix
\`store.\`. Counters:

${table(figureTable.filter((row) => isStored(row) && row.kind === 'counter'))}

Gauges:

${table(figureTable.filter((row) => isStored(row) && row.kind === 'gauge'))}
`
}

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
  { file: 'docs/reference/configuration.md', text: page },
  { file: 'docs/reference/config.schema.json', text: jsonSchema },
  { file: 'docs/reference/metrics.md', text: metricsPage },
  { file: 'docs/reference/events.md', text: eventsPage },
  { file: 'docs/reference/api.md', text: async () => apiText('sluice') },
  { file: 'docs/reference/testing.md', text: async () => apiText('sluice/testing') },
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
