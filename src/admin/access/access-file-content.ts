/** What a file of users, groups and roles says, whoever wrote it. @module */
import type { DefaultsEntry, GroupEntry, RoleEntry, UserEntry } from '../../access/directory/entries.ts'

/** What a file says. References have no numbers. */
export interface AccessFile {
  readonly defaults: DefaultsEntry | undefined
  readonly roles: ReadonlyMap<string, RoleEntry>
  readonly groups: ReadonlyMap<string, GroupEntry>
  /** A user without credentials keeps those that it has. */
  readonly users: ReadonlyMap<string, UserEntry>
  /** What has no effect here, or another one. */
  readonly notes: readonly string[]
}
