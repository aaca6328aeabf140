/**
 * What the simulated world is about: topics, filters, who may use them. Written apart from the broker's own matching,
 * as an oracle has to be.
 *
 * @module
 */
import type { Plugin } from '../../src/access/plugin.ts'
import type { SeededRandom } from '../../src/testing/random.ts'

export const USERS = ['u0', 'u1', 'u2', 'u3'] as const

/** `p/u1/…` is for u1 alone; everything else is for everybody. */
export function mayUse(userName: string | undefined, topicName: string): boolean {
  return !topicName.startsWith('p/') || topicName.startsWith(`p/${userName}/`)
}

/**
 * A filter with a wildcard at its front may be subscribed to by all: what is private is kept back message by message.
 */
export function maySubscribe(userName: string | undefined, topicFilter: string): boolean {
  return mayUse(userName, topicFilter)
}

export function passwordOf(userName: string): string {
  return `password of ${userName}`
}

/** Log-in and permissions; `stable` lets the broker remember answers. */
export function accessPlugin(stable: boolean): Plugin {
  return {
    name: 'simulated access',
    stable,
    authenticate: ({ userName, password }) =>
      userName !== undefined && password !== undefined && Buffer.from(password).toString() === passwordOf(userName)
        ? { decision: 'allow' }
        : { decision: 'deny' },
    mayPublish: ({ userName }, { topicName }) => mayUse(userName, topicName),
    maySubscribe: ({ userName }, topicFilter) => maySubscribe(userName, topicFilter),
    mayReceive: ({ userName }, topicName) => mayUse(userName, topicName),
  }
}

export function randomTopic(random: SeededRandom, userName: string): string {
  const kind = random.integer(20)
  if (kind < 12) return `t/${random.integer(6)}/${random.pick(['x', 'y'])}`
  if (kind < 15) return `deep/${random.pick(['a', 'b'])}/${random.integer(3)}/c`
  if (kind < 17) return `p/${userName}/z`
  if (kind < 18) return `p/${random.pick(USERS)}/z`
  if (kind < 19) return `/${random.integer(2)}/`
  return `$up/${random.integer(2)}`
}

export function randomFilter(random: SeededRandom, userName: string): string {
  const kind = random.integer(20)
  if (kind < 8) return `t/${random.integer(6)}/${random.pick(['x', 'x', 'y', 'y', '+', '#'])}`
  if (kind < 9) return random.pick(['t/+/x', 't/+/y', 't/#', '#', '+/+/z', '/+/'])
  if (kind < 12) return random.pick(['deep/#', 'deep/+/1/c', 'deep/a/+/c', '+/+/+/c'])
  if (kind < 15) return `p/${random.chance(0.8) ? userName : random.pick(USERS)}/#`
  if (kind < 16) return '$up/#'
  return `$share/${random.pick(['red', 'blue'])}/${random.pick(['t/+/x', 'deep/#', 't/2/#'])}`
}

/** The filter inside `$share/Name/filter`; any other filter itself. */
export function matchFilterOf(topicFilter: string): string {
  return topicFilter.startsWith('$share/') ? topicFilter.split('/').slice(2).join('/') : topicFilter
}

export function isShared(topicFilter: string): boolean {
  return topicFilter.startsWith('$share/')
}

/** There are few filters and few topics: each pair is judged once. */
const judged = new Map<string, Map<string, boolean>>()

/** §4.7. */
export function matches(topicFilter: string, topicName: string): boolean {
  let names = judged.get(topicFilter)
  if (names === undefined) judged.set(topicFilter, (names = new Map()))
  let answer = names.get(topicName)
  if (answer === undefined) names.set(topicName, (answer = judge(topicFilter, topicName)))
  return answer
}

/** The slow and plain way. */
function judge(topicFilter: string, topicName: string): boolean {
  const filter = topicFilter.split('/')
  const name = topicName.split('/')
  if (topicName.startsWith('$') && (filter[0] === '#' || filter[0] === '+')) return false
  for (const [index, level] of filter.entries()) {
    if (level === '#') return true
    if (index >= name.length) return false
    if (level !== '+' && level !== name[index]) return false
  }
  return filter.length === name.length
}
