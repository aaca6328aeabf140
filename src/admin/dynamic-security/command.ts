/** What commands of `$CONTROL/dynamic-security/v1` share: their fields, and the words of Mosquitto's plugin. @module */
import type { Directory, Step } from '../../access/directory/directory.ts'
import { MAX_MEMBERSHIPS } from '../../access/directory/directory-limits.ts'
import type { EntryType, EntryTypes, Labels, Reference } from '../../access/directory/entries.ts'
import type { MaybePromise } from '../../base/maybe-promise.ts'
import { takesLastAdministrator } from '../../access/directory/last-administrator.ts'
import { LAST_ADMINISTRATOR } from '../access/access-changes.ts'
import type { Sliced } from '../../base/slices.ts'
import { sortedNames } from '../../base/sorted-slices.ts'
import { checkName, checkText } from '../access/access-input.ts'
import { memberships } from '../access/access-views.ts'

/** A command as it came. */
export type Given = Readonly<Record<string, unknown>>

/** What a command works on. */
export interface CommandContext {
  readonly directory: Directory
  /** Whether the sender may still send commands: somebody may have taken its role away since. */
  mayStill(): boolean
  /** Why nothing may be changed now; `undefined` if it may. */
  whyRefused(): Promise<string | undefined>
  /** Runs long work while clients are served. */
  readonly inSlices: <Result>(work: Sliced<Result>) => Promise<Result>
}

/**
 * Carries out a command.
 *
 * @returns its `data`; `undefined` if it has none
 * @throws {CommandError}
 */
export type Command = (given: Given, context: CommandContext) => MaybePromise<object | undefined>

/** The `error` of an answer, in Mosquitto's words. */
export class CommandError extends Error {}

/** The priority of what has none. */
export const NO_PRIORITY = -1

/** @throws {CommandError} */
export function nameIn(given: Given, key: 'username' | 'groupname' | 'rolename'): string {
  const name = given[key]
  if (typeof name !== 'string' || name === '') throw new CommandError(`Invalid/missing ${key}`)
  try {
    return checkName(name, key)
  } catch {
    const [first = '', ...rest] = key
    throw new CommandError(`${first.toUpperCase()}${rest.join('')} not valid UTF-8`)
  }
}

/** @returns `undefined` if it is not there @throws {CommandError} */
export function textIn(given: Given, key: string): string | undefined {
  const text = given[key]
  if (text === undefined || typeof text === 'string') return text
  throw new CommandError(`Invalid/missing ${key}`)
}

/** The same for what is kept and exported: an import has to accept it again. @throws {CommandError} */
export function keptTextIn(given: Given, key: string): string | undefined {
  const text = textIn(given, key)
  if (text === undefined) return undefined
  try {
    return checkText(text, key)
  } catch {
    throw new CommandError(`Invalid/missing ${key}`)
  }
}

/** What people read, as far as it is given. @throws {CommandError} */
export function labelsIn(given: Given): Partial<Labels> {
  const [textName, textDescription] = [keptTextIn(given, 'textname'), keptTextIn(given, 'textdescription')]
  return { ...(textName !== undefined && { textName }), ...(textDescription !== undefined && { textDescription }) }
}

export function shownLabels({ textName, textDescription }: Labels): object {
  return {
    ...(textName !== '' && { textname: textName }),
    ...(textDescription !== '' && { textdescription: textDescription }),
  }
}

export const NOUNS = { user: 'Client', group: 'Group', role: 'Role' } as const
const KEYS = { user: 'username', group: 'groupname', role: 'rolename' } as const

/** The entry that a command names. @throws {CommandError} */
export function entryIn<Type extends 'user' | 'group' | 'role'>(
  given: Given,
  type: Type,
  { directory }: CommandContext,
): { readonly name: string; readonly entry: EntryTypes[Type] } {
  const name = nameIn(given, KEYS[type])
  const kept = directory.get(type, name)
  if (kept === undefined) throw new CommandError(`${NOUNS[type]} not found`)
  return { name, entry: kept.entry }
}

/** @throws {CommandError} */
export function mustBeNew(given: Given, type: 'user' | 'group' | 'role', { directory }: CommandContext): string {
  const name = nameIn(given, KEYS[type])
  if (directory.get(type, name) !== undefined) throw new CommandError(`${NOUNS[type]} already exists`)
  return name
}

/**
 * Roles, groups or clients with priorities, such as `[{ "rolename": "admin", "priority": 5 }]`.
 *
 * @returns `undefined` if the list is not there
 * @throws {CommandError}
 */
export function referencesIn(
  given: Given,
  list: 'roles' | 'groups' | 'clients',
  type: 'role' | 'group' | 'user',
  context: CommandContext,
): Reference[] | undefined {
  const entries = given[list]
  if (entries === undefined) return undefined
  const key = KEYS[type]
  const wrong = `'${list}' not an array or missing/invalid ${key}`
  if (!Array.isArray(entries)) throw new CommandError(wrong)
  const found = new Map<string, Reference>()
  for (const each of entries as unknown[]) {
    if (typeof each !== 'object' || each === null || typeof (each as Given)[key] !== 'string') {
      throw new CommandError(wrong)
    }
    const { name } = entryIn(each as Given, type, context)
    found.set(name, { name, priority: priorityIn(each as Given, NO_PRIORITY), id: 0 })
  }
  return [...found.values()]
}

export function priorityIn({ priority }: Given, otherwise: number): number {
  const isUsable = typeof priority === 'number' && Number.isInteger(priority) && Math.abs(priority) <= 1_000_000
  return isUsable ? priority : otherwise
}

/** As answers have them: without those that are gone, the highest priority first. */
export function shownReferences(
  { directory }: CommandContext,
  type: 'role' | 'group',
  list: readonly Reference[],
): object[] {
  const there = memberships(directory, type, list).toSorted((a, b) => b.priority - a.priority)
  return there.map(({ name, priority }) => ({
    [KEYS[type]]: name,
    ...(priority !== NO_PRIORITY && { priority }),
  }))
}

/** Every change of every command. A password takes time to hash, and the sender may have lost its role meanwhile. */
export function set(context: CommandContext, ...steps: readonly Step[]): undefined {
  mustBeAllowed(context)
  for (const { entry } of steps) checkMembershipCounts(entry ?? {})
  if (takesLastAdministrator(context.directory, steps)) throw new CommandError(LAST_ADMINISTRATOR)
  context.directory.carryOut(steps)
}

/** As many as an import accepts again. @throws {CommandError} */
function checkMembershipCounts(entry: object): void {
  const { roles = [], groups = [] } = entry as Partial<EntryTypes['user']>
  for (const [what, { length }] of Object.entries({ roles, groups })) {
    if (length > MAX_MEMBERSHIPS)
      throw new CommandError(`${length} ${what}, and at most ${MAX_MEMBERSHIPS} are possible`)
  }
}

/** @throws {CommandError} if the sender may send commands no longer */
export function mustBeAllowed(context: CommandContext): void {
  if (!context.mayStill()) throw new CommandError('Not authorized')
}

/** A command that deletes the entry that it names. */
export function deletion(type: 'user' | 'group' | 'role'): Command {
  return (given, context) => set(context, { type, name: entryIn(given, type, context).name, entry: undefined })
}

/**
 * A list of names, or of entries if it is `verbose`, in the order of their names; `count` and `offset` choose a part.
 *
 * @param noun such as `clients`
 */
export async function listOf(
  { verbose, count, offset }: Given,
  noun: string,
  { directory, inSlices }: CommandContext,
  type: EntryType,
  view: (name: string) => object,
): Promise<object> {
  const names = await inSlices(sortedNames(directory.all(type).keys()))
  const from = typeof offset === 'number' && offset > 0 ? offset : 0
  const to = typeof count === 'number' && count > 0 ? from + count : undefined
  const some = names.slice(from, to)
  const list = verbose === true ? await inSlices(viewsOf(directory, type, some, view)) : some
  return { totalCount: names.length, [noun]: list }
}

/** Of those that are still there: somebody may delete one meanwhile. */
function* viewsOf(
  directory: Directory,
  type: EntryType,
  names: readonly string[],
  view: (name: string) => object,
): Sliced<object[]> {
  const views: object[] = []
  for (const name of names) {
    if (directory.get(type, name) !== undefined) views.push(view(name))
    yield
  }
  return views
}
