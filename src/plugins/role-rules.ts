/**
 * The rules of a client's roles, arranged for the questions that plugins are asked: once for each set of roles, and
 * again after a change. `effective-rules.ts` has the order in which they decide.
 *
 * @module
 */
import type { Directory } from '../access/directory/directory.ts'
import {
  effectiveRules,
  rolePlaces,
  textOfRule,
  type EffectiveRule,
  type RolePlace,
} from '../access/directory/effective-rules.ts'
import { RULE_ACTIONS, type AccessRule, type RuleAction } from '../access/directory/entries.ts'
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

export class RoleRules {
  readonly #directory: Directory
  /** `undefined` is for clients without a user name. */
  readonly #ofUsers = new Map<string | undefined, Arranged>()
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
    for (const rule of rules) if (applies(rule.topic)) return rule
    return undefined
  }

  /** The same for the filter of a SUBSCRIBE, which a literal rule has to equal. */
  findForFilter(client: Client, filter: string): RoleRule | undefined {
    const rules = this.#rulesOf(client.userName).subscribe
    const applies = matcherOf(client, filter)
    return rules.find(({ rule, topic }) => (rule.literal ? isSame(rule.topic, filter, client) : applies(topic)))
  }

  #rulesOf(userName: string | undefined): Arranged {
    if (this.#revision !== this.#directory.rulesRevision) this.#forget()
    const known = this.#ofUsers.get(userName)
    if (known !== undefined) return known
    if (this.#ofUsers.size >= MAX_ARRANGED) this.#ofUsers.clear()
    const rules = this.#arranged(rolePlaces(this.#directory, userName))
    this.#ofUsers.set(userName, rules)
    return rules
  }

  /** Users with the same roles share what is arranged. */
  #arranged(places: readonly RolePlace[]): Arranged {
    const key = JSON.stringify(places)
    const known = this.#ofSets.get(key)
    if (known !== undefined) return known
    if (this.#ofSets.size >= MAX_ARRANGED) this.#ofSets.clear()
    const rules = arrange(effectiveRules(this.#directory, places))
    this.#ofSets.set(key, rules)
    return rules
  }
}

function arrange(rules: readonly EffectiveRule[]): Arranged {
  const all = rules.map(({ rule, place }): RoleRule => ({ rule, topic: topicOf(rule, place) }))
  const ofAction = (action: RuleAction) => [action, all.filter(({ rule }) => rule.action === action)] as const
  return Object.fromEntries(RULE_ACTIONS.map(ofAction)) as unknown as Arranged
}

function topicOf(rule: AccessRule, { role, group }: RolePlace): TopicRule {
  const { action, effect, topic } = rule
  const source = `role ${role}${group === undefined ? '' : `, by group ${group}`}: ${textOfRule(rule)}`
  const kind = { effect, publish: action === 'publish', subscribe: action !== 'publish', source }
  return { ...kind, ...filterOfRule(topic, 'parts') }
}

/** Names are filled in as text: as a filter of its own, a name with a wildcard in it is not what the rule means. */
function isSame(topic: string, filter: string, { userName, clientId }: Client): boolean {
  if (topic === filter) return true
  if (!topic.includes('%')) return false
  const names = { '%u': userName, '%c': clientId }
  if (Object.values(names).some((name) => name !== undefined && /[/+#]/.test(name))) return false
  return topic.replaceAll(/%[uc]/g, (place) => names[place as '%u' | '%c'] ?? place) === filter
}
