/**
 * `topic_acl`: lists the topics that each user name may use; everything else is denied.
 *
 *   acl:
 *     meter: ['power/#', 'devices/%c/+']      # for publishing and subscribing
 *     control:
 *       publish: ['commands/#']
 *       subscribe: ['power/#', '$SYS/#']
 *       deny: ['power/secret/#']
 *     '@staff': ['news/#']                    # all members of a group
 *     anonymous: []                           # clients without a user name
 *   groups:
 *     staff: [control, meter]
 *
 * A user name without an entry and a group has no access at all. `topic-rules.ts` explains how rules are evaluated.
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

/** The meaning of each list of an entry. */
const LISTS = {
  publish: { effect: 'allow', publish: true, subscribe: false },
  subscribe: { effect: 'allow', publish: false, subscribe: true },
  deny: { effect: 'deny', publish: true, subscribe: true },
} as const
const BOTH = { effect: 'allow', publish: true, subscribe: true } as const

/** @throws {ConfigError} without `acl`, for an invalid topic filter, and for a group that does not exist */
export default function topicAcl({ options }: PluginContext): Plugin {
  const { acl, groups = {} } = options as Options
  if (acl === undefined) {
    throw optionError(
      'plugin topic_acl requires `acl`, which lists the topics of each user; `acl: {}` denies everything',
    )
  }
  const rules = new Map(Object.entries(acl).map(([name, entry]) => [name, rulesOf(`acl.${name}`, entry)]))
  for (const name of rules.keys()) {
    if (!name.startsWith('@') || Object.hasOwn(groups, name.slice(1))) continue
    throw optionError(`acl.${name}: there is no group ${name.slice(1)} in topic-check.groups`)
  }
  const ofUsers = withGroups(rules, groups)
  return new TopicRulesPlugin('topic_acl', {
    rulesFor: (client) => (client.userName === ANONYMOUS ? undefined : ofUsers.get(entryName(client))),
    explainDenial: (client) => {
      if (client.userName === ANONYMOUS) {
        return `topic-check.acl.${ANONYMOUS} applies to clients without a user name, not to a user of that name`
      }
      const entry = entryName(client)
      return ofUsers.has(entry)
        ? `nothing in topic-check.acl.${entry} allows it`
        : `topic-check.acl has no entry ${entry}`
    },
  })
}

/** The entry of clients without a user name. It does not apply to a user of that name. */
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

/** The rules of each user: its own, then those of each group. A group's entry is not that of a user. */
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
  if (problem !== undefined)
    throw optionError(`${place}: ${JSON.stringify(topicFilter)} is not a topic filter: ${problem}`)
  return {
    ...kind,
    ...filterOfRule(topicFilter, 'levels'),
    source: `topic-check.${place}: ${kind.effect} ${topicFilter}`,
  }
}

function isList(entry: readonly string[] | AccessRules): entry is readonly string[] {
  return Array.isArray(entry)
}

function optionError(message: string): ConfigError {
  return new ConfigError('ERR_CONFIG_PLUGIN', message)
}
