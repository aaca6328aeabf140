/**
 * The operations of `broker.admin` about users, groups, roles, rules and bans: their parameters and answers.
 *
 * A user, group or role is set field by field: what is not given stays as it is. `ifVersion` makes a change depend on
 * the version that it is based on (0: only if there is none); another version is an error `ERR_VERSION`, and nothing is
 * changed.
 *
 * @module
 */
import type { AccessRule, BanKind, Membership, RuleAction } from '../../access/directory/entries.ts'
import type { Explanation } from '../../access/plugin.ts'
import type { Page, PageOptions } from './page.ts'

/** A user. Passwords and what is made of them are never shown. */
export interface UserView {
  readonly userName: string
  readonly version: number
  readonly disabled: boolean
  /** The only client identifier that the user may use; `undefined` for any. */
  readonly clientId: string | undefined
  /** Whether the user can log in with a password. */
  readonly hasPassword: boolean
  /** Whether the user can log in with SCRAM-SHA-256. */
  readonly hasScram: boolean
  readonly roles: readonly Membership[]
  readonly groups: readonly Membership[]
  readonly textName: string
  readonly textDescription: string
}

/** A group of users. */
export interface GroupView {
  readonly name: string
  readonly version: number
  readonly roles: readonly Membership[]
  readonly textName: string
  readonly textDescription: string
}

/** A role with its rules. */
export interface RoleView {
  readonly name: string
  readonly version: number
  readonly rules: readonly AccessRule[]
  readonly textName: string
  readonly textDescription: string
}

/** What holds where no rule of a role applies. */
export interface DefaultAccessView {
  readonly publish: 'allow' | 'deny'
  readonly receive: 'allow' | 'deny'
  readonly subscribe: 'allow' | 'deny'
  readonly unsubscribe: 'allow' | 'deny'
  /** 0 if it was never set. */
  readonly version: number
  /** The group of clients without a user name; `undefined` for none. */
  readonly anonymousGroup: string | undefined
}

/** A ban. Times are in milliseconds since 1970. */
export interface BanView {
  readonly kind: BanKind
  readonly value: string
  readonly reason: string
  readonly createdAtMs: number
  /** `undefined` if it never ends. */
  readonly untilMs: number | undefined
  readonly version: number
}

/** A role or group by its name, with priority 0, or with a priority. */
export type MembershipInput = string | { readonly name: string; readonly priority?: number }

/** A rule; `literal` is false and `priority` 0 unless given. */
export interface RuleInput {
  readonly action: RuleAction
  readonly effect: 'allow' | 'deny'
  /** A topic filter, in which `%u` is the user name of the client, and `%c` its client identifier. */
  readonly topic: string
  readonly priority?: number
  readonly literal?: boolean
}

/** Makes a change depend on the version that it is based on. */
export interface IfVersion {
  readonly ifVersion?: number | undefined
}
/** Texts for people. */
export interface Labelled {
  readonly textName?: string | undefined
  readonly textDescription?: string | undefined
}

/** A user as it is to be. */
export interface PutUserRequest extends IfVersion, Labelled {
  readonly userName: string
  /** Hashed with Argon2id, and for SCRAM-SHA-256. */
  readonly password?: string | undefined
  readonly disabled?: boolean | undefined
  /** Empty: any. */
  readonly clientId?: string | undefined
  readonly roles?: readonly MembershipInput[] | undefined
  readonly groups?: readonly MembershipInput[] | undefined
}

/** A group as it is to be. */
export interface PutGroupRequest extends IfVersion, Labelled {
  readonly name: string
  readonly roles?: readonly MembershipInput[] | undefined
}

/** A role as it is to be; `rules` are all of them. */
export interface PutRoleRequest extends IfVersion, Labelled {
  readonly name: string
  readonly rules?: readonly RuleInput[] | undefined
}

/** What is to hold where no rule of a role applies. */
export interface PutDefaultAccessRequest extends IfVersion {
  readonly publish?: 'allow' | 'deny' | undefined
  readonly receive?: 'allow' | 'deny' | undefined
  readonly subscribe?: 'allow' | 'deny' | undefined
  readonly unsubscribe?: 'allow' | 'deny' | undefined
  /** Empty: none. */
  readonly anonymousGroup?: string | undefined
}

/** One rule of a role. */
export interface RuleRequest extends RuleInput, IfVersion {
  readonly name: string
}

/** A rule of a role, by what it is about. */
export interface DeleteRuleRequest extends IfVersion {
  readonly name: string
  readonly action: RuleAction
  readonly topic: string
}

/** What is banned, and for how long. */
export interface BanRequest {
  readonly kind: BanKind
  readonly value: string
  readonly reason?: string | undefined
  /** From now on; omitted: for ever. */
  readonly seconds?: number | undefined
}

/** A ban, by what it is about. */
export interface UnbanRequest {
  readonly kind: BanKind
  readonly value: string
}

/** A file of users, groups and roles. */
export interface ImportRequest {
  /** What `exportAccess` returned, or the file of Mosquitto's dynamic security plugin. */
  readonly file: object
  /** Only says what would change. */
  readonly dryRun?: boolean | undefined
  /** Also removes users, groups and roles that the file does not have. */
  readonly replace?: boolean | undefined
}

/** Who may do more or less than before. */
export interface AccessDifference {
  /** `undefined` for clients without a user name. */
  readonly userName: string | undefined
  /** Rules that hold for the user from then on, such as `allow publish a/#`. */
  readonly gains: readonly string[]
  /** Rules that hold no longer. */
  readonly loses: readonly string[]
}

/** What an import has changed, or would change. */
export interface ImportView {
  readonly dryRun: boolean
  /** Such as `role meter`. */
  readonly added: readonly string[]
  readonly changed: readonly string[]
  readonly removed: readonly string[]
  /** The first thousand of those who gain or lose something. */
  readonly differences: readonly AccessDifference[]
  readonly differencesInAll: number
  /** What in the file has no effect here, or another one. */
  readonly notes: readonly string[]
}

/** What somebody would like to do. */
export interface ExplainRequest {
  readonly action: 'publish' | 'subscribe' | 'receive'
  /** A topic name; for `subscribe`, a topic filter. */
  readonly topic: string
  /** Default: a client without a user name. */
  readonly userName?: string | undefined
  readonly clientId?: string | undefined
  readonly address?: string | undefined
  /** The name of the listener. */
  readonly listener?: string | undefined
}

/** Whether it is allowed now, and why. */
export interface ExplainView {
  readonly decision: 'allow' | 'deny'
  /** What each plugin that was asked decides, and by which rule. */
  readonly explanations: readonly Explanation[]
}

/** A group or role. */
export interface NameParameter {
  readonly name: string
}

/** A user. */
export interface UserNameParameter {
  readonly userName: string
}

/** The parameters of each operation. */
export interface AccessParameters {
  users: PageOptions & { readonly role?: string | undefined; readonly group?: string | undefined }
  user: UserNameParameter
  putUser: PutUserRequest
  deleteUser: UserNameParameter & IfVersion
  groups: PageOptions
  group: NameParameter
  putGroup: PutGroupRequest
  deleteGroup: NameParameter & IfVersion
  roles: PageOptions
  role: NameParameter
  putRole: PutRoleRequest
  deleteRole: NameParameter & IfVersion
  putRule: RuleRequest
  deleteRule: DeleteRuleRequest
  defaultAccess: object
  putDefaultAccess: PutDefaultAccessRequest
  bans: PageOptions
  ban: BanRequest
  unban: UnbanRequest
  exportAccess: { readonly credentials?: boolean | undefined }
  importAccess: ImportRequest
  explain: ExplainRequest
}

/** Users, groups, roles, rules and bans. Changes resolve once they are stored. */
export interface AccessAdmin {
  /** Users, in the order in which they were made. */
  users(parameters?: AccessParameters['users']): Promise<Page<UserView>>
  /** One user; `undefined` if there is none of that name. */
  user(parameters: AccessParameters['user']): Promise<UserView | undefined>
  /** Makes or changes a user. */
  putUser(parameters: PutUserRequest): Promise<UserView>
  /** Removes a user, whose connections end; `false` if there is none. */
  deleteUser(parameters: AccessParameters['deleteUser']): Promise<boolean>
  /** Groups, in the order in which they were made. */
  groups(parameters?: PageOptions): Promise<Page<GroupView>>
  /** One group; `undefined` if there is none of that name. */
  group(parameters: AccessParameters['group']): Promise<GroupView | undefined>
  /** Makes or changes a group. */
  putGroup(parameters: PutGroupRequest): Promise<GroupView>
  /** Removes a group; `false` if there is none. */
  deleteGroup(parameters: AccessParameters['deleteGroup']): Promise<boolean>
  /** Roles, in the order in which they were made. */
  roles(parameters?: PageOptions): Promise<Page<RoleView>>
  /** One role; `undefined` if there is none of that name. */
  role(parameters: AccessParameters['role']): Promise<RoleView | undefined>
  /** Makes or changes a role. */
  putRole(parameters: PutRoleRequest): Promise<RoleView>
  /** Removes a role; `false` if there is none. */
  deleteRole(parameters: AccessParameters['deleteRole']): Promise<boolean>
  /** Adds a rule to a role, in place of one with the same action and topic. */
  putRule(parameters: RuleRequest): Promise<RoleView>
  /** Removes a rule of a role; `false` if there is none. */
  deleteRule(parameters: DeleteRuleRequest): Promise<boolean>
  /** What holds where no rule applies. */
  defaultAccess(parameters?: object): Promise<DefaultAccessView>
  /** Changes what holds where no rule applies. */
  putDefaultAccess(parameters: PutDefaultAccessRequest): Promise<DefaultAccessView>
  /** Bans that hold, in the order in which they were made. */
  bans(parameters?: PageOptions): Promise<Page<BanView>>
  /** Bans a client identifier, user, address or network, and ends its connections. */
  ban(parameters: BanRequest): Promise<BanView>
  /** Ends a ban; `false` if there is none. */
  unban(parameters: UnbanRequest): Promise<boolean>
  /** Users, groups, roles and the default access as one file; with what passwords were made into only if asked for. */
  exportAccess(parameters?: AccessParameters['exportAccess']): Promise<Readonly<Record<string, unknown>>>
  /**
   * Takes over such a file, or says what would change. One import changes at most 5,000 entries, and there is one at a
   * time (`ERR_LIMIT`); a dry run may be of any length.
   */
  importAccess(parameters: ImportRequest): Promise<ImportView>
  /** Whether a client may do something now, and which rule decides it; the client need not be connected. */
  explain(parameters: ExplainRequest): Promise<ExplainView>
}
