/**
 * `acl.file`: rules in the format of Mosquitto's `acl_file`, reloaded when the file changes.
 *
 *   topic read news/#               # before the first `user`: clients without a user name
 *   user meter
 *   topic power/#                   # read and write; also: read, write, readwrite, deny
 *   topic deny power/secret/#
 *   pattern write devices/%c/#      # every client; %u is its user name, %c its client identifier
 *
 * `read` covers subscribing and receiving, `write` covers publishing. Everything that no rule allows is denied.
 * Mosquitto accepts every subscription and filters deliveries; here a subscription needs a rule that covers everything
 * it can match. A `deny` overrides every other rule wherever it is placed, while in Mosquitto a user's own `topic`
 * lines come before every `pattern`.
 *
 * @module
 */
import { basename } from 'node:path'
import { ConfigError } from '../base/errors.ts'
import type { Plugin, PluginContext } from '../access/plugin.ts'
import { LineProblems, linesOf } from '../config/text-file.ts'
import { topicFilterProblem } from '../topics/topic-filter.ts'
import { filterOfRule, TopicRulesPlugin, type Placeholders, type TopicRule } from './topic-rules.ts'
import { WatchedFile } from './watched-file.ts'

/** The meaning of each access word in a rule. */
const ACCESS = {
  read: { effect: 'allow', publish: false, subscribe: true },
  write: { effect: 'allow', publish: true, subscribe: false },
  readwrite: { effect: 'allow', publish: true, subscribe: true },
  deny: { effect: 'deny', publish: true, subscribe: true },
} as const

/** Rules by user name; `undefined` is for clients without one. Each list already includes the patterns. */
export interface AclFile {
  readonly ofUsers: ReadonlyMap<string | undefined, readonly TopicRule[]>
  /** The rules for all other clients. */
  readonly patterns: readonly TopicRule[]
}

/** @throws {ConfigError} without `aclFile`, or for a file that cannot be read or contains an invalid line */
export default async function aclFile(context: PluginContext): Promise<Plugin> {
  const path = context.options['aclFile'] as string | undefined
  if (path === undefined)
    throw new ConfigError('ERR_CONFIG_PLUGIN', 'plugin acl.file requires `acl-file`, the path of its rules')
  const parse = (text: string): AclFile => parseAclFile(text, basename(path))
  const file = await WatchedFile.open(path, context, parse, () => context.changed())
  return new TopicRulesPlugin('acl.file', {
    rulesFor: ({ userName }) => file.content.ofUsers.get(userName) ?? file.content.patterns,
    explainDenial: ({ userName }) =>
      `no line of ${basename(path)} allows it for ${userName ?? 'clients without a user name'}`,
    close: () => file.close(),
  })
}

/**
 * Parses the text of an acl_file.
 *
 * @param name the name of the file in explanations
 * @throws {ConfigError} `ERR_CONFIG_FILE` that names every invalid line by number
 *
 * @example
 * parseAclFile('user meter\ntopic power/#', 'rules').ofUsers.get('meter')?.[0]?.source // 'line 2 of rules: topic power/#'
 */
export function parseAclFile(text: string, name: string): AclFile {
  const topics = new Map<string | undefined, TopicRule[]>([[undefined, []]])
  const patterns: TopicRule[] = []
  const problems = new LineProblems()
  let user: string | undefined
  for (const [index, raw] of linesOf(text).entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const [, keyword, rest = ''] = /^(\S+)\s*(.*)$/.exec(line)!
    const problem = lineProblem(keyword!, rest)
    const source = `line ${index + 1} of ${name}: ${line}`
    if (problem !== undefined) problems.add(index + 1, problem)
    else if (keyword === 'user') topics.set((user = rest), topics.get(rest) ?? [])
    else if (keyword === 'topic') topics.get(user)!.push(ruleOf(rest, 'none', source))
    else patterns.push(ruleOf(rest, 'parts', source))
  }
  problems.throwIfAny()
  const ofUsers = new Map([...topics].map(([each, rules]) => [each, [...rules, ...patterns]]))
  return { ofUsers, patterns }
}

function lineProblem(keyword: string, rest: string): string | undefined {
  if (!['user', 'topic', 'pattern'].includes(keyword)) return `begins with ${keyword}; expected user, topic or pattern`
  if (rest === '') return `has nothing after ${keyword}`
  if (keyword === 'user') return undefined
  const [access, topicFilter] = partsOf(rest)
  if (access !== undefined && !Object.hasOwn(ACCESS, access)) {
    return `has the access ${access}; expected read, write, readwrite or deny`
  }
  const problem = topicFilterProblem(topicFilter)
  return problem === undefined ? undefined : `has an invalid topic filter ${topicFilter}: ${problem}`
}

/** The first word is an access word if something follows it; a topic filter may contain spaces. */
function partsOf(rest: string): [access: string | undefined, topicFilter: string] {
  const [, access, topicFilter] = /^(?:(\S+)\s+)?(.+)$/.exec(rest)!
  return [access, topicFilter!]
}

function ruleOf(rest: string, placeholders: Placeholders, source: string): TopicRule {
  const [access, topicFilter] = partsOf(rest)
  const kind = ACCESS[(access as keyof typeof ACCESS | undefined) ?? 'readwrite']
  return { ...kind, ...filterOfRule(topicFilter, placeholders), source }
}
