/** Commands about the list of roles that a user or a group has. @module */
import type { Step } from '../../access/directory/directory.ts'
import type { Reference } from '../../access/directory/entries.ts'
import {
  CommandError,
  entryIn,
  nameIn,
  NO_PRIORITY,
  priorityIn,
  set,
  type Command,
  type CommandContext,
  type Given,
} from './command.ts'

/** What is in a list already keeps its place. @throws {CommandError} with the text `already` */
export function withReference(
  list: readonly Reference[],
  name: string,
  given: Given,
  already: string,
  { directory }: CommandContext,
  type: 'role' | 'group',
): readonly Reference[] {
  const there = list.filter((each) => directory.follow(type, each) !== undefined)
  if (there.some((each) => each.name === name)) throw new CommandError(already)
  return [...there, { name, priority: priorityIn(given, NO_PRIORITY), id: 0 }]
}

/** A command that gives a role. @param already the answer where it is there */
export function roleAddition(type: 'user' | 'group', already: string): Command {
  return roleChange(type, (roles, role, given, context) => withReference(roles, role, given, already, context, 'role'))
}

/** A command that takes a role away. */
export function roleRemoval(type: 'user' | 'group'): Command {
  return roleChange(type, (roles, role) => roles.filter(({ name }) => name !== role))
}

type Edit = (roles: readonly Reference[], role: string, given: Given, context: CommandContext) => readonly Reference[]

function roleChange(type: 'user' | 'group', edit: Edit): Command {
  return (given, context) => {
    nameIn(given, type === 'user' ? 'username' : 'groupname')
    const role = nameIn(given, 'rolename')
    const { name, entry } = entryIn(given, type, context)
    entryIn(given, 'role', context)
    const roles = edit(entry.roles, role, given, context)
    // The entry is of that type, whichever it is.
    return set(context, { type, name, entry: { ...entry, roles } } as Step)
  }
}
