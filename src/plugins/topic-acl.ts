/**
 * `topic_acl`: for each User Name the topics it may use; everything else is denied.
 *
 *   acl:
 *     meter: ['power/#', 'devices/%c/+']      # to publish and to subscribe
 *     control:
 *       publish: ['commands/#']
 *       subscribe: ['power/#', '$SYS/#']
 *       deny: ['power/secret/#']
 *     '@staff': ['news/#']                    # everyone in a group
 *     anonymous: []                           # Clients without a User Name
 *   groups:
 *     staff: [control, meter]
 *
 * A User Name that has no entry and is in no group may do nothing. `topic-rules.ts` says how rules are judged.
 *
 * @module
 */
import { ConfigError } from '../base/errors.ts'
import type { AccessList, AccessRules } from '../config/options.ts'
import type { Client, Plugin, PluginContext } from '../access/plugin.ts'
import { topicFilterProblem } from '../topics/topic-filter.ts'
import { TopicRulesPlugin, filterOfRule, type TopicRule } from './topic-rules.ts'

interface Options {
  readonly acl?: AccessList
  readonly groups?: Readonly<Record<string, readonly string[]>>
}

/** What each list of an entry means. */
const LISTS = {
  publish: { effect: 'allow', publish: true, subscribe: false },
  subscribe: { effect: 'allow', publish: false, subscribe: true },
  deny: { effect: 'deny', publish: true, subscribe: true },
} as const
const BOTH = { effect: 'allow', publish: true, subscribe: true } as const

/** @throws {ConfigError} without `acl`, for an invalid Topic Filter, and for a group that is not there */
export default function topicAcl({ options }: PluginContext): Plugin {
  const { acl, groups = {} } = options as Options
  if (acl === undefined) {
    throw refusal(
      'plugin topic_acl needs `acl`, which says who may use which topics; `acl: {}` lets nobody do anything',
    )
  }
  const rules = new Map(Object.entries(acl).map(([name, entry]) => [name, rulesOf(`acl.${name}`, entry)]))
  for (const name of rules.keys()) {
    if (!name.startsWith('@') || Object.hasOwn(groups, name.slice(1))) continue
    throw refusal(`acl.${name}: there is no group ${name.slice(1)} in topic-check.groups`)
  }
  const ofUsers = withGroups(rules, groups)
  return new TopicRulesPlugin('topic_acl', {
    rulesFor: (client) => (client.userName === ANONYMOUS ? undefined : ofUsers.get(entryName(client))),
    whyNot: (client) => {
      if (client.userName === ANONYMOUS) {
        return `topic-check.acl.${ANONYMOUS} is for Clients without a User Name, and not for a user of that name`
      }
      const entry = entryName(client)
      return ofUsers.has(entry)
        ? `nothing in topic-check.acl.${entry} allows it`
        : `topic-check.acl has no entry ${entry}`
    },
  })
}

/** The entry of Clients without a User Name: a user of that name has none. */
const ANONYMOUS = 'anonymous'

function entryName({ userName }: Client): string {
  return userName ?? ANONYMOUS
}

function rulesOf(place: string, entry: readonly string[] | AccessRules): TopicRule[] {
  if (isList(entry)) return entry.map((topicFilter) => ruleOf(place, topicFilter, BOTH))
  return Object.entries(LISTS).flatMap(([list, kind]) =>
    (entry[list as keyof AccessRules] ?? []).map((topicFilter) => ruleOf(`${place}.${list}`, topicFilter, kind)),
  )
}

/** The rules of each user: the own ones, then those of each group. What stands for a group is no user's entry. */
function withGroups(
  rules: ReadonlyMap<string, readonly TopicRule[]>,
  groups: Readonly<Record<string, readonly string[]>>,
): Map<string, readonly TopicRule[]> {
  const ofUsers = new Map([...rules].filter(([name]) => !name.startsWith('@')))
  for (const [group, users] of Object.entries(groups)) {
    const shared = rules.get(`@${group}`) ?? []
    for (const user of users) ofUsers.set(user, [...(ofUsers.get(user) ?? []), ...shared])
  }
  return ofUsers
}

type RuleKind = Pick<TopicRule, 'effect' | 'publish' | 'subscribe'>

function ruleOf(place: string, topicFilter: string, kind: RuleKind): TopicRule {
  const problem = topicFilterProblem(topicFilter)
  if (problem !== undefined) throw refusal(`${place}: ${JSON.stringify(topicFilter)} is no Topic Filter: ${problem}`)
  return {
    ...kind,
    ...filterOfRule(topicFilter, 'levels'),
    source: `topic-check.${place}: ${kind.effect} ${topicFilter}`,
  }
}

function isList(entry: readonly string[] | AccessRules): entry is readonly string[] {
  return Array.isArray(entry)
}

function refusal(message: string): ConfigError {
  return new ConfigError('ERR_CONFIG_PLUGIN', message)
}
