/**
 * Which keys differ between two configurations, as they are written in a configuration file. Values are compared and
 * never shown, so secrets stay what they are.
 *
 *   max-qos 1 → 2                        max-qos
 *   listeners.two is new                 listeners.two
 *   a limit of the top level, which      once: listeners that inherit it are not listed
 *   two listeners inherit
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import type { ConfigProblem } from '../base/errors.ts'
import { formatProblem } from './config-problems.ts'
import { toKebab } from './option-spelling.ts'
import { optionTable } from './option-table.ts'
import type { Options } from './resolved-options.ts'

/** What a reload has done. */
export interface ReloadChanges {
  /** The keys whose values have changed, spelled as in a configuration file, such as `listeners.tls.certfile`. */
  readonly changed: readonly string[]
  /** Those of them that take effect at the next start. */
  readonly needRestart: readonly string[]
  /** Settings that work but are probably not intended, one sentence each, with their place in the file. */
  readonly warnings: readonly string[]
}

type Values = Readonly<Record<string, unknown>>

/** Resolved options that are no keys: they follow from others. */
export const DERIVED: ReadonlySet<string> = new Set([
  ...['name', 'baseFolder', 'warnings', 'admitsAnonymous', 'isBindAsked', 'isSocketAsked'],
  ...['allowAnonymousOn', 'unknownUserNamesOn', 'pluginsOn'],
])

/** What the `bind` of a listener has become. */
const BIND: ReadonlySet<string> = new Set(['host', 'port', 'path', 'ipv6Only'])

const sections: ReadonlySet<string> = new Set(optionTable.map(({ scope }) => scope))

export function reloadChanges(before: Options, after: Options): ReloadChanges {
  const changed = changedKeys(before, after)
  return { changed, needRestart: changed.filter(isReadAtStart), warnings: after.warnings.map(formatWarning) }
}

/** Nothing else waits for a start. */
function isReadAtStart(key: string): boolean {
  return key === 'persistence' || key.startsWith('persistence.') || key === 'users.initial-file'
}

function formatWarning(warning: ConfigProblem): string {
  return formatProblem(warning)
}

function changedKeys(before: Options, after: Options): readonly string[] {
  const { listeners: doorsBefore, bridges: bridgesBefore, ...topBefore } = before
  const { listeners: doorsAfter, bridges: bridgesAfter, ...topAfter } = after
  const isInherited = (key: string, was: unknown, is: unknown): boolean =>
    isDeepStrictEqual(was, topBefore[key as keyof typeof topBefore]) &&
    isDeepStrictEqual(is, topAfter[key as keyof typeof topAfter])
  return [
    ...changedIn('', '', topBefore, topAfter),
    ...changedNames('listeners', doorsBefore, doorsAfter, isInherited),
    ...changedNames('bridges', bridgesBefore, bridgesAfter, () => false),
  ]
}

type IsIgnored = (key: string, was: unknown, is: unknown) => boolean

/** Of sections that have names. */
function changedNames(
  list: 'listeners' | 'bridges',
  before: readonly { readonly name: string }[],
  after: readonly { readonly name: string }[],
  isIgnored: IsIgnored,
): readonly string[] {
  const [was, is] = [byName(before), byName(after)]
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((name) => {
    const path = `${list}.${name}`
    const [one, other] = [was.get(name), is.get(name)]
    if (one === undefined || other === undefined) return [path]
    return changedIn(`${path}.`, list.slice(0, -1), one, other, isIgnored)
  })
}

function byName<Named extends { readonly name: string }>(list: readonly Named[]): ReadonlyMap<string, Named> {
  return new Map(list.map((one) => [one.name, one]))
}

/** @param scope the section of the table; sections inside it are compared key by key, other values as a whole */
function changedIn(
  prefix: string,
  scope: string,
  before: object,
  after: object,
  isIgnored: IsIgnored = () => false,
): readonly string[] {
  const [was, is] = [before as Values, after as Values]
  const keys = new Set([...Object.keys(was), ...Object.keys(is)])
  const changed = [...keys].flatMap((key) => {
    if (DERIVED.has(key) || isDeepStrictEqual(was[key], is[key]) || isIgnored(key, was[key], is[key])) return []
    const written = scope === 'listener' && BIND.has(key) ? 'bind' : toKebab(key)
    const section = scope === '' ? written : `${scope}.${written}`
    const [one, other] = [was[key], is[key]]
    const isSection = sections.has(section) && isObject(one) && isObject(other)
    return isSection ? changedIn(`${prefix}${written}.`, section, one, other) : [prefix + written]
  })
  return [...new Set(changed)]
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
