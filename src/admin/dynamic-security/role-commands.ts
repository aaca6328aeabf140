/** Commands about roles, their ACLs, and the default access. @module */
import { DEFAULTS_NAME } from '../../access/directory/directory.ts'
import type { AccessRule, RoleEntry } from '../../access/directory/entries.ts'
import { NEW_ROLE } from '../access/access-changes.ts'
import { checkRule } from '../access/access-input.ts'
import { ACL_TYPES } from '../access/mosquitto-file.ts'
import {
  CommandError,
  deletion,
  entryIn,
  labelsIn,
  listOf,
  mustBeNew,
  nameIn,
  priorityIn,
  set,
  shownLabels,
  type Command,
  type CommandContext,
  type Given,
} from './command.ts'

/** The default access, by Mosquitto's names. */
const DEFAULTS = {
  publishClientSend: 'publish',
  publishClientReceive: 'receive',
  subscribe: 'subscribe',
  unsubscribe: 'unsubscribe',
} as const

function shown(name: string, { directory }: CommandContext): object {
  const { rules, ...labels } = directory.get('role', name)!.entry
  const acls = Object.entries(ACL_TYPES).flatMap(([acltype, type]) =>
    rules
      .filter(({ action, literal }) => action === type.action && literal === type.literal)
      .toSorted((a, b) => b.priority - a.priority)
      .map(({ topic, priority, effect }) => ({ acltype, topic, priority, allow: effect === 'allow' })),
  )
  return { rolename: name, ...shownLabels(labels), acls }
}

/** @throws {CommandError} */
function typeIn({ acltype }: Given): (typeof ACL_TYPES)[string] {
  if (typeof acltype !== 'string') throw new CommandError('Invalid/missing acltype')
  const type = Object.hasOwn(ACL_TYPES, acltype) ? ACL_TYPES[acltype] : undefined
  if (type === undefined) throw new CommandError('Unknown acltype')
  return type
}

/** @throws {CommandError} */
function ruleIn(given: Given): AccessRule {
  const type = typeIn(given)
  const { topic, allow } = given
  if (typeof topic !== 'string') throw new CommandError('Invalid/missing topic')
  try {
    return checkRule({ ...type, topic, effect: allow === true ? 'allow' : 'deny', priority: priorityIn(given, 0) })
  } catch {
    throw new CommandError('Invalid ACL topic')
  }
}

/** @throws {CommandError} */
function partsIn(given: Given): Partial<RoleEntry> {
  const { acls } = given
  if (acls === undefined) return labelsIn(given)
  if (!Array.isArray(acls)) throw new CommandError("'acls' not an array")
  const rules = (acls as unknown[]).map((acl) => {
    if (typeof acl === 'object' && acl !== null) return ruleIn(acl as Given)
    throw new CommandError("'acls' not an array")
  })
  return { ...labelsIn(given), rules }
}

function isAbout({ action, literal, topic }: AccessRule, given: Given, type: (typeof ACL_TYPES)[string]): boolean {
  return action === type.action && literal === type.literal && topic === given['topic']
}

export const roleCommands: Readonly<Record<string, Command>> = {
  createRole: (given, context) => {
    const name = mustBeNew(given, 'role', context)
    return set(context, { type: 'role', name, entry: { ...NEW_ROLE, ...partsIn(given) } })
  },
  modifyRole: (given, context) => {
    const name = nameIn(given, 'rolename')
    const entry = context.directory.get('role', name)?.entry
    if (entry === undefined) throw new CommandError('Role does not exist')
    return set(context, { type: 'role', name, entry: { ...entry, ...partsIn(given) } })
  },
  deleteRole: deletion('role'),
  getRole: (given, context) => ({ role: shown(entryIn(given, 'role', context).name, context) }),
  listRoles: (given, context) => listOf(given, 'roles', context, 'role', (name) => shown(name, context)),
  addRoleACL: (given, context) => {
    const { name, entry } = entryIn(given, 'role', context)
    const rule = ruleIn(given)
    if (entry.rules.some((each) => isAbout(each, given, typeIn(given)))) {
      throw new CommandError('ACL with this topic already exists')
    }
    return set(context, { type: 'role', name, entry: { ...entry, rules: [...entry.rules, rule] } })
  },
  removeRoleACL: (given, context) => {
    const { name, entry } = entryIn(given, 'role', context)
    const type = typeIn(given)
    if (typeof given['topic'] !== 'string') throw new CommandError('Invalid/missing topic')
    const rules = entry.rules.filter((each) => !isAbout(each, given, type))
    if (rules.length === entry.rules.length) throw new CommandError('ACL not found')
    return set(context, { type: 'role', name, entry: { ...entry, rules } })
  },
  getDefaultACLAccess: (_, { directory }) => ({
    acls: Object.entries(DEFAULTS).map(([acltype, action]) => ({
      ...{ acltype, allow: directory.defaults[action] === 'allow' },
    })),
  }),
  setDefaultACLAccess: ({ acls }, context) => {
    if (!Array.isArray(acls)) throw new CommandError('Missing/invalid actions array')
    const effects: Partial<Record<(typeof DEFAULTS)[keyof typeof DEFAULTS], 'allow' | 'deny'>> = {}
    for (const each of acls as (Given | null)[]) {
      const { acltype, access } = each ?? {}
      // The `mosquitto_ctrl` of 2.0.11 sends words, which Mosquitto's plugin does not read.
      const allow = access === 'allow' || access === 'deny' ? access === 'allow' : each?.['allow']
      if (typeof acltype !== 'string' || typeof allow !== 'boolean' || !Object.hasOwn(DEFAULTS, acltype)) continue
      effects[DEFAULTS[acltype as keyof typeof DEFAULTS]] = allow ? 'allow' : 'deny'
    }
    const entry = { ...context.directory.defaults, ...effects }
    return set(context, { type: 'defaults', name: DEFAULTS_NAME, entry })
  },
}
