/**
 * The Topic Filter that nearly matches a Topic Name: wrong by one level, by the case of letters, or by a slash too many.
 *
 * @module
 */
import { matches } from '../../topics/topic-filter.ts'

/** How a filter would have to change to match. */
export interface NearFilter {
  readonly topicFilter: string
  readonly difference: string
}

/** @returns the filter that needs the smallest change; `undefined` if none is near */
export function nearestFilter(topicFilters: Iterable<string>, topicName: string): NearFilter | undefined {
  let best: NearFilter | undefined
  for (const topicFilter of topicFilters) {
    const difference = differenceOf(topicFilter, topicName)
    if (difference !== undefined) best ??= { topicFilter, difference }
  }
  return best
}

function differenceOf(topicFilter: string, topicName: string): string | undefined {
  const [filter, topic] = [topicFilter.split('/'), topicName.split('/')]
  const lower = topicFilter.toLowerCase()
  if (matches(lower, topicName.toLowerCase())) return 'the case of letters differs'
  if (matches(topicFilter.replace(/^\/|\/$/g, ''), topicName)) return 'it has a slash too many'
  if (matches(topicFilter, `/${topicName}`) || matches(topicFilter, `${topicName}/`)) return 'it has a slash too many'
  if (filter.length === topic.length || filter.at(-1) === '#') {
    const wrong = filter.flatMap((level, at) => (isMatch(level, topic[at]) ? [] : [at]))
    if (wrong.length === 1) {
      const [at] = wrong
      const has = topic[at!] === undefined ? 'no level there' : JSON.stringify(topic[at!])
      return `level ${at! + 1} is ${JSON.stringify(filter[at!])}, and the topic has ${has}`
    }
  }
  if (filter.at(-1) !== '#' && isPrefix(filter, topic))
    return `the topic has ${topic.length} levels, not ${filter.length}`
  return isPrefix(topic, filter) ? `the topic has ${topic.length} levels, not ${filter.length}` : undefined
}

function isMatch(level: string, name: string | undefined): boolean {
  return level === '#' || (name !== undefined && (level === '+' || level === name))
}

/** Whether one more level at the end is all that they differ in. */
function isPrefix(short: readonly string[], long: readonly string[]): boolean {
  return (
    long.length - short.length === 1 &&
    short.every((level, at) => isMatch(level, long[at]) || isMatch(long[at]!, level))
  )
}
