/**
 * The accepted values of each type of option, as a valibot schema derived from its row of the table. The schema's
 * message states what the value must be; the caller adds the place and the value.
 *
 * @module
 */
import { isIP } from 'node:net'
import * as v from 'valibot'
import { topicFilterProblem } from '../topics/topic-filter.ts'
import type { OptionRow, OptionType } from './option-table.ts'

/** Host and port of a `bind`; host '' means every interface. */
export interface BindAddress {
  readonly host: string
  readonly port: number
}

type Schema = v.GenericSchema<unknown, unknown>

const SWITCH: Readonly<Record<string, boolean>> = {
  on: true,
  yes: true,
  true: true,
  off: false,
  no: false,
  false: false,
}

const VERSIONS: Readonly<Record<string, 3 | 4 | 5>> = { '3.1': 3, '3.1.1': 4, '5': 5, '5.0': 5 }

/**
 * Parses a `bind`.
 *
 * @returns `undefined` if it is invalid
 *
 * @example
 * parseBind('[::1]:1883') // { host: '::1', port: 1883 }
 * parseBind(':0') // { host: '', port: 0 }
 * parseBind('*:0') // { host: '', port: 0 }
 * parseBind('::1:1883') // undefined
 */
export function parseBind(bind: string): BindAddress | undefined {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:[\]\s/]*)):(?<port>\d{1,5})$/.exec(bind)
  const { v6, name, port } = match?.groups ?? {}
  if (port === undefined || Number(port) > 65_535) return undefined
  if (v6 !== undefined && isIP(v6.split('%')[0]!) !== 6) return undefined
  if (name !== undefined && /^[\d.]+$/.test(name) && isIP(name) !== 4) return undefined
  if (name !== '*' && name?.includes('*')) return undefined
  return { host: v6 ?? (name === '*' ? '' : (name ?? '')), port: Number(port) }
}

/** An IP address, optionally with a prefix length. */
function isAddressRange(text: string): boolean {
  const [address = '', prefix, more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || more !== undefined) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128))
}

/** `*`, `null`, or scheme and host; the host may begin with `*.`, and contains no other asterisk. */
function isOrigin(text: string): boolean {
  if (text === '*' || text === 'null') return true
  const [, host] = /^[a-z][a-z\d+.-]*:\/\/(?:\*\.)?([^/?#@*\s]+)$/i.exec(text) ?? []
  return host !== undefined && URL.canParse(text) && new URL(text).host !== ''
}

/** A plain host name: without scheme, port, path and wildcards. */
function isHostName(text: string): boolean {
  return /^[^\s:/?#@*[\]]+$/.test(text)
}

const BAD_NAME = "has a name that is none of an HTTP header: letters, digits and !#$%&'*+-.^_`|~"
const BAD_VALUE = 'has a value with characters that an HTTP header cannot have, such as a line feed'

/** Node would refuse them with each request, and say so then. */
function areHeaderNames(headers: Readonly<Record<string, string>>): boolean {
  return Object.keys(headers).every((name) => /^[\w!#$%&'*+.^`|~-]+$/.test(name))
}

function areHeaderValues(headers: Readonly<Record<string, string>>): boolean {
  return Object.values(headers).every((value) => /^[\t\x20-\x7e\x80-\xff]*$/.test(value))
}

/** Credentials would appear wherever the address is shown. */
function hasNoCredentials(address: string): boolean {
  const { username, password } = new URL(address)
  return username === '' && password === ''
}

/** Describes the accepted values of this row, for people. */
export function describeType(row: OptionRow): string {
  const unit = row.unit === undefined ? '' : ` (${row.unit})`
  return `${DESCRIPTIONS[row.type](row)}${unit}`
}

function range(row: OptionRow): string {
  if (row.max === Number.MAX_SAFE_INTEGER || row.max === undefined) return `of at least ${row.min ?? 0}`
  return `from ${row.min ?? 0} to ${row.max}`
}

const DESCRIPTIONS: Readonly<Record<OptionType, (row: OptionRow) => string>> = {
  integer: (row) => `a whole number ${range(row)}`,
  number: (row) => `a number ${range(row)}`,
  'number-or-auto': (row) => `auto or a number ${range(row)}`,
  boolean: () => 'on or off (also yes, no, true, false)',
  choice: (row) => `one of ${row.values!.join(', ')}`,
  text: () => 'a string',
  path: () => 'a path',
  bind: () =>
    'host:port, [v6]:port, or :port or *:port for every interface, with a port from 0 to 65535, or a path for type: unix',
  'websocket-path': () => 'a path that begins with /',
  origins: () => 'a list of origins such as https://example.com, https://*.example.com, null or *',
  hosts: () => 'a list of host names such as mqtt.example.com',
  'address-ranges': () => 'a list of IP addresses or networks such as 10.0.0.0/8',
  'protocol-versions': () => 'a list of 3.1, 3.1.1 and 5.0 with at least one of them',
  certificates: () => 'a list of {server-name, certfile, keyfile, keyfile-password-file}',
  plugins: () => 'a list of plugin names or module paths (from a program also plugins and their factories)',
  'topic-filters': () => 'a list of topic filters',
  'access-list': () => 'a map: user → list of topic filters, or a map of publish, subscribe and deny lists',
  groups: () => 'a map: group → list of users',
  'role-map': () => 'a map: viewer, operator or administrator → list of values of the claim',
  'durability-map': () => 'a map: topic filter → disk, process or memory',
  url: ({ isBase }) =>
    `an address that begins with https:// or http:// and contains no user name or password${isBase === true ? ', and neither ? nor #, because paths are appended to it' : ''}`,
  headers: () => 'a map: name → string',
  choices: (row) => `a list of some of ${row.values!.join(', ')}`,
  section: () => 'a section with keys',
  listeners: () => 'a map: name → settings',
  bridges: () => 'a map: name → settings (whether other bridges may connect here is `bridge-clients`)',
  'bridge-rules': () => 'a list of {filter, qos, local-prefix, remote-prefix}',
  'server-urls': () => 'the URL of a server, such as mqtts://example.com:8883, or a list of them',
  size: (row) => `a whole number ${range(row)}, or text such as 512 MiB`,
}

const UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 }

/**
 * Reads a size.
 *
 * @returns bytes; NaN if it is invalid
 *
 * @example
 * parseSize('1 GiB') // 1073741824
 */
export function parseSize(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([KMGT]iB|B)$/.exec(text.trim()) ?? []
  return unit === undefined ? Number.NaN : Number(number) * UNITS[unit]!
}

/** The schema of one row. */
export function schemaOf(row: OptionRow): Schema {
  return SCHEMAS[row.type](row, `must be ${describeType(row)}`)
}

function numberSchema(row: OptionRow, message: string) {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = row
  return v.pipe(v.number(message), v.minValue(min, message), v.maxValue(max, message))
}

/** YAML reads `1.3` as a number, so a choice that looks like one may be written as one. */
function choiceSchema(row: OptionRow, message: string) {
  const values = row.values!
  const numbers = values.map(Number).filter((number) => !Number.isNaN(number))
  return v.pipe(
    v.picklist([...new Set([...values, ...numbers])], message),
    v.transform((written) => values.find((value) => String(value) === String(written))!),
  )
}

function textList(itemMessage: string, isItem: (text: string) => boolean, message: string) {
  return v.array(v.pipe(v.string(itemMessage), v.check(isItem, itemMessage)), message)
}

/** The error of a topic filter in an access list, where a level may be `%u` or `%c`. */
function accessFilterProblem(topicFilter: string): string | undefined {
  if (topicFilter.startsWith('$share/')) return 'a shared subscription is judged by the part after its ShareName'
  if (/[^/]%[uc]|%[uc][^/]/.test(topicFilter)) return '%u and %c must be a whole topic level'
  return topicFilterProblem(topicFilter)
}

function topicFilterList(problemOf: (topicFilter: string) => string | undefined) {
  const topicFilter = v.pipe(
    v.string('must be a topic filter'),
    v.check(
      (text) => problemOf(text) === undefined,
      ({ input }) => `must be a topic filter (${problemOf(input)})`,
    ),
  )
  return v.array(topicFilter, 'must be a list of topic filters')
}

const topicFilters = topicFilterList(accessFilterProblem)

const certificate = v.strictObject(
  {
    'server-name': v.optional(v.string('must be a host name')),
    certfile: v.string('must be a path'),
    keyfile: v.string('must be a path'),
    'keyfile-password-file': v.optional(v.string('must be a path')),
  },
  'must be a section of server-name, certfile, keyfile and keyfile-password-file',
)

const prefix = v.optional(
  v.pipe(
    v.string('must be the beginning of a topic'),
    v.regex(/^[^+#\0]*$/, 'must be the beginning of a topic, without + and #'),
  ),
)

const bridgeRule = v.strictObject(
  {
    filter: v.pipe(
      v.string('must be a topic filter'),
      v.check(
        (text) => bridgeFilterProblem(text) === undefined,
        ({ input }) => `must be a topic filter (${bridgeFilterProblem(input)})`,
      ),
    ),
    qos: v.optional(v.picklist([0, 1, 2], 'must be 0, 1 or 2')),
    'local-prefix': prefix,
    'remote-prefix': prefix,
  },
  'must be a section of filter, qos, local-prefix and remote-prefix',
)

/** A Shared Subscription has no No Local, and would take messages from the other members. */
function bridgeFilterProblem(topicFilter: string): string | undefined {
  if (topicFilter.startsWith('$share/')) return 'a bridge has no shared subscriptions'
  return topicFilterProblem(topicFilter)
}

const accessRules = v.strictObject({
  publish: v.optional(topicFilters),
  subscribe: v.optional(topicFilters),
  deny: v.optional(topicFilters),
})

function hasName(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string'
}

const SCHEMAS: Readonly<Record<OptionType, (row: OptionRow, message: string) => Schema>> = {
  integer: (row, message) => v.pipe(numberSchema(row, message), v.integer(message)),
  number: numberSchema,
  'number-or-auto': (row, message) => v.union([v.literal('auto'), numberSchema(row, message)], message),
  boolean: (_, message) =>
    v.union(
      [
        v.boolean(),
        v.pipe(
          v.picklist(Object.keys(SWITCH)),
          v.transform((word) => SWITCH[word]!),
        ),
      ],
      message,
    ),
  choice: choiceSchema,
  text: (_, message) => v.string(message),
  path: (_, message) =>
    v.pipe(
      v.string(message),
      v.nonEmpty(message),
      v.check((text) => !text.includes('-----BEGIN'), message),
    ),
  bind: (_, message) => v.pipe(v.string(message), v.nonEmpty(message)),
  'websocket-path': (_, message) => v.pipe(v.string(message), v.regex(/^(\/[^?#\s]*)?$/, message)),
  origins: (_, message) =>
    textList(
      'must be an origin without a path, such as https://example.com, or https://*.example.com for all its subdomains, null or *',
      isOrigin,
      message,
    ),
  hosts: (_, message) => textList('must be a host name without a port, such as mqtt.example.com', isHostName, message),
  'address-ranges': (_, message) =>
    textList('must be an IP address or a network such as 10.0.0.0/8', isAddressRange, message),
  'protocol-versions': (_, message) =>
    v.pipe(
      v.array(
        v.pipe(
          v.picklist([3.1, 5, ...Object.keys(VERSIONS)], 'must be 3.1, 3.1.1 or 5.0'),
          v.transform((version) => VERSIONS[version]!),
        ),
        message,
      ),
      v.nonEmpty(message),
    ),
  certificates: (_, message) => v.array(certificate, message),
  plugins: (_, message) =>
    v.array(
      v.union(
        [
          v.pipe(v.string(), v.nonEmpty()),
          v.function(),
          v.strictObject({
            plugin: v.union([v.pipe(v.string(), v.nonEmpty()), v.function()], 'must be a plugin name or a module path'),
            options: v.optional(v.record(v.string(), v.unknown(), 'must be a section of options')),
          }),
          // Passed on unchanged: a copy would lose inherited members of an instance.
          v.custom<object>(hasName),
        ],
        'must be a plugin name, a module path, or a section of plugin and options',
      ),
      message,
    ),
  'topic-filters': () => topicFilterList((topicFilter) => topicFilterProblem(topicFilter)),
  'access-list': (_, message) =>
    v.record(
      v.string(),
      v.union(
        [topicFilters, accessRules],
        'must be a list of topic filters, or a section of publish, subscribe and deny lists',
      ),
      message,
    ),
  groups: (_, message) =>
    v.record(v.string(), v.array(v.string('must be a user name'), 'must be a list of user names'), message),
  'role-map': (_, message) =>
    v.record(
      v.picklist(['viewer', 'operator', 'administrator'], 'the key must be one of viewer, operator, administrator'),
      v.array(v.pipe(v.string('must be a string'), v.nonEmpty('must not be empty')), 'must be a list of strings'),
      message,
    ),
  'durability-map': (_, message) =>
    v.record(
      v.pipe(
        v.string(),
        v.check((filter) => topicFilterProblem(filter) === undefined, 'the key must be a topic filter'),
      ),
      v.picklist(['disk', 'process', 'memory'], 'must be one of disk, process, memory'),
      message,
    ),
  url: (row, message) =>
    v.pipe(
      v.string(message),
      v.url(message),
      v.regex(/^https?:/, message),
      v.check(hasNoCredentials, message),
      v.check((address) => row.isBase !== true || !/[?#]/.test(address), message),
    ),
  headers: (row, message) => {
    const texts = v.record(v.string(), v.string('must be a string'), message)
    return row.key === 'headers'
      ? v.pipe(texts, v.check(areHeaderNames, BAD_NAME), v.check(areHeaderValues, BAD_VALUE))
      : texts
  },
  choices: (row, message) =>
    v.pipe(v.array(v.picklist(row.values!, `must be one of ${row.values!.join(', ')}`), message), v.nonEmpty(message)),
  section: (_, message) => v.record(v.string(), v.unknown(), message),
  listeners: (_, message) => v.record(v.string(), v.unknown(), message),
  bridges: (_, message) => v.record(v.string(), v.unknown(), message),
  'bridge-rules': (_, message) => v.array(bridgeRule, message),
  'server-urls': (_, message) =>
    v.pipe(
      v.union([v.string(), v.array(v.string(), message)], message),
      v.transform((written) => (typeof written === 'string' ? [written] : written)),
      v.nonEmpty(message),
    ),
  size: (row, message) =>
    v.pipe(
      v.union([v.number(), v.pipe(v.string(), v.transform(parseSize))], message),
      v.integer(message),
      v.minValue(row.min ?? 0, message),
      v.maxValue(row.max ?? Number.MAX_SAFE_INTEGER, message),
    ),
}
