/** What the configuration says of how much operators may set while the broker runs. @module */
import type { DirectoryLimits } from '../access/directory/directory-limits.ts'
import { defaultsOf } from './option-reader.ts'
import type { Options, UsersOptions } from './options.ts'

/** Users and roles may be kept without `users`: they are of no effect until it is there. */
export function directoryLimits({ users, bans }: Pick<Options, 'users' | 'bans'>): DirectoryLimits {
  const { maxUsers, maxGroups, maxRoles, maxRules } = users ?? (defaultsOf('users') as unknown as UsersOptions)
  return { maxUsers, maxGroups, maxRoles, maxRules, maxBans: bans.maxBans }
}
