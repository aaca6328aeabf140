/** Commands about groups. Who is in a group is kept with the user. @module */
import type { Directory } from '../../access/directory/directory.ts'
import type { Sliced } from '../../base/slices.ts'
import { sortedNames } from '../../base/sorted-slices.ts'
import { DEFAULTS_NAME, type Step } from '../../access/directory/directory.ts'
import type { GroupEntry, Reference } from '../../access/directory/entries.ts'
import { NEW_GROUP } from '../access/access-changes.ts'
import {
  CommandError,
  deletion,
  entryIn,
  labelsIn,
  listOf,
  mustBeNew,
  nameIn,
  referencesIn,
  set,
  shownLabels,
  shownReferences,
  type Command,
  type CommandContext,
  type Given,
} from './command.ts'
import { roleAddition, roleRemoval, withReference } from './role-lists.ts'

function shown(name: string, context: CommandContext, members = membersOf(name, context)): object {
  const { roles, ...labels } = context.directory.get('group', name)!.entry
  return {
    ...{ groupname: name, ...shownLabels(labels) },
    clients: members.map((username) => ({ username })),
    roles: shownReferences(context, 'role', roles),
  }
}

/** The users in each group, in the order of their names: one pass over all users, however many groups there are. */
function* membersOfAll(directory: Directory): Sliced<ReadonlyMap<string, readonly string[]>> {
  const members = new Map<string, string[]>()
  for (const [user, { entry }] of directory.all('user')) {
    for (const group of entry.groups) {
      if (directory.follow('group', group) === undefined) continue
      const known = members.get(group.name)
      if (known === undefined) members.set(group.name, [user])
      else if (known.at(-1) !== user) known.push(user)
    }
    yield
  }
  for (const [group, users] of members) members.set(group, yield* sortedNames(users))
  return members
}

/** The users in a group, in the order of their names. */
function membersOf(group: string, { directory }: CommandContext): string[] {
  const isIn = (groups: readonly Reference[]): boolean =>
    groups.some((each) => each.name === group && directory.follow('group', each) !== undefined)
  const members = [...directory.all('user')].flatMap(([name, { entry }]) => (isIn(entry.groups) ? [name] : []))
  return members.toSorted((a, b) => (a < b ? -1 : 1))
}

function partsIn(given: Given, context: CommandContext): Partial<GroupEntry> {
  const roles = referencesIn(given, 'roles', 'role', context)
  return { ...labelsIn(given), ...(roles !== undefined && { roles }) }
}

/** Steps after which exactly these users are in a group. */
function memberSteps(group: string, members: readonly Reference[] | undefined, context: CommandContext): Step[] {
  if (members === undefined) return []
  const { directory } = context
  const priorities = new Map(members.map(({ name, priority }) => [name, priority]))
  const names = new Set([...membersOf(group, context), ...priorities.keys()])
  return [...names].map((name) => {
    const { entry } = directory.get('user', name)!
    const others = entry.groups.filter((each) => each.name !== group && directory.leads('group', each))
    const priority = priorities.get(name)
    const groups = priority === undefined ? others : [...others, { name: group, priority, id: 0 }]
    return { type: 'user', name, entry: { ...entry, groups } }
  })
}

function put(given: Given, context: CommandContext, name: string, before: GroupEntry): undefined {
  const members = referencesIn(given, 'clients', 'user', context)
  const entry = { ...before, ...partsIn(given, context) }
  return set(context, { type: 'group', name, entry }, ...memberSteps(name, members, context))
}

/** @throws {CommandError} */
function groupAndUser(given: Given, context: CommandContext) {
  const group = nameIn(given, 'groupname')
  nameIn(given, 'username')
  const user = entryIn(given, 'user', context)
  entryIn(given, 'group', context)
  return { group, ...user }
}

export const groupCommands: Readonly<Record<string, Command>> = {
  createGroup: (given, context) => put(given, context, mustBeNew(given, 'group', context), NEW_GROUP),
  modifyGroup: (given, context) => {
    const { name, entry } = entryIn(given, 'group', context)
    return put(given, context, name, entry)
  },
  deleteGroup: deletion('group'),
  getGroup: (given, context) => ({ group: shown(entryIn(given, 'group', context).name, context) }),
  listGroups: async (given, context) => {
    const members = given['verbose'] === true ? await context.inSlices(membersOfAll(context.directory)) : undefined
    return listOf(given, 'groups', context, 'group', (name) => shown(name, context, [...(members?.get(name) ?? [])]))
  },
  addGroupClient: (given, context) => {
    const { group, name, entry } = groupAndUser(given, context)
    const groups = withReference(entry.groups, group, given, 'Client is already in this group', context, 'group')
    return set(context, { type: 'user', name, entry: { ...entry, groups } })
  },
  removeGroupClient: (given, context) => {
    const { group, name, entry } = groupAndUser(given, context)
    const groups = entry.groups.filter((each) => each.name !== group)
    return set(context, { type: 'user', name, entry: { ...entry, groups } })
  },
  addGroupRole: roleAddition('group', 'Group is already in this role'),
  removeGroupRole: roleRemoval('group'),
  getAnonymousGroup: (_, { directory }) => {
    const { anonymousGroup } = directory.defaults
    const isThere = anonymousGroup !== undefined && directory.follow('group', anonymousGroup) !== undefined
    return { group: { groupname: isThere ? anonymousGroup.name : '' } }
  },
  setAnonymousGroup: (given, context) => {
    if (typeof given['groupname'] !== 'string') throw new CommandError('Invalid/missing groupname')
    const { name } = entryIn(given, 'group', context)
    const anonymousGroup = { name, priority: 0, id: 0 }
    return set(context, {
      ...{ type: 'defaults', name: DEFAULTS_NAME },
      entry: { ...context.directory.defaults, anonymousGroup },
    })
  },
}
