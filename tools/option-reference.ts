/**
 * The reference of all options, from `src/config/option-table.ts`: TypeScript types, a page of the manual, and a JSON
 * Schema.
 *
 * @module
 */
import { toJsonSchema } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { describeType, schemaOf } from '../src/config/option-schema.ts'
import { toCamel } from '../src/config/option-spelling.ts'
import { optionTable, rowsOf } from '../src/config/option-table.ts'
import type { OptionRow, OptionScope, SectionName } from '../src/config/option-table.ts'
import { cell } from './markdown-table.ts'

/** The interfaces of `option-types.ts`. */
export const INTERFACES: readonly { scope: OptionScope; name: string; summary: string }[] = [
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
  { scope: 'admin.openid', name: 'AdminOpenidOptions', summary: 'Keys of `admin.openid`.' },
  { scope: 'telemetry', name: 'TelemetryOptions', summary: 'Keys of `telemetry`.' },
  { scope: 'bridge', name: 'BridgeSettings', summary: 'Keys of one bridge.' },
  { scope: 'bridge.queue', name: 'BridgeQueueOptions', summary: 'Keys of `queue` of a bridge.' },
]

/** Keys whose resolved form `options.ts` defines by hand. */
function isComposed({ scope, type }: OptionRow): boolean {
  return type === 'listeners' || type === 'bridges' || type === 'bind' || (type === 'section' && scope === 'broker')
}

const TYPES: Readonly<Partial<Record<OptionRow['type'], string>>> = {
  integer: 'number',
  number: 'number',
  'number-or-auto': "number | 'auto'",
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
  'role-map': "Readonly<Partial<Record<'viewer' | 'operator' | 'administrator', readonly string[]>>>",
  'durability-map': "Readonly<Record<string, 'disk' | 'process' | 'memory'>>",
  url: 'string',
  headers: 'Readonly<Record<string, string>>',
  choices: 'readonly string[]',
  'bridge-rules': 'readonly BridgeRule[]',
  'server-urls': 'readonly string[]',
  size: 'number',
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

/** The TypeScript types of the options. */
export function optionTypes(): string {
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
import type { AccessList, BridgeRule, PluginReference, ServerCertificate } from './option-values.ts'

${interfaces.join('\n')}`
}

/** The sections of the page, in their order. */
export const SECTIONS = [
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
  { section: 'admin.openid', title: '`admin.openid`', scopes: ['admin.openid'] },
  { section: 'telemetry', title: '`telemetry`', scopes: ['telemetry'] },
  { section: 'bridge', title: 'A bridge: `bridges.<name>`', scopes: ['bridge'] },
  { section: 'bridge.queue', title: '`queue` of a bridge', scopes: ['bridge.queue'] },
] as const

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

/** The manual's page of all options. */
export function configurationPage(): string {
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
          : row.type === 'bridges'
            ? v.record(v.string(), sectionSchema('bridge'))
            : schemaOf(row)
    return [row.key, v.optional(v.pipe(inner, v.description(row.description)))] as const
  })
  const isOpen = section === 'auth' || section === 'topic-check' || section === 'intercept'
  return isOpen ? v.looseObject(Object.fromEntries(entries)) : v.strictObject(Object.fromEntries(entries))
}

/** The JSON Schema of a configuration, for editors. */
export function jsonSchema(): string {
  const schema = toJsonSchema(sectionSchema('broker'), { typeMode: 'input', errorMode: 'ignore' })
  return JSON.stringify({ title: 'Sluice configuration', ...schema })
}
