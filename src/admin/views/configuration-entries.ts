/**
 * The configuration in force key by key, and where each value comes from:
 *
 *   file          sluice.yaml, line 4
 *   environment   sluice.yaml, line 4, where the value has a variable: ${NAME}
 *   program       given by the program, or by `sluice start` where the file says nothing
 *   default       written nowhere
 *
 * Keys are spelled as in a configuration file. Of a listener, values that it has from the top level are left out.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import type { ConfigurationEntryView } from '../../broker/host/configuration-view.ts'
import type { ConfigSource } from '../../config/config-problems.ts'
import { DERIVED } from '../../config/option-changes.ts'
import { toKebab } from '../../config/option-spelling.ts'
import type { ConfigInput, Options } from '../../config/options.ts'
import { configurationOf } from './configuration.ts'

type Values = Readonly<Record<string, unknown>>

/** What the `bind` of a listener has become. */
const BIND: ReadonlySet<string> = new Set(['host', 'port', 'path', 'ipv6Only'])
const NAMED: ReadonlySet<string> = new Set(['listeners', 'bridges'])

/** @param input what was given, with `source`, to get `options` */
export function configurationEntries(
  options: Options,
  input: ConfigInput,
  source: ConfigSource | undefined,
): readonly ConfigurationEntryView[] {
  const shown = configurationOf(options)
  const written = new Written(input as Values, source)
  return Object.entries(shown).flatMap(([key, value]) =>
    NAMED.has(key) ? namedEntries(key, value as readonly Values[], shown, written) : entriesOf([], key, value, written),
  )
}

/** Of sections that have names. */
function namedEntries(
  list: string,
  sections: readonly Values[],
  top: Values,
  written: Written,
): ConfigurationEntryView[] {
  return sections.flatMap((section) => {
    const path = [list, String(section['name'])]
    const own = Object.entries(section).filter(([key, value]) => {
      const isInherited = list === 'listeners' && isDeepStrictEqual(value, top[key])
      return !BIND.has(key) && !(isInherited && !written.has([...path, toKebab(key)]))
    })
    const bind = list === 'listeners' ? [written.entry([...path, 'bind'], bindOf(section))] : []
    return [...bind, ...own.flatMap(([key, value]) => entriesOf(path, key, value, written))]
  })
}

function bindOf({ host, port, path }: Values): string {
  if (typeof path === 'string' && path !== '') return path
  const text = String(host)
  return `${text.includes(':') ? `[${text}]` : text}:${String(port)}`
}

function entriesOf(above: readonly string[], key: string, value: unknown, written: Written): ConfigurationEntryView[] {
  if (DERIVED.has(key)) return []
  const path = [...above, toKebab(key)]
  const isSection = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isSection) return [written.entry(path, textOf(value))]
  const entries = Object.entries(value).flatMap(([inner, one]) => entriesOf(path, inner, one, written))
  // An empty section can mean a lot: `users: {}` switches it on.
  return entries.length === 0 ? [written.entry(path, '{}')] : entries
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(', ')
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)
}

/** What was given, in any spelling. */
class Written {
  readonly #input: Values
  readonly #source: ConfigSource | undefined

  constructor(input: Values, source: ConfigSource | undefined) {
    this.#input = input
    this.#source = source
  }

  has(path: readonly string[]): boolean {
    let value: unknown = this.#input
    for (const part of path) {
      if (typeof value !== 'object' || value === null) return false
      const given: readonly [string, unknown] | undefined = Object.entries(value).find(([key]) => isSame(key, part))
      if (given === undefined) return false
      value = given[1]
    }
    return value !== undefined
  }

  entry(path: readonly string[], value: string): ConfigurationEntryView {
    const key = path.join('.')
    if (!this.has(path)) return { key, value, source: 'default', file: undefined, line: undefined }
    const origin = this.#source?.origin?.(path)
    if (origin === undefined) return { key, value, source: 'program', file: undefined, line: undefined }
    return { key, value, source: origin, file: this.#source?.file, line: this.#source?.locate(path, 'value')?.line }
  }
}

/** Names of listeners are no keys, and have one spelling. */
function isSame(key: string, part: string): boolean {
  return key === part || toKebab(key) === part
}
