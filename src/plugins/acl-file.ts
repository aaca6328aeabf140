/**
 * `acl.file`: rules in the format of Mosquitto's `acl_file`, read again when the file changes.
 *
 *   topic read news/#               # before the first `user`: Clients without a User Name
 *   user meter
 *   topic power/#                   # read and write; also: read, write, readwrite, deny
 *   topic deny power/secret/#
 *   pattern write devices/%c/#      # everyone, with %u and %c for whole Topic Levels
 *
 * `read` is for subscribing and receiving, `write` for publishing. What no rule allows is denied. Where Mosquitto lets every
 * subscription pass and filters what is delivered, here a subscription needs a rule that covers all it can match.
 *
 * @module
 */
import { basename } from 'node:path'
import { ConfigError } from '../base/errors.ts'
import type { Plugin, PluginContext } from '../broker/plugin.ts'
import { topicFilterProblem } from '../topics/topic-filter.ts'
import { TopicRulesPlugin, filterOfRule, type TopicRule } from './topic-rules.ts'
import { WatchedFile } from './watched-file.ts'

/** What an access word means for a rule. */
const ACCESS = {
  read: { effect: 'allow', publish: false, subscribe: true },
  write: { effect: 'allow', publish: true, subscribe: false },
  readwrite: { effect: 'allow', publish: true, subscribe: true },
  deny: { effect: 'deny', publish: true, subscribe: true },
} as const

/** Rules by User Name; `undefined` is for Clients without one. The patterns are in each list already. */
export interface AclFile {
  readonly ofUsers: ReadonlyMap<string | undefined, readonly TopicRule[]>
  /** What holds for everyone else. */
  readonly patterns: readonly TopicRule[]
}

/** @throws {ConfigError} without `aclFile`, or for a file that cannot be read or has a bad line */
export default async function aclFile(context: PluginContext): Promise<Plugin> {
  const path = context.options['aclFile'] as string | undefined
  if (path === undefined)
    throw new ConfigError('ERR_CONFIG_PLUGIN', 'plugin acl.file needs `acl-file`, the path of its rules')
  const parse = (text: string): AclFile => parseAclFile(text, basename(path))
  const file = await WatchedFile.open(path, context, parse, () => context.changed())
  return new TopicRulesPlugin('acl.file', {
    rulesFor: ({ userName }) => file.content.ofUsers.get(userName) ?? file.content.patterns,
    whyNot: ({ userName }) => `no line of ${basename(path)} allows it to ${userName ?? 'Clients without a User Name'}`,
    close: () => file.close(),
  })
}

/**
 * Reads the text of an acl_file.
 *
 * @param name what the file is called in explanations
 * @throws {ConfigError} `ERR_CONFIG_FILE` that names the bad line by number
 *
 * @example
 * parseAclFile('user meter\ntopic power/#', 'rules').ofUsers.get('meter')?.[0]?.source // 'line 2 of rules: topic power/#'
 */
export function parseAclFile(text: string, name: string): AclFile {
  const topics = new Map<string | undefined, TopicRule[]>([[undefined, []]])
  const patterns: TopicRule[] = []
  let user: string | undefined
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const [, keyword, rest] = /^(\S+)\s*(.*)$/.exec(line)!
    const place = `line ${index + 1}`
    if (rest === '') throw badLine(place, `has nothing behind ${keyword}`)
    const source = `${place} of ${name}: ${line}`
    if (keyword === 'user') topics.set((user = rest), topics.get(rest!) ?? [])
    else if (keyword === 'topic') topics.get(user)!.push(ruleOf(rest!, false, place, source))
    else if (keyword === 'pattern') patterns.push(ruleOf(rest!, true, place, source))
    else throw badLine(place, `begins with ${keyword}; user, topic or pattern was expected`)
  }
  const ofUsers = new Map([...topics].map(([each, rules]) => [each, [...rules, ...patterns]]))
  return { ofUsers, patterns }
}

function ruleOf(rest: string, placeholders: boolean, place: string, source: string): TopicRule {
  const [, access, topicFilter] = /^(?:(\S+)\s+)?(.+)$/.exec(rest)!
  if (access !== undefined && !Object.hasOwn(ACCESS, access)) {
    throw badLine(place, `has the access ${access}; read, write, readwrite or deny was expected`)
  }
  const problem = topicFilterProblem(topicFilter!) ?? placeholderProblem(topicFilter!, placeholders)
  if (problem !== undefined) throw badLine(place, `has a bad Topic Filter ${topicFilter}: ${problem}`)
  return {
    ...ACCESS[(access as keyof typeof ACCESS | undefined) ?? 'readwrite'],
    ...filterOfRule(topicFilter!, placeholders),
    source,
  }
}

function placeholderProblem(topicFilter: string, placeholders: boolean): string | undefined {
  return placeholders && /[^/]%[uc]|%[uc][^/]/.test(topicFilter) ? '%u and %c fill a whole Topic Level' : undefined
}

function badLine(place: string, problem: string): ConfigError {
  return new ConfigError('ERR_CONFIG_FILE', `${place} ${problem}`)
}
