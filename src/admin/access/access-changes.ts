/** Changes of users, groups, roles, rules and the default access. Each resolves once it is stored. @module */
import { DEFAULTS_NAME, type Step } from '../../access/directory/directory.ts'
import type { Directory } from '../../access/directory/directory.ts'
import type { AccessRule, GroupEntry, Labels, Reference, RoleEntry, UserEntry } from '../../access/directory/entries.ts'
import { takesLastAdministrator } from '../../access/directory/last-administrator.ts'
import type { CallOptions } from '../../broker/host/admin.ts'
import { SluiceError, UsageError } from '../../base/errors.ts'
import type {
  AccessParameters,
  DefaultAccessView,
  DeleteRuleRequest,
  GroupView,
  PutDefaultAccessRequest,
  PutGroupRequest,
  PutRoleRequest,
  PutUserRequest,
  RoleView,
  RuleRequest,
  UserView,
} from '../../broker/host/access-admin.ts'
import { serverOf, type Broker } from '../../broker/broker.ts'
import { checkMemberships, checkName, checkRule, checkRules, checkText } from './access-input.ts'
import { checkCallerNow, holderOf } from './caller-now.ts'
import { deletedSince, namesOfUser } from './deleted-since.ts'
import { defaultAccessView, groupView, roleView, userView } from './access-views.ts'

const NO_LABELS: Labels = { textName: '', textDescription: '' }
export const NEW_USER: UserEntry = {
  ...{ ...NO_LABELS, disabled: false, clientId: undefined, passwordHash: undefined, scram: undefined },
  ...{ roles: [], groups: [] },
}
export const NEW_GROUP: GroupEntry = { ...NO_LABELS, roles: [] }
export const NEW_ROLE: RoleEntry = { ...NO_LABELS, rules: [] }

/** Why a change is refused that would leave no administrator, and what to do. */
export const LAST_ADMINISTRATOR =
  'nobody would have the role administrator any more: give it to another user first; or do this on the machine of the broker, where `sluice admin reset NAME` makes an administrator again'

/**
 * Removing the last user with the role `administrator` takes a caller that can let somebody in again: the program, or
 * one that can open the socket.
 *
 * @throws {UsageError} for anybody else
 */
export function checkAdministrators(broker: Broker, plan: readonly Step[], { caller }: CallOptions): void {
  const { directory, reports } = serverOf(broker)
  if (!takesLastAdministrator(directory, plan)) return
  if (caller !== undefined && caller.isLocal !== true) throw new UsageError(LAST_ADMINISTRATOR)
  reports.noAdministrator()
}

/**
 * Carries out a plan, and waits until it is stored.
 *
 * @param view of what there is then: by the time it is stored, somebody may have changed it again
 * @throws {UsageError} if it takes the last administrator away, and the caller may not do that
 */
export async function carryOut<View>(
  broker: Broker,
  plan: readonly Step[],
  view: (directory: Directory) => View,
  options: CallOptions = {},
): Promise<View> {
  const { directory, turn } = serverOf(broker)
  checkAdministrators(broker, plan, options)
  directory.carryOut(plan)
  const seen = view(directory)
  await new Promise<void>((resolve) => turn.whenCommitted(resolve))
  return seen
}

export async function putUser(broker: Broker, request: PutUserRequest, options: CallOptions = {}): Promise<UserView> {
  const name = checkName(request.userName, 'userName')
  const { disabled, clientId, ifVersion } = request
  const groups = request.groups && checkMemberships(request.groups, 'groups')
  const roles = request.roles && checkMemberships(request.roles, 'roles')
  if (clientId !== undefined) checkText(clientId, 'clientId')
  const labels = labelsOf(request)
  const { directory } = serverOf(broker)
  const gone = deletedSince(directory, namesOfUser(name, roles, groups))
  const credentials =
    request.password === undefined ? {} : await directory.makeCredentials(request.password, holderOf(options))
  checkCallerNow(options)
  const lost = gone()
  if (lost !== undefined) {
    throw new SluiceError('ERR_VERSION', `${lost.type} ${lost.name} was deleted meanwhile; nothing was changed`)
  }
  const before = directory.get('user', name)?.entry ?? NEW_USER
  const entry: UserEntry = {
    ...{ ...before, ...labels, ...credentials },
    ...{ disabled: disabled ?? before.disabled, roles: roles ?? before.roles, groups: groups ?? before.groups },
    clientId: clientId === undefined ? before.clientId : clientId === '' ? undefined : clientId,
  }
  return carryOut(broker, [{ type: 'user', name, entry, ifVersion }], (each) => userView(each, name)!, options)
}

export async function putGroup(
  broker: Broker,
  request: PutGroupRequest,
  options: CallOptions = {},
): Promise<GroupView> {
  const name = checkName(request.name, 'name')
  const before = serverOf(broker).directory.get('group', name)?.entry ?? NEW_GROUP
  const roles: readonly Reference[] = request.roles ? checkMemberships(request.roles, 'roles') : before.roles
  const entry = { ...before, ...labelsOf(request), roles }
  const { ifVersion } = request
  return carryOut(broker, [{ type: 'group', name, entry, ifVersion }], (each) => groupView(each, name)!, options)
}

export async function putRole(broker: Broker, request: PutRoleRequest): Promise<RoleView> {
  const name = checkName(request.name, 'name')
  const before = serverOf(broker).directory.get('role', name)?.entry ?? NEW_ROLE
  const rules = request.rules ? checkRules(request.rules) : before.rules
  return setRole(broker, name, { ...before, ...labelsOf(request), rules }, request.ifVersion)
}

function setRole(broker: Broker, name: string, entry: RoleEntry, ifVersion: number | undefined): Promise<RoleView> {
  return carryOut(broker, [{ type: 'role', name, entry, ifVersion }], (each) => roleView(each, name)!)
}

export async function putRule(broker: Broker, { name, ifVersion, ...input }: RuleRequest): Promise<RoleView> {
  const rule = checkRule(input)
  const role = serverOf(broker).directory.get('role', name)?.entry
  if (role === undefined) throw new UsageError(`there is no role ${name}: create it first`)
  const others = role.rules.filter((each) => !isAbout(each, rule))
  return setRole(broker, name, { ...role, rules: [...others, rule] }, ifVersion)
}

export async function deleteRule(broker: Broker, request: DeleteRuleRequest): Promise<boolean> {
  const { name, ifVersion } = request
  const role = serverOf(broker).directory.get('role', name)?.entry
  const rules = role?.rules.filter((each) => !isAbout(each, request))
  if (role === undefined || rules === undefined || rules.length === role.rules.length) return false
  await setRole(broker, name, { ...role, rules }, ifVersion)
  return true
}

function isAbout(rule: AccessRule, { action, topic }: Pick<AccessRule, 'action' | 'topic'>): boolean {
  return rule.action === action && rule.topic === topic
}

export async function putDefaultAccess(
  broker: Broker,
  { ifVersion, anonymousGroup, ...given }: PutDefaultAccessRequest,
): Promise<DefaultAccessView> {
  const { directory } = serverOf(broker)
  const before = directory.defaults
  const effects = Object.fromEntries(Object.entries(given).filter(([, effect]) => effect !== undefined))
  const group = anonymousGroup === '' ? undefined : anonymousGroup && { name: anonymousGroup, priority: 0, id: 0 }
  const entry = {
    ...before,
    ...effects,
    anonymousGroup: anonymousGroup === undefined ? before.anonymousGroup : group || undefined,
  }
  return carryOut(broker, [{ type: 'defaults', name: DEFAULTS_NAME, entry, ifVersion }], defaultAccessView)
}

/** @returns false if there is none */
export async function deleteEntry(
  broker: Broker,
  type: 'user' | 'group' | 'role',
  name: string,
  { ifVersion }: Pick<AccessParameters['deleteUser'], 'ifVersion'>,
  options: CallOptions,
): Promise<boolean> {
  if (serverOf(broker).directory.get(type, name) === undefined) return false
  return carryOut(broker, [{ type, name, entry: undefined, ifVersion }], () => true, options)
}

function labelsOf({ textName, textDescription }: Partial<Record<keyof Labels, string | undefined>>): Partial<Labels> {
  return {
    ...(textName !== undefined && { textName: checkText(textName, 'textName') }),
    ...(textDescription !== undefined && { textDescription: checkText(textDescription, 'textDescription') }),
  }
}
