/** A directory that is filled with few words. @module */
import { Directory, type Step } from '../../../src/access/directory/directory.ts'
import type { AccessRule, GroupEntry, Reference, RuleAction, UserEntry } from '../../../src/access/directory/entries.ts'

const labels = { textName: '', textDescription: '' }
const many = 1000

export function emptyDirectory(now = (): number => 1_700_000_000_000): Directory {
  const directory = new Directory(now)
  directory.begin({ maxUsers: many, maxGroups: many, maxRoles: many, maxRules: many, maxBans: many })
  return directory
}

/** A rule in the form `allow publish a/#`, with a priority behind it, and `exactly` before the topic. */
export function rule(text: string): AccessRule {
  const [, effect, action, exactly, topic, priority] = /^(\S+) (\S+) (exactly )?(\S+)(?: (-?\d+))?$/.exec(text)!
  return {
    effect: effect as AccessRule['effect'],
    action: action as RuleAction,
    topic: topic!,
    literal: exactly !== undefined,
    priority: Number(priority ?? 0),
  }
}

export function setRole(directory: Directory, name: string, ...rules: readonly string[]): void {
  directory.carryOut([{ type: 'role', name, entry: { ...labels, rules: rules.map(rule) } }])
}

export function setGroup(directory: Directory, name: string, ...roles: readonly string[]): void {
  const entry: GroupEntry = { ...labels, roles: roles.map((each) => reference(directory, 'role', each)) }
  directory.carryOut([{ type: 'group', name, entry }])
}

export interface UserParts extends Partial<Omit<UserEntry, 'roles' | 'groups'>> {
  readonly roles?: readonly string[]
  readonly groups?: readonly string[]
}

export function setUser(
  directory: Directory,
  name: string,
  { roles = [], groups = [], ...parts }: UserParts = {},
): void {
  const entry: UserEntry = {
    ...{ ...labels, disabled: false, clientId: undefined, passwordHash: undefined, scram: undefined, ...parts },
    roles: roles.map((each) => reference(directory, 'role', each)),
    groups: groups.map((each) => reference(directory, 'group', each)),
  }
  directory.carryOut([{ type: 'user', name, entry }])
}

export function remove(directory: Directory, type: Step['type'], name: string): void {
  directory.carryOut([{ type, name, entry: undefined }])
}

/** `name` or `name:priority`. */
export function reference(directory: Directory, type: 'role' | 'group', text: string): Reference {
  const [name = '', priority = '0'] = text.split(':')
  return { name, priority: Number(priority), id: directory.get(type, name)!.id }
}
