/**
 * A Topic Filter that nearly matches a Topic Name: spelled like it, or wrong by one level. Texts
 * are compared a share of a turn at a time, because a client may have very many filters, and very long ones.
 *
 * @module
 */
import { scanned } from '../../base/work.ts'
import { matches } from '../../topics/topic-filter.ts'
import { counted, quoted, type Inquiry } from './facts.ts'
import { plainDifference } from './plain-topic.ts'

/** Work of a match, and of the search for a difference, besides the length of the texts. */
const MATCH_UNITS = 10
const DIFFERENCE_UNITS = 200
/** How often the search for a difference reads the texts. */
const PASSES = 10

/** How a filter would have to change to match. */
export interface NearFilter {
  readonly topicFilter: string
  readonly difference: string
}

/** @returns a filter that is spelled like the topic, or else the first that is near; `undefined` if none is */
export async function nearFilter(
  inquiry: Inquiry,
  topicFilters: Iterable<string>,
  topicName: string,
): Promise<NearFilter | undefined> {
  let near: NearFilter | undefined
  for (const topicFilter of topicFilters) {
    await inquiry.pause(DIFFERENCE_UNITS + PASSES * scanned(topicFilter.length + topicName.length))
    const spelling = plainDifference(topicFilter, topicName, matches)
    if (spelling !== undefined) return { topicFilter, difference: spelling }
    const difference = near === undefined ? levelDifference(topicFilter, topicName) : undefined
    if (difference !== undefined) near = { topicFilter, difference }
  }
  return near
}

/** Whether a Topic Filter matches a Topic Name. */
export async function isMatching(inquiry: Inquiry, topicFilter: string, topicName: string): Promise<boolean> {
  await inquiry.pause(MATCH_UNITS + scanned(topicFilter.length + topicName.length))
  return matches(topicFilter, topicName)
}

function levelDifference(topicFilter: string, topicName: string): string | undefined {
  const [filter, topic] = [topicFilter.split('/'), topicName.split('/')]
  if (filter.length === topic.length || filter.at(-1) === '#') {
    const wrong = filter.flatMap((level, at) => (isMatch(level, topic[at]) ? [] : [at]))
    if (wrong.length === 1) {
      const [at] = wrong
      const has = topic[at!] === undefined ? 'no level there' : quoted(topic[at!]!)
      return `level ${at! + 1} is ${quoted(filter[at!]!)}, and the topic has ${has}`
    }
  }
  const isNear = filter.length < topic.length ? isWithout(topic, filter) : isWithout(filter, topic)
  return isNear ? `the topic has ${counted(topic.length, 'level')}, and the filter ${filter.length}` : undefined
}

function isMatch(level: string, name: string | undefined): boolean {
  return level === '#' || (name !== undefined && (level === '+' || level === name))
}

/** Whether one more level, wherever it is, is all that they differ in. */
function isWithout(long: readonly string[], short: readonly string[]): boolean {
  if (long.length - short.length !== 1 || long.at(-1) === '#' || short.at(-1) === '#') return false
  let at = 0
  while (at < short.length && isSame(short[at]!, long[at]!)) at++
  return short.slice(at).every((level, after) => isSame(level, long[at + 1 + after]!))
}

function isSame(one: string, other: string): boolean {
  return isMatch(one, other) || isMatch(other, one)
}
