/**
 * Takes over a file of users, groups and roles: as one plan, of which all is carried out or nothing. Before, the plan is carried out
 * on a copy, and what each user may do is compared: that is the dry run.
 *
 * @module
 */
import { DEFAULTS_NAME, type Directory, type Step } from '../../access/directory/directory.ts'
import { effectiveRules, rolePlaces, textOfRule } from '../../access/directory/effective-rules.ts'
import type { GroupEntry, Reference, RoleEntry, UserEntry } from '../../access/directory/entries.ts'
import { Work } from '../../base/work.ts'
import { serverOf, type Broker } from '../../broker/broker.ts'
import type { AccessDifference, ImportRequest, ImportView } from '../../broker/host/access-admin.ts'
import { carryOut } from './access-changes.ts'
import { readAccessFile } from './access-file.ts'
import type { AccessFile } from './access-file-content.ts'
import { memberships } from './access-views.ts'

const MAX_DIFFERENCES = 1000

export async function importAccess(
  broker: Broker,
  { file, dryRun = false, replace = false }: ImportRequest,
): Promise<ImportView> {
  const read = readAccessFile(file)
  const { directory } = serverOf(broker)
  const plan = planOf(directory, read, replace)
  const lists = listsOf(directory, plan)
  const after = directory.copy()
  after.carryOut(plan)
  const before = directory.copy()
  if (!dryRun) await carryOut(broker, plan, () => undefined)
  const found = await differences(broker, before, after)
  return { dryRun, ...lists, ...found, notes: read.notes }
}

/** What a file makes of a directory that may have something already. @throws {UsageError} for what is no such file */
export function planOfFile(directory: Directory, file: unknown): readonly Step[] {
  return planOf(directory, readAccessFile(file), false)
}

function planOf(directory: Directory, file: AccessFile, replace: boolean): Step[] {
  const steps: Step[] = []
  for (const [name, entry] of file.roles) steps.push({ type: 'role', name, entry })
  for (const [name, entry] of file.groups) steps.push({ type: 'group', name, entry })
  for (const [name, entry] of file.users)
    steps.push({ type: 'user', name, entry: withCredentials(directory, name, entry) })
  if (file.defaults !== undefined) steps.push({ type: 'defaults', name: DEFAULTS_NAME, entry: file.defaults })
  const changing = steps.filter((step) => isOther(directory, step))
  return replace ? [...changing, ...removals(directory, file)] : changing
}

function withCredentials(directory: Directory, name: string, entry: UserEntry): UserEntry {
  const known = directory.get('user', name)?.entry
  if (known === undefined || entry.passwordHash !== undefined || entry.scram !== undefined) return entry
  return { ...entry, passwordHash: known.passwordHash, scram: known.scram }
}

function removals(directory: Directory, file: AccessFile): Step[] {
  const lacking = (type: 'user' | 'group' | 'role', there: ReadonlyMap<string, unknown>): Step[] =>
    [...directory.all(type).keys()].flatMap((name) => (there.has(name) ? [] : [{ type, name, entry: undefined }]))
  return [...lacking('user', file.users), ...lacking('group', file.groups), ...lacking('role', file.roles)]
}

/** Whether an entry says something else than the one that is there. */
function isOther(directory: Directory, { type, name, entry }: Step): boolean {
  const known = type === 'defaults' ? directory.defaults : directory.get(type, name)?.entry
  return known === undefined || pictureOf(directory, known, true) !== pictureOf(directory, entry!, false)
}

/** @param isKept whether its references lead somewhere only if the numbers are right */
function pictureOf(directory: Directory, entry: object, isKept: boolean): string {
  const names = (type: 'role' | 'group', list: readonly Reference[]): unknown =>
    isKept ? memberships(directory, type, list) : list.map(({ name, priority }) => ({ name, priority }))
  const { roles, groups, anonymousGroup } = entry as Partial<UserEntry & GroupEntry & RoleEntry> & {
    anonymousGroup?: Reference
  }
  const plain = {
    ...entry,
    ...(roles !== undefined && { roles: names('role', roles) }),
    ...(groups !== undefined && { groups: names('group', groups) }),
    anonymousGroup: anonymousGroup && names('group', [anonymousGroup]),
  }
  return JSON.stringify(Object.entries(plain).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function listsOf(directory: Directory, plan: readonly Step[]): Pick<ImportView, 'added' | 'changed' | 'removed'> {
  const named = (fits: (step: Step) => boolean): string[] =>
    plan.filter(fits).map(({ type, name }) => (type === 'defaults' ? 'default access' : `${type} ${name}`))
  const isKnown = ({ type, name }: Step): boolean => type === 'defaults' || directory.get(type, name) !== undefined
  return {
    added: named((step) => step.entry !== undefined && !isKnown(step)),
    changed: named((step) => step.entry !== undefined && isKnown(step)),
    removed: named(({ entry }) => entry === undefined),
  }
}

async function differences(
  broker: Broker,
  before: Directory,
  after: Directory,
): Promise<Pick<ImportView, 'differences' | 'differencesInAll'>> {
  const { turn } = serverOf(broker)
  const owner = {}
  const found: AccessDifference[] = []
  let differencesInAll = 0
  const names = new Set([undefined, ...before.all('user').keys(), ...after.all('user').keys()])
  for (const userName of names) {
    if (turn.work.isSpent) await turn.share(owner)
    turn.work.spend(Work.question)
    const difference = differenceOf(before, after, userName)
    if (difference === undefined) continue
    differencesInAll++
    if (found.length < MAX_DIFFERENCES) found.push(difference)
  }
  return { differences: found, differencesInAll }
}

function differenceOf(before: Directory, after: Directory, userName: string | undefined): AccessDifference | undefined {
  const [old, now] = [rulesOf(before, userName), rulesOf(after, userName)]
  const gains = [...now].filter((rule) => !old.has(rule))
  const loses = [...old].filter((rule) => !now.has(rule))
  return gains.length + loses.length === 0 ? undefined : { userName, gains, loses }
}

/** All rules that hold for a user, also those of the default access. */
function rulesOf(directory: Directory, userName: string | undefined): ReadonlySet<string> {
  const places = rolePlaces(directory, userName)
  const { publish, receive, subscribe } = directory.defaults
  const defaults = Object.entries({ publish, receive, subscribe }).map(
    ([action, effect]) => `${effect} ${action} by default`,
  )
  const roles = places.some(({ role }) => role === 'administrator') ? ['administrator'] : []
  return new Set([...effectiveRules(directory, places).map(({ rule }) => textOfRule(rule)), ...defaults, ...roles])
}
