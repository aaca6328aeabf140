/**
 * The file of Mosquitto's dynamic security plugin (`dynamic-security.json`), as users, groups and roles of ours.
 *
 *   publishClientSend                 publish
 *   publishClientReceive              receive
 *   subscribeLiteral, …Pattern        subscribe, literal or not
 *   unsubscribeLiteral, …Pattern      unsubscribe
 *
 * A role that may publish to `$CONTROL/dynamic-security/v1` there makes its users administrators: here no rule does, so
 * they get the role `administrator`, unless a `deny` is in front of it there: in the role, or in another one of the
 * same user or group.
 *
 * @module
 */
import { MAX_PBKDF2_ITERATIONS, problemOf } from '../../access/credential-costs.ts'
import { passwordHashKind } from '../../access/credential-forms.ts'
import { MAX_MEMBERSHIPS } from '../../access/directory/directory-limits.ts'
import {
  ADMINISTRATOR,
  type AccessRule,
  type DefaultsEntry,
  type GroupEntry,
  type Reference,
  type RoleEntry,
  type RuleAction,
  type UserEntry,
} from '../../access/directory/entries.ts'
import { CONTROL_TOPIC } from '../../access/control-topics.ts'
import { UsageError } from '../../base/errors.ts'
import type { Sliced } from '../../base/slices.ts'
import { show } from '../../base/show.ts'
import { covers } from '../../topics/containment.ts'
import type { AccessFile } from './access-file-content.ts'
import { checkName, checkObject, checkPriority, checkRule, checkText } from './access-input.ts'

type Given = Readonly<Record<string, unknown>>

interface AclType {
  readonly action: RuleAction
  readonly literal: boolean
}

/** The types of ACL, in the order in which `mosquitto_ctrl` lists them. */
export const ACL_TYPES: Readonly<Record<string, AclType>> = {
  publishClientSend: { action: 'publish', literal: false },
  publishClientReceive: { action: 'receive', literal: false },
  subscribeLiteral: { action: 'subscribe', literal: true },
  subscribePattern: { action: 'subscribe', literal: false },
  unsubscribeLiteral: { action: 'unsubscribe', literal: true },
  unsubscribePattern: { action: 'unsubscribe', literal: false },
}

/** The priority of what has none there. */
const NO_PRIORITY = -1

export function isMosquittoFile(content: Given): boolean {
  return content['format'] === undefined && ('defaultACLAccess' in content || 'clients' in content)
}

/** @throws {UsageError} */
export function* readMosquittoFile(content: Given): Sliced<AccessFile> {
  const notes: string[] = []
  const roles = new Map<string, RoleEntry>()
  for (const role of listOf(content, 'roles')) {
    const [name, entry] = readRole(role)
    mustBeNew(roles, name, 'roles')
    roles.set(name, entry)
    yield
  }
  const control = new Map([...roles].map(([name, { rules }]) => [name, controlOf(rules)]))
  if ([...control.values()].includes('allow') && !roles.has(ADMINISTRATOR)) {
    roles.set(ADMINISTRATOR, { textName: '', textDescription: 'May change users, groups and roles', rules: [] })
  }
  const given = (list: readonly Reference[], owner: string): readonly Reference[] => {
    if (controlOfRoles(list, control) !== 'allow' || list.some(({ name }) => name === ADMINISTRATOR)) return list
    notes.push(`${owner} gets the role ${ADMINISTRATOR}, because a role of it may publish to ${CONTROL_TOPIC}`)
    return [...list, { name: ADMINISTRATOR, priority: NO_PRIORITY, id: 0 }]
  }
  const groups = new Map<string, GroupEntry>()
  const members = new Map<string, Reference[]>()
  for (const group of listOf(content, 'groups')) {
    const name = checkName(group['groupname'], 'groupname')
    mustBeNew(groups, name, 'groups')
    const its = given(referencesOf(group, 'roles', 'rolename'), `group ${name}`)
    groups.set(name, { ...labelsOf(group), roles: fitting(its, `roles of group ${name}`) })
    for (const { name: user, priority } of referencesOf(group, 'clients', 'username')) {
      members.set(user, [...(members.get(user) ?? []), { name, priority, id: 0 }])
      yield
    }
  }
  const users = new Map<string, UserEntry>()
  for (const client of listOf(content, 'clients')) {
    const name = checkName(client['username'], 'username')
    mustBeNew(users, name, 'clients')
    const own = referencesOf(client, 'groups', 'groupname')
    const others = (members.get(name) ?? []).filter((each) => !own.some((group) => group.name === each.name))
    const user = readUser(client, [...own, ...others])
    if (typeof client['password'] === 'string' && user.passwordHash === undefined) {
      notes.push(`user ${name} has a password that cannot be read, and has none here`)
    }
    const its = fitting(given(user.roles, `user ${name}`), `roles of user ${name}`)
    users.set(name, { ...user, roles: its, groups: fitting(user.groups, `groups of user ${name}`) })
    yield
  }
  const access = content['defaultACLAccess']
  const anonymous = content['anonymousGroup']
  return { defaults: readDefaults(access, anonymous), roles, groups, users, notes }
}

/** @throws {UsageError} */
function mustBeNew(found: ReadonlyMap<string, unknown>, name: string, what: string): void {
  if (found.has(name)) throw new UsageError(`${what} has ${show(name)} twice`)
}

/** What can be exported and imported again. @throws {UsageError} */
function fitting(list: readonly Reference[], what: string): readonly Reference[] {
  if (list.length > MAX_MEMBERSHIPS)
    throw new UsageError(`${what} must be at most ${MAX_MEMBERSHIPS}, got ${list.length}`)
  if (new Set(list.map(({ name }) => name)).size < list.length) throw new UsageError(`${what} must name nothing twice`)
  return list
}

type Effect = AccessRule['effect']

/** What rules say about commands there: the first in their order decides. */
function controlOf(rules: readonly AccessRule[]): Effect | undefined {
  const about = rules.filter(({ action, topic }) => action === 'publish' && covers(topic, CONTROL_TOPIC))
  return firstOf(about)
}

/** The same for a list of roles. */
function controlOfRoles(
  list: readonly Reference[],
  control: ReadonlyMap<string, Effect | undefined>,
): Effect | undefined {
  return firstOf(list.map(({ name, priority }) => ({ priority, effect: control.get(name) })))
}

/** The effect with the highest priority; where priorities are equal, `deny`. */
function firstOf(
  all: readonly { readonly priority: number; readonly effect: Effect | undefined }[],
): Effect | undefined {
  const about = all.filter(({ effect }) => effect !== undefined)
  const highest = about.reduce((found, { priority }) => Math.max(found, priority), -Infinity)
  const first = about.filter(({ priority }) => priority === highest)
  return first.find(({ effect }) => effect === 'deny')?.effect ?? first[0]?.effect
}

function readRole(role: Given): [string, RoleEntry] {
  const rules = listOf(role, 'acls').map((acl) => ruleOfAcl(acl))
  return [checkName(role['rolename'], 'rolename'), { ...labelsOf(role), rules }]
}

/**
 * An ACL as a rule.
 *
 * @throws {UsageError}
 */
export function ruleOfAcl({ acltype, topic, allow = false, priority = 0 }: Given): AccessRule {
  const type = typeof acltype === 'string' && Object.hasOwn(ACL_TYPES, acltype) ? ACL_TYPES[acltype] : undefined
  if (type === undefined)
    throw new UsageError(`acltype must be one of ${Object.keys(ACL_TYPES).join(', ')}, got ${show(acltype)}`)
  return checkRule({ ...type, topic, priority, effect: allow === true ? 'allow' : 'deny' })
}

function readUser(client: Given, groups: readonly Reference[]): UserEntry {
  const { clientid, disabled = false } = client
  return {
    ...{ ...labelsOf(client), disabled: disabled === true, passwordHash: hashOf(client), scram: undefined },
    clientId: clientid === undefined ? undefined : checkText(clientid, 'clientid'),
    ...{ roles: referencesOf(client, 'roles', 'rolename'), groups },
  }
}

/** Its password is PBKDF2 with SHA-512, as in Mosquitto's password files. @throws {UsageError} if it costs too much */
function hashOf({ username, password, salt, iterations }: Given): string | undefined {
  if (typeof password !== 'string' || typeof salt !== 'string' || typeof iterations !== 'number') return undefined
  if (iterations > MAX_PBKDF2_ITERATIONS) {
    const problem = problemOf(iterations, 'iterations of PBKDF2', MAX_PBKDF2_ITERATIONS)
    throw new UsageError(
      `${show(username)}: its password ${problem}; leave out password, salt and iterations, and set a password with \`sluice put-user USER --password\``,
    )
  }
  const hash = `$7$${iterations}$${salt}$${password}`
  return passwordHashKind(hash) === undefined ? undefined : hash
}

function readDefaults(access: unknown, anonymousGroup: unknown): DefaultsEntry | undefined {
  if (access === undefined && anonymousGroup === undefined) return undefined
  const given = access === undefined ? {} : checkObject(access, 'defaultACLAccess')
  const effect = (acltype: string, otherwise: boolean): 'allow' | 'deny' =>
    (given[acltype] ?? otherwise) === true ? 'allow' : 'deny'
  return {
    publish: effect('publishClientSend', false),
    receive: effect('publishClientReceive', true),
    subscribe: effect('subscribe', false),
    unsubscribe: effect('unsubscribe', true),
    anonymousGroup:
      anonymousGroup === undefined
        ? undefined
        : { name: checkName(anonymousGroup, 'anonymousGroup'), priority: 0, id: 0 },
  }
}

/** Names with priorities, such as `[{ "rolename": "admin", "priority": 5 }]`. */
export function referencesOf(owner: Given, list: string, key: string): Reference[] {
  return listOf(owner, list).map((each) => ({
    name: checkName(each[key], key),
    priority: checkPriority(each['priority'] ?? NO_PRIORITY),
    id: 0,
  }))
}

function listOf(owner: Given, key: string): Given[] {
  const list = owner[key] ?? []
  if (!Array.isArray(list)) throw new UsageError(`${key} must be a list, got ${show(list)}`)
  return list.map((each: unknown) => checkObject(each, `each of ${key}`))
}

/** What people read. */
export function labelsOf({ textname, textdescription, textName = '', textDescription = '' }: Given) {
  return {
    // `mosquitto_ctrl dynsec init` writes them in the other spelling.
    textName: checkText(textname ?? textName, 'textname'),
    textDescription: checkText(textdescription ?? textDescription, 'textdescription'),
  }
}
