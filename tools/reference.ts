/**
 * Writes what is made from the table of options:
 *
 *   src/broker/option-types.ts            the TypeScript types, so that editors show each key's description
 *   docs/reference/configuration.md       the manual's page
 *   docs/reference/config.schema.json     the JSON Schema for editors
 *
 *   node build/tools/reference.js           writes them
 *   node build/tools/reference.js --check   fails when one of them is stale
 *
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises'
import { format } from 'prettier'
import { toCamel } from '../src/broker/option-spelling.ts'
import { optionTable } from '../src/broker/option-table.ts'
import type { OptionRow, OptionScope } from '../src/broker/option-table.ts'

const INTERFACES: readonly { scope: OptionScope; name: string; summary: string }[] = [
  { scope: 'broker', name: 'BrokerSettings', summary: 'Keys of the top level alone.' },
  { scope: 'limits', name: 'ListenerLimits', summary: 'Keys of the top level that a listener may override.' },
  { scope: 'listener', name: 'ListenerSettings', summary: 'Keys of one listener.' },
  { scope: 'auth', name: 'AuthSettings', summary: 'Keys of `auth`.' },
  { scope: 'topic-check', name: 'TopicCheckSettings', summary: 'Keys of `topic-check`.' },
  { scope: 'persistence', name: 'PersistenceOptions', summary: 'Keys of `persistence`.' },
]

/** Keys whose resolved form `options.ts` composes by hand. */
const COMPOSED = new Set<OptionRow['type']>(['section', 'listeners', 'bind'])

const TYPES: Readonly<Partial<Record<OptionRow['type'], string>>> = {
  integer: 'number',
  number: 'number',
  boolean: 'boolean',
  text: 'string',
  path: 'string',
  'websocket-path': 'string',
  origins: 'readonly string[]',
  'address-ranges': 'readonly string[]',
  'protocol-versions': 'readonly ProtocolVersion[]',
  certificates: 'readonly ServerCertificate[]',
  plugins: 'readonly PluginReference[]',
  'access-list': 'AccessList',
  groups: 'Readonly<Record<string, readonly string[]>>',
  'open-section': 'Readonly<Record<string, unknown>>',
}

function typeOf(row: OptionRow): string {
  if (row.type !== 'choice') return TYPES[row.type]!
  return row.values!.map((value) => (typeof value === 'number' ? value : `'${value}'`)).join(' | ')
}

function member(row: OptionRow): string {
  const isAssumed = row.default !== undefined
  const unit = row.unit === undefined ? '' : row.unit.includes('per') ? ` Counted ${row.unit}.` : ` In ${row.unit}.`
  const assumed = isAssumed ? ` Default ${JSON.stringify(row.default)}.` : ''
  return `/** ${row.description}${unit}${assumed} */\nreadonly ${toCamel(row.key)}${isAssumed ? '' : '?'}: ${typeOf(row)}`
}

function optionTypes(): string {
  const interfaces = INTERFACES.map(({ scope, name, summary }) => {
    const members = optionTable.filter((row) => row.scope === scope && !COMPOSED.has(row.type)).map(member)
    return `/** ${summary} */\nexport interface ${name} {\n${members.join('\n')}\n}\n`
  })
  return `/**
 * The options of each section. Made from \`option-table.ts\` by \`tools/reference.ts\`: change it there.
 *
 * @module
 */
import type { ProtocolVersion } from '../codec/packets.ts'
import type { AccessList, PluginReference, ServerCertificate } from './option-values.ts'

${interfaces.join('\n')}`
}

const PRODUCTS: readonly { file: string; text: () => string }[] = [
  { file: 'src/broker/option-types.ts', text: optionTypes },
]

const checkOnly = process.argv.includes('--check')
for (const { file, text } of PRODUCTS) {
  const options = { semi: false, singleQuote: true, printWidth: 120, filepath: file } as const
  const wanted = await format(text(), options)
  const present = await readFile(file, 'utf8').catch(() => '')
  if (wanted === present) continue
  if (checkOnly) {
    process.exitCode = 1
    console.error(`${file} is stale: run node build/tools/reference.js`)
  } else {
    await writeFile(file, wanted)
    console.log(`${file} written`)
  }
}
