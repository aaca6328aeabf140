/**
 * The rules of a client, in the order in which they decide. The first that applies decides, as in Mosquitto's dynamic
 * security:
 *
 *   the user's own roles before those of its groups; then by priority of the group, of the role, of the rule; then deny before allow
 *
 * @module
 */
import type { Directory } from './directory.ts'
import type { AccessRule, Reference } from './entries.ts'

/** A role that a client has, and how it came by it. */
export interface RolePlace {
  readonly role: string
  readonly rolePriority: number
  /** `undefined` for a role of the user itself. */
  readonly group: string | undefined
  readonly groupPriority: number
}

/** A rule with the role that has it. */
export interface EffectiveRule {
  readonly rule: AccessRule
  readonly place: RolePlace
}

/** The roles of a user, or of clients without a user name. A disabled user has none. */
export function rolePlaces(directory: Directory, userName: string | undefined): RolePlace[] {
  if (userName === undefined) {
    const { anonymousGroup } = directory.defaults
    return anonymousGroup === undefined ? [] : placesOfGroup(directory, anonymousGroup)
  }
  const user = directory.get('user', userName)?.entry
  if (user === undefined || user.disabled) return []
  const own = user.roles.flatMap((role) => placesOfRole(directory, role, undefined))
  return [...own, ...user.groups.flatMap((group) => placesOfGroup(directory, group))]
}

function placesOfGroup(directory: Directory, group: Reference): RolePlace[] {
  const roles = directory.follow('group', group)?.entry.roles ?? []
  return roles.flatMap((role) => placesOfRole(directory, role, group))
}

function placesOfRole(directory: Directory, role: Reference, group: Reference | undefined): RolePlace[] {
  if (directory.follow('role', role) === undefined) return []
  const { name, priority } = role
  return [{ role: name, rolePriority: priority, group: group?.name, groupPriority: group?.priority ?? 0 }]
}

/** All rules of these roles, in the order in which they decide. */
export function effectiveRules(directory: Directory, places: readonly RolePlace[]): EffectiveRule[] {
  const all = places.flatMap((place) =>
    (directory.get('role', place.role)?.entry.rules ?? []).map((rule) => ({ rule, place })),
  )
  return all.sort((a, b) => orderOfPlaces(a.place, b.place) || orderOfRules(a.rule, b.rule))
}

function orderOfPlaces(a: RolePlace, b: RolePlace): number {
  const tier = ({ group }: RolePlace): number => (group === undefined ? 0 : 1)
  return tier(a) - tier(b) || b.groupPriority - a.groupPriority || b.rolePriority - a.rolePriority
}

function orderOfRules(a: AccessRule, b: AccessRule): number {
  const isDeny = ({ effect }: AccessRule): number => (effect === 'deny' ? 1 : 0)
  return b.priority - a.priority || isDeny(b) - isDeny(a)
}

/** A rule as people read it. */
export function textOfRule({ effect, action, topic, literal, priority }: AccessRule): string {
  return `${effect} ${action} ${literal ? 'exactly ' : ''}${topic} (priority ${priority})`
}
