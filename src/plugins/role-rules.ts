/**
 * The rules of a client's roles, in the order in which they decide. The first that applies decides, as in Mosquitto's dynamic
 * security:
 *
 *   the user's own roles before those of its groups; then by priority of the group, of the role, of the rule; then deny before allow
 *
 * Rules are arranged once for each set of roles, and again after a change.
 *
 * @module
 */
import type { Directory } from '../access/directory/directory.ts'
import { RULE_ACTIONS, type AccessRule, type Reference, type RuleAction } from '../access/directory/entries.ts'
import type { Client } from '../access/plugin.ts'
import { filterOfRule, matcherOf, type TopicRule } from './topic-rules.ts'

/** Sets of roles that are kept arranged. */
const MAX_ARRANGED = 10_000

/** A rule with where it comes from. */
export interface RoleRule {
  readonly rule: AccessRule
  readonly topic: TopicRule
}

type Arranged = Readonly<Record<RuleAction, readonly RoleRule[]>>

interface Place {
  /** 0 for a role of the user, 1 for one of a group. */
  readonly tier: 0 | 1
  readonly groupPriority: number
  readonly rolePriority: number
  readonly role: string
  readonly group: string | undefined
}

export class RoleRules {
  readonly #directory: Directory
  readonly #ofUsers = new Map<string, Arranged>()
  readonly #ofSets = new Map<string, Arranged>()
  #revision = 0

  constructor(directory: Directory) {
    this.#directory = directory
  }

  #forget(): void {
    this.#revision = this.#directory.rulesRevision
    this.#ofUsers.clear()
    this.#ofSets.clear()
  }

  /** The rule that decides, if there is one. @param topic a Topic Name, or for `subscribe` a Topic Filter */
  find(client: Client, action: RuleAction, topic: string): RoleRule | undefined {
    const rules = this.#rulesOf(client.userName)[action]
    if (rules.length === 0) return undefined
    const applies = matcherOf(client, topic)
    return rules.find(({ topic: filter }) => applies(filter))
  }

  /** The same for the filter of a SUBSCRIBE, which a literal rule has to equal. */
  findForFilter(client: Client, filter: string): RoleRule | undefined {
    const rules = this.#rulesOf(client.userName).subscribe
    const applies = matcherOf(client, filter)
    return rules.find(({ rule, topic }) => (rule.literal ? isSame(rule.topic, filter, client) : applies(topic)))
  }

  #rulesOf(userName: string | undefined): Arranged {
    if (this.#revision !== this.#directory.rulesRevision) this.#forget()
    const key = userName === undefined ? '' : `=${userName}`
    const known = this.#ofUsers.get(key)
    if (known !== undefined) return known
    if (this.#ofUsers.size >= MAX_ARRANGED) this.#ofUsers.clear()
    const rules = this.#arranged(this.#placesOf(userName))
    this.#ofUsers.set(key, rules)
    return rules
  }

  /** Users with the same roles share what is arranged. */
  #arranged(places: readonly Place[]): Arranged {
    const key = JSON.stringify(places)
    const known = this.#ofSets.get(key)
    if (known !== undefined) return known
    if (this.#ofSets.size >= MAX_ARRANGED) this.#ofSets.clear()
    const rules = arrange(this.#directory, places)
    this.#ofSets.set(key, rules)
    return rules
  }

  #placesOf(userName: string | undefined): Place[] {
    const directory = this.#directory
    if (userName === undefined) {
      const { anonymousGroup } = directory.defaults
      return anonymousGroup === undefined ? [] : this.#placesOfGroup(anonymousGroup)
    }
    const user = directory.get('user', userName)?.entry
    if (user === undefined || user.disabled) return []
    const own = user.roles.map((role) => placeOf(directory, role, undefined))
    return [...own.flat(), ...user.groups.flatMap((group) => this.#placesOfGroup(group))]
  }

  #placesOfGroup(group: Reference): Place[] {
    const directory = this.#directory
    const roles = directory.follow('group', group)?.entry.roles ?? []
    return roles.flatMap((role) => placeOf(directory, role, group))
  }
}

function placeOf(directory: Directory, role: Reference, group: Reference | undefined): Place[] {
  if (directory.follow('role', role) === undefined) return []
  const common = { rolePriority: role.priority, role: role.name, group: group?.name }
  return [{ tier: group === undefined ? 0 : 1, groupPriority: group?.priority ?? 0, ...common }]
}

function arrange(directory: Directory, places: readonly Place[]): Arranged {
  const all = places.flatMap((place) =>
    directory
      .get('role', place.role)!
      .entry.rules.map((rule) => ({ place, found: { rule, topic: topicOf(rule, place) } })),
  )
  all.sort((a, b) => orderOf(a.place, b.place) || orderOfRules(a.found.rule, b.found.rule))
  const ofAction = (action: RuleAction): [RuleAction, RoleRule[]] => [
    action,
    all.flatMap(({ found }) => (found.rule.action === action ? [found] : [])),
  ]
  return Object.fromEntries(RULE_ACTIONS.map(ofAction)) as unknown as Arranged
}

function orderOf(a: Place, b: Place): number {
  return a.tier - b.tier || b.groupPriority - a.groupPriority || b.rolePriority - a.rolePriority
}

function orderOfRules(a: AccessRule, b: AccessRule): number {
  const isDeny = ({ effect }: AccessRule): number => (effect === 'deny' ? 1 : 0)
  return b.priority - a.priority || isDeny(b) - isDeny(a)
}

function topicOf(rule: AccessRule, { role, group }: Place): TopicRule {
  const { action, effect, topic, priority, literal } = rule
  const by = group === undefined ? '' : `, by group ${group}`
  const exactly = literal ? 'exactly ' : ''
  const source = `role ${role}${by}: ${effect} ${action} ${exactly}${topic} (priority ${priority})`
  return {
    effect,
    publish: action === 'publish',
    subscribe: action !== 'publish',
    source,
    ...filterOfRule(topic, 'parts'),
  }
}

/** Names are filled in as text: as a filter of its own, a name with a wildcard in it is not what the rule means. */
function isSame(topic: string, filter: string, { userName, clientId }: Client): boolean {
  if (topic === filter) return true
  if (!topic.includes('%')) return false
  const names = { '%u': userName, '%c': clientId }
  if (Object.values(names).some((name) => name !== undefined && /[/+#]/.test(name))) return false
  return topic.replaceAll(/%[uc]/g, (place) => names[place as '%u' | '%c'] ?? place) === filter
}
