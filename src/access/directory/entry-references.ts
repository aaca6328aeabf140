/** References of entries to roles and groups that are written by name. @module */
import type { EntryTypes, Reference } from './entries.ts'

type Entry = EntryTypes[keyof EntryTypes]

/**
 * The entry with the number of everything that it refers to by name only.
 *
 * @param numberOf throws if there is none
 */
export function withNumbers<One extends Entry>(
  entry: One,
  numberOf: (type: 'role' | 'group', name: string) => number,
): One {
  const find = (type: 'role' | 'group', { name, priority, id }: Reference): Reference => ({
    ...{ name, priority, id: id === 0 ? numberOf(type, name) : id },
  })
  const { roles, groups, anonymousGroup } = entry as Partial<EntryTypes['user'] & EntryTypes['defaults']>
  return {
    ...entry,
    ...(roles !== undefined && { roles: roles.map((each) => find('role', each)) }),
    ...(groups !== undefined && { groups: groups.map((each) => find('group', each)) }),
    ...(anonymousGroup !== undefined && { anonymousGroup: find('group', anonymousGroup) }),
  }
}
