/**
 * Reads one section of a configuration against the table: normalizes spellings, checks every value and converts it to
 * its final form, and reports every unknown key, duplicate spelling and invalid value. Invalid values are omitted, so
 * that later checks see valid ones only.
 *
 * @module
 */
import { accessSync, constants, statSync } from 'node:fs'
import { resolve } from 'node:path'
import * as v from 'valibot'
import { ConfigProblems } from './config-problems.ts'
import { show } from '../base/show.ts'
import { fromOtherServers, spellingsOf, toCamel, toKebab } from './option-spelling.ts'
import { nearest } from '../base/nearest.ts'
import { describeType, schemaOf } from './option-schema.ts'
import { optionTable, rowsOf } from './option-table.ts'
import type { OptionRow, OptionScope, SectionName } from './option-table.ts'

/** Values by camelCase name. */
export type Values = Record<string, unknown>

export function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The defaults of a section's keys. */
export function defaultsOf(section: 'broker' | 'listener' | SectionName): Values {
  const assumed = rowsOf(section).filter((row) => row.default !== undefined)
  return Object.fromEntries(assumed.map((row) => [toCamel(row.key), row.default]))
}

export class OptionReader {
  readonly #problems: ConfigProblems
  readonly #baseFolder: string
  readonly #checksFiles: boolean

  /** @param checksFiles whether files named by a value must exist */
  constructor(problems: ConfigProblems, baseFolder: string, checksFiles: boolean) {
    this.#problems = problems
    this.#baseFolder = baseFolder
    this.#checksFiles = checksFiles
  }

  /**
   * Reads one section.
   *
   * @param isOpen whether plugins of others may have keys here
   */
  read(section: 'broker' | 'listener' | SectionName, value: unknown, path: readonly string[], isOpen = false): Values {
    if (!isSection(value)) {
      this.#problems.add(path, `must be a section with keys, got ${show(value)}`)
      return {}
    }
    const rows = rowsOf(section)
    const bySpelling = new Map(rows.flatMap((row) => spellingsOf(row.key).map((spelling) => [spelling, row] as const)))
    const writtenAs = new Map<OptionRow, string>()
    const values: Values = {}
    for (const [written, raw] of Object.entries(value)) {
      if (raw === undefined) continue
      const row = bySpelling.get(written)
      const earlier = row === undefined ? undefined : writtenAs.get(row)
      const keys = rows.map(({ key }) => key)
      if (earlier !== undefined) {
        this.#problems.add([...path, written], `is the same key as \`${earlier}\`; remove one of them`, 'key')
      } else if (row !== undefined) {
        writtenAs.set(row, written)
        this.#readValue(row, raw, path, values)
      } else if (!isOpen || nearest(toKebab(written), keys) !== undefined) {
        this.#reportUnknown(written, keys, path)
      } else {
        values[toCamel(written)] = raw
      }
    }
    return values
  }

  #readValue(row: OptionRow, raw: unknown, path: readonly string[], values: Values): void {
    if (MAPS.has(row.type) && Array.isArray(raw)) {
      this.#problems.add([...path, row.key], `must be ${describeType(row)}, got ${show(raw)}`)
      return
    }
    if (row.type === 'section' && row.scope !== 'broker') {
      const section = `${row.scope}.${row.key}` as SectionName
      values[toCamel(row.key)] = { ...defaultsOf(section), ...this.read(section, raw, [...path, row.key]) }
      return
    }
    const known = INNER_KEYS[row.type]
    const written = LISTS_OF_SECTIONS.has(row.type) ? this.#inKebab(raw, known!, [...path, row.key]) : raw
    const result = v.safeParse(schemaOf(row), written, { abortPipeEarly: true })
    if (result.success) {
      values[toCamel(row.key)] = this.#finish(row, result.output, [...path, row.key])
      return
    }
    for (const issue of result.issues.flatMap(mostSpecific)) this.#reportIssue(row, issue, [...path, row.key])
  }

  /** Normalizes the keys in a list of sections; a duplicate spelling of a key is reported. */
  #inKebab(list: unknown, known: readonly string[], path: readonly string[]): unknown {
    if (!Array.isArray(list)) return list
    return list.map((section: unknown, index) => {
      if (!isSection(section)) return section
      const values: Values = {}
      for (const [written, value] of Object.entries(section)) {
        const key = known.find((each) => spellingsOf(each).includes(written)) ?? written
        if (key in values) {
          this.#problems.add(
            [...path, String(index), written],
            `is the same key as \`${key}\`; remove one of them`,
            'key',
          )
        } else if (value !== undefined) values[key] = value
      }
      return values
    })
  }

  #reportIssue(row: OptionRow, issue: Issue, at: readonly string[]): void {
    const path = [...at, ...issue.path]
    if (issue.expected === 'never') {
      this.#reportUnknown(path.at(-1)!, INNER_KEYS[row.type] ?? [], path.slice(0, -1))
    } else if (issue.input === undefined) {
      this.#problems.add(path, row.type === 'plugins' ? NAMELESS : 'is missing')
    } else if (row.key === 'mode' && typeof issue.input === 'number') {
      this.#problems.add(path, `must be an octal number in quotes, such as '0660', got ${show(issue.input)}`)
    } else {
      const hint = row.key === 'type' ? typeHint(issue.input) : ''
      this.#problems.add(path, `${issue.message}${row.secret ? '' : `, got ${show(issue.input)}`}${hint}`)
    }
  }

  #reportUnknown(written: string, known: readonly string[], path: readonly string[]): void {
    const setting = path.length === 0 ? Object.entries(SETTINGS).find(([name]) => name === written)?.[1] : undefined
    const hint = setting ?? hintFor(toKebab(written), known)
    this.#problems.add([...path, written], `is not a known key here; ${hint}`, 'key')
  }

  /** Converts to final forms: absolute paths, and camelCase inside values that the schema checks as a whole. */
  #finish(row: OptionRow, value: unknown, path: readonly string[]): unknown {
    if (row.type === 'path') return this.#absolute(value, path, row.exists, row.ifMissing)
    if (!LISTS_OF_SECTIONS.has(row.type)) return value
    return (value as Values[]).map((section, index) =>
      Object.fromEntries(
        Object.entries(section).map(([key, written]) => [
          toCamel(key),
          key.endsWith('file') ? this.#absolute(written, [...path, String(index), key], 'file') : written,
        ]),
      ),
    )
  }

  /** @param ifMissing how to create what does not exist */
  #absolute(written: unknown, path: readonly string[], exists: OptionRow['exists'], ifMissing = ''): string {
    const absolute = resolve(this.#baseFolder, written as string)
    const problem = exists === undefined || !this.#checksFiles ? undefined : pathProblem(absolute, exists, ifMissing)
    if (problem !== undefined) this.#problems.add(path, `names ${absolute}, which ${problem}`)
    return absolute
  }
}

/** Why a path cannot be used; `undefined` if it can. */
function pathProblem(path: string, expected: 'file' | 'folder', ifMissing: string): string | undefined {
  try {
    accessSync(path, constants.R_OK)
    const isFolder = statSync(path).isDirectory()
    return isFolder === (expected === 'folder') ? undefined : isFolder ? 'is a folder' : 'is not a folder'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT'
      ? `does not exist${ifMissing === '' ? '' : `; ${ifMissing}`}`
      : code === 'EACCES'
        ? 'may not be read by this user'
        : `fails with ${code}`
  }
}

/** What a program passes beside the configuration, by the words that it is likely to look for here. */
const SETTINGS: Readonly<Record<string, string>> = {
  logger:
    'a program passes it in the second argument, createBroker(config, { logger }); the section `log` sets what is logged',
  store: 'a program passes it in the second argument, createBroker(config, { store }); the section is `persistence`',
  clock: 'a program passes it in the second argument, createBroker(config, { clock })',
  signal: 'a program passes it in the second argument, createBroker(config, { signal })',
  repair: 'pass it in the second argument, createBroker(config, { repair: true }), or use `sluice start --repair`',
}

/** What to write instead of a key that is unknown here. */
function hintFor(key: string, known: readonly string[]): string {
  const ours = fromOtherServers(key)
  if (ours !== undefined && known.includes(ours)) return `it is called \`${ours}\` here`
  const home = optionTable.find((row) => row.key === (ours ?? key))?.scope
  if (home !== undefined && !known.includes(key))
    return `${ours === undefined ? 'it' : `it is called \`${ours}\` and`} belongs ${HOMES[home]}`
  const meant = nearest(key, known)
  if (meant !== undefined) return `did you mean \`${meant}\`?`
  return known.length <= 10 ? `the known keys are ${known.join(', ')}` : 'no known key is similar'
}

const TLS_TYPES: Readonly<Record<string, string>> = { tls: 'tcp', ssl: 'tcp', mqtts: 'tcp', wss: 'ws' }
const PLAIN_TYPES: Readonly<Record<string, string>> = { mqtt: 'tcp', websocket: 'ws', websockets: 'ws', http: 'ws' }

/** Other servers have a listener type for TLS; here it is a separate switch. */
function typeHint(written: unknown): string {
  const word = typeof written === 'string' ? written.toLowerCase() : ''
  const secure = Object.hasOwn(TLS_TYPES, word) ? TLS_TYPES[word] : undefined
  if (secure !== undefined) {
    return `; for TLS write \`type: ${secure}\` and \`ssl: on\` with \`certfile\` and \`keyfile\``
  }
  return Object.hasOwn(PLAIN_TYPES, word) ? `; did you mean ${PLAIN_TYPES[word]}?` : ''
}

interface Issue {
  readonly path: readonly string[]
  readonly message: string
  readonly expected: string | null
  readonly input: unknown
}

/**
 * The most specific problems of a value; if it fits none of several forms, those of the form that was probably
 * intended.
 */
function mostSpecific({ path, issues, message, expected, input }: v.BaseIssue<unknown>): Issue[] {
  const keys = path?.map((item) => String(item.key)) ?? []
  const inner = (issues ?? []).filter(isInside).flatMap(mostSpecific)
  if (inner.length === 0) return [{ path: keys, message, expected, input }]
  return inner.map((issue) => ({ ...issue, path: [...keys, ...issue.path] }))
}

/** The error is inside the value, not the value itself; valibot treats a list as an object, too. */
function isInside({ path }: v.BaseIssue<unknown>): boolean {
  return path !== undefined && !(path[0].type === 'object' && Array.isArray(path[0].input))
}

/** The place where keys of each scope belong. */
const HOMES: Readonly<Record<OptionScope, string>> = {
  broker: 'to the top level',
  limits: 'to the top level or to a listener',
  listener: 'to a listener, under `listeners`',
  auth: 'under `auth`',
  'auth.jwt': 'under `auth.jwt`',
  'auth.http': 'under `auth.http`',
  'auth.scram': 'under `auth.scram`',
  'topic-check': 'under `topic-check`',
  intercept: 'under `intercept`',
  users: 'under `users`',
  bans: 'under `bans`',
  persistence: 'under `persistence`',
  log: 'under `log`',
  admin: 'under `admin`',
  'admin.openid': 'under `admin.openid`',
  telemetry: 'under `telemetry`',
  bridge: 'to a bridge, under `bridges`',
  'bridge.queue': 'under `queue` of a bridge',
}

/** Types whose schema is a record, which valibot also accepts for a list. */
const MAPS = new Set<OptionRow['type']>([
  'listeners',
  'bridges',
  'section',
  'access-list',
  'groups',
  'role-map',
  'durability-map',
  'headers',
])

const LISTS_OF_SECTIONS = new Set<OptionRow['type']>(['certificates', 'bridge-rules'])

/** What a program most likely forgot if an entry of a list of plugins names none. */
const NAMELESS = 'is missing; an object that is a plugin itself needs a `name`'

const INNER_KEYS: Readonly<Partial<Record<OptionRow['type'], readonly string[]>>> = {
  certificates: ['server-name', 'certfile', 'keyfile', 'keyfile-password-file'],
  'access-list': ['publish', 'subscribe', 'deny'],
  'bridge-rules': ['filter', 'qos', 'local-prefix', 'remote-prefix'],
  plugins: ['plugin', 'options'],
}
