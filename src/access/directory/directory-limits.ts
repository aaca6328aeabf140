/** How much operators may set. @module */

export interface DirectoryLimits {
  readonly maxUsers: number
  readonly maxGroups: number
  readonly maxRoles: number
  /** Rules of all roles together. */
  readonly maxRules: number
  readonly maxBans: number
}

/** The most roles or groups that one entry refers to. */
export const MAX_MEMBERSHIPS = 100
/** Characters of a name, a reason or a text for people. */
export const MAX_TEXT = 1024
/** Entries that one import changes: recording and storing as many takes most of a turn. */
export const MAX_IMPORT_CHANGES = 5000
