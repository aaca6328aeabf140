/** A plan: what is to become of entries, how it is prepared, and what it may have made invalid. @module */
import type { Sliced } from '../../base/slices.ts'
import type { EntryType, EntryTypes, Kept, RoleEntry } from './entries.ts'

/** A part of a plan: one entry as it is to be, or that it is to be gone. */
export type Step = {
  readonly [Type in EntryType]: {
    readonly type: Type
    readonly name: string
    readonly entry: EntryTypes[Type] | undefined
    /** Only if this is the version now; 0: only if there is none. */
    readonly ifVersion?: number | undefined
  }
}[EntryType]

/** What a file of users, groups and roles makes of a directory. */
export interface AccessPlan {
  readonly plan: readonly Step[]
  /** What of the file has no effect here, or another one. */
  readonly notes: readonly string[]
}

/** What a change may have made invalid. */
export interface DirectoryChange {
  /** What clients may do. */
  readonly rules: boolean
  /** Who may be logged in. */
  readonly logins: boolean
}

/** The version and the number of an entry; `undefined` if it is to be gone. */
export interface Stamp {
  readonly version: number
  readonly id: number
}
export type Stamps = ReadonlyMap<string, Stamp | undefined>

/** A plan that was checked, with its records. It holds only as long as nothing else changes. */
export interface PreparedPlan {
  /** `rulesRevision` of the directory that it was made for. */
  readonly revision: number
  readonly written: readonly Written[]
  readonly change: DirectoryChange
}

export interface Written {
  readonly step: Step
  readonly kept: Kept<NonNullable<Step['entry']>> | undefined
  readonly content: string
  readonly grows: number
}

export function keyOf({ type, name }: Pick<Step, 'type' | 'name'>): string {
  return `${type}\n${name}`
}

export function rulesOf(role: RoleEntry | undefined): number {
  return role?.rules.length ?? 0
}

export function* changeOf(plan: readonly Step[], before: (step: Step) => Step['entry']): Sliced<DirectoryChange> {
  const change = { rules: false, logins: false }
  for (const step of plan) {
    if (step.type === 'ban') change.logins ||= step.entry !== undefined
    else if (step.type !== 'user') change.rules = true
    else {
      change.rules = true
      change.logins ||= loginOf(before(step) as EntryTypes['user'] | undefined) !== loginOf(step.entry)
    }
    yield
  }
  return change
}

/** The part of a user that decides who may be logged in. */
function loginOf(user: EntryTypes['user'] | undefined): string {
  return user === undefined ? '' : JSON.stringify([user.disabled, user.clientId, user.passwordHash, user.scram])
}
