/**
 * What an import gives users and takes from them: rules, and the order in which they decide. A rule that stays may come
 * to decide before rules of the other effect that it came after, because a role or group got another priority, or the
 * other way round.
 *
 * @module
 */
import type { Directory } from '../../access/directory/directory.ts'
import { effectiveRules, rolePlaces, textOfRule, type EffectiveRule } from '../../access/directory/effective-rules.ts'
import { ADMINISTRATOR } from '../../access/directory/entries.ts'
import type { Sliced } from '../../base/slices.ts'
import type { AccessDifference, ImportView } from '../../broker/host/access-admin.ts'

const MAX_DIFFERENCES = 1000

export function* differences(
  before: Directory,
  after: Directory,
): Sliced<Pick<ImportView, 'differences' | 'differencesInAll'>> {
  const found: AccessDifference[] = []
  let differencesInAll = 0
  for (const userName of namesOf(before, after)) {
    yield
    const difference = differenceOf(before, after, userName)
    if (difference === undefined) continue
    differencesInAll++
    if (found.length < MAX_DIFFERENCES) found.push(difference)
  }
  return { differences: found, differencesInAll }
}

/** All users of both, and clients without a user name. */
function* namesOf(before: Directory, after: Directory): Generator<string | undefined, void> {
  yield undefined
  yield* before.all('user').keys()
  for (const name of after.all('user').keys()) if (before.get('user', name) === undefined) yield name
}

function differenceOf(before: Directory, after: Directory, userName: string | undefined): AccessDifference | undefined {
  const [old, now] = [holdingsOf(before, userName), holdingsOf(after, userName)]
  const stays = (rule: string): boolean => old.all.has(rule) && now.all.has(rule)
  const [oldPlaces, nowPlaces] = [placesOf(old.rules, stays), placesOf(now.rules, stays)]
  const moved = [...nowPlaces].map(([rule, place]) => ({ rule, by: place - oldPlaces.get(rule)! }))
  const gains = [
    ...[...now.all].filter((rule) => !old.all.has(rule)),
    ...moved.flatMap(({ rule, by }) => (by < 0 ? `${rule}, before rules that it came after` : [])),
  ]
  const loses = [
    ...[...old.all].filter((rule) => !now.all.has(rule)),
    ...moved.flatMap(({ rule, by }) => (by > 0 ? `${rule}, after rules that it came before` : [])),
  ]
  return gains.length + loses.length === 0 ? undefined : { userName, gains, loses }
}

interface Holdings {
  /** All rules that hold for a user, also those of the default access. */
  readonly all: ReadonlySet<string>
  /** Those of its roles, in the order in which they decide. */
  readonly rules: readonly EffectiveRule[]
}

function holdingsOf(directory: Directory, userName: string | undefined): Holdings {
  const places = rolePlaces(directory, userName)
  const { publish, receive, subscribe } = directory.defaults
  const defaults = Object.entries({ publish, receive, subscribe }).map(
    ([action, effect]) => `${effect} ${action} by default`,
  )
  const roles = places.some(({ role }) => role === ADMINISTRATOR) ? [ADMINISTRATOR] : []
  const rules = effectiveRules(directory, places)
  return { all: new Set([...rules.map(({ rule }) => textOfRule(rule)), ...defaults, ...roles]), rules }
}

/**
 * How many rules of the other effect decide before each rule. As long as these numbers stay, so do decisions: among
 * rules of one effect, the order means nothing.
 */
function placesOf(rules: readonly EffectiveRule[], stays: (rule: string) => boolean): ReadonlyMap<string, number> {
  const places = new Map<string, number>()
  const passed = new Map<string, number>()
  for (const { rule } of rules) {
    const text = textOfRule(rule)
    if (!stays(text) || places.has(text)) continue
    const [own, other] = [`${rule.effect} ${rule.action}`, `${OTHER[rule.effect]} ${rule.action}`]
    places.set(text, passed.get(other) ?? 0)
    passed.set(own, (passed.get(own) ?? 0) + 1)
  }
  return places
}

const OTHER = { allow: 'deny', deny: 'allow' } as const
