/**
 * The entries that a change is about, while a password is hashed for it. Another of the same name, made meanwhile, is
 * none of them: a user that is deleted does not come back by a change that began before, and a role that was made again
 * is not given instead.
 *
 * @module
 */
import type { Directory } from '../../access/directory/directory.ts'

/** The name of an entry, which need not exist. */
export interface EntryName {
  readonly type: 'user' | 'group' | 'role'
  readonly name: string
}

/** @returns a function that returns the first of them that existed and has been deleted since */
export function deletedSince(directory: Directory, names: readonly EntryName[]): () => EntryName | undefined {
  const ids = names.map(({ type, name }) => directory.get(type, name)?.id)
  return () => names.find(({ type, name }, at) => ids[at] !== undefined && directory.get(type, name)?.id !== ids[at])
}

/** All entries that a change of a user names. */
export function namesOfUser(
  name: string,
  roles: readonly { readonly name: string }[] = [],
  groups: readonly { readonly name: string }[] = [],
): EntryName[] {
  return [
    { type: 'user', name },
    ...roles.map((role): EntryName => ({ type: 'role', name: role.name })),
    ...groups.map((group): EntryName => ({ type: 'group', name: group.name })),
  ]
}
