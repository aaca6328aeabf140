/**
 * What operators set while the broker runs: users, groups, roles with their rules, the defaults, and bans.
 *
 *   user ──┬──────────────> role ──> rules
 *          └──> group ────> role ──> rules          defaults: what holds where no rule applies
 *
 * Entries refer to roles and groups by name and by the number that the role or group got when it was made: a role that
 * is deleted and made again under the same name gives nobody what the old one gave.
 *
 * @module
 */

/**
 * The role that may change users, groups, roles and rules from MQTT (`$CONTROL/dynamic-security/v1`). No rule gives it.
 */
export const ADMINISTRATOR = 'administrator'

/** What a rule is about. */
export type RuleAction = 'publish' | 'receive' | 'subscribe' | 'unsubscribe'
export const RULE_ACTIONS: readonly RuleAction[] = ['publish', 'receive', 'subscribe', 'unsubscribe']

/** One rule of a role. */
export interface AccessRule {
  readonly action: RuleAction
  readonly effect: 'allow' | 'deny'
  /** A topic filter, in which `%u` is the user name of the client, and `%c` its client identifier. */
  readonly topic: string
  /** Rules with a higher one decide first; where two are equal, `deny` does. */
  readonly priority: number
  /** For `subscribe` and `unsubscribe`: only this topic filter itself, not those that it covers. */
  readonly literal: boolean
}

/** A name with a priority: a role of a user or group, or a group of a user. */
export interface Membership {
  readonly name: string
  /** Those with a higher one decide first. */
  readonly priority: number
}

/** The same, with the number of what it refers to. */
export interface Reference extends Membership {
  readonly id: number
}

/** What people read. */
export interface Labels {
  readonly textName: string
  readonly textDescription: string
}

export interface UserEntry extends Labels {
  readonly disabled: boolean
  /** The only client identifier that the user may use; `undefined` for any. */
  readonly clientId: string | undefined
  /** `undefined`: the user cannot log in with a password here, but may by another plugin. */
  readonly passwordHash: string | undefined
  /** Credentials for SCRAM-SHA-256. */
  readonly scram: string | undefined
  readonly roles: readonly Reference[]
  readonly groups: readonly Reference[]
}

export interface GroupEntry extends Labels {
  readonly roles: readonly Reference[]
}

export interface RoleEntry extends Labels {
  readonly rules: readonly AccessRule[]
}

/** What holds where no rule of a client applies, and which group clients without a user name are in. */
export interface DefaultsEntry {
  readonly publish: 'allow' | 'deny'
  readonly receive: 'allow' | 'deny'
  readonly subscribe: 'allow' | 'deny'
  readonly unsubscribe: 'allow' | 'deny'
  readonly anonymousGroup: Reference | undefined
}

/** Nothing is allowed without a rule, except to receive what one may subscribe to. */
export const NO_DEFAULTS: DefaultsEntry = {
  publish: 'deny',
  receive: 'allow',
  subscribe: 'deny',
  unsubscribe: 'allow',
  anonymousGroup: undefined,
}

/** Whom a ban is about. */
export type BanKind = 'client-id' | 'user' | 'address' | 'network'
export const BAN_KINDS: readonly BanKind[] = ['client-id', 'user', 'address', 'network']

export interface BanEntry {
  readonly kind: BanKind
  /** A client identifier, a user name, an IP address, or a network such as `10.0.0.0/8`. */
  readonly value: string
  /** For people. */
  readonly reason: string
  /** Wall-clock milliseconds. */
  readonly createdAtMs: number
  /** Wall-clock milliseconds; `undefined` for ever. */
  readonly untilMs: number | undefined
}

/** The entry of each type of record. */
export interface EntryTypes {
  readonly user: UserEntry
  readonly group: GroupEntry
  readonly role: RoleEntry
  readonly defaults: DefaultsEntry
  readonly ban: BanEntry
}
export type EntryType = keyof EntryTypes

/** An entry as it is kept. */
export interface Kept<Entry> {
  /** Changes with the entry, and never repeats. */
  readonly version: number
  /** The version with which it was made. */
  readonly id: number
  readonly entry: Entry
}
