/**
 * Validates Topic Filters, matches them with Topic Names (§4.7.1), and parses Shared Subscriptions (§4.8.2).
 *
 * @module
 */
import { topicTextProblem } from './topic-name.ts'

/** The parts of `$share/ShareName/filter`. */
export interface SharedFilter {
  readonly shareName: string
  /** The part that is used for matching. */
  readonly topicFilter: string
}

const SHARE_PREFIX = '$share/'

/**
 * Describes the error in a Topic Filter, in words for a Reason String or a log. A shared one has to be parsed first:
 * see {@link parseSharedFilter}.
 *
 * @param maxLevels the most Topic Levels allowed
 * @returns `undefined` if it is valid
 *
 * @example
 * topicFilterProblem('sport/+/#') // undefined
 * topicFilterProblem('sport/a+') // '+ must be a whole Topic Level'
 * topicFilterProblem('sport/#/a') // '# must be the last Topic Level'
 */
export function topicFilterProblem(topicFilter: string, maxLevels = Infinity): string | undefined {
  return topicTextProblem(topicFilter, maxLevels, 'Topic Filter') ?? wildcardProblem(topicFilter)
}

function wildcardProblem(topicFilter: string): string | undefined {
  for (let at = 0; at < topicFilter.length; at++) {
    const character = topicFilter[at]
    if (character !== '+' && character !== '#') continue
    const wholeLevel =
      (at === 0 || topicFilter[at - 1] === '/') && (at + 1 === topicFilter.length || topicFilter[at + 1] === '/')
    if (character === '+' && !wholeLevel) return '+ must be a whole Topic Level' // [5.0 MQTT-4.7.1-2]
    if (character === '#' && !(wholeLevel && at + 1 === topicFilter.length)) {
      return '# must be the last Topic Level' // [5.0 MQTT-4.7.1-1]
    }
  }
  return undefined
}

/**
 * Whether a valid Topic Filter may match more than one Topic Name.
 *
 * @example
 * hasWildcards('sport/+') // true
 */
export function hasWildcards(topicFilter: string): boolean {
  return topicFilter.includes('+') || topicFilter.endsWith('#')
}

/**
 * Parses a Shared Subscription's filter (§4.8.2). The filter inside must not be empty, but is not checked otherwise.
 *
 * @returns the parts; `undefined` if the filter is not a shared one; a description of the error if it is an invalid
 * shared one
 *
 * @example
 * parseSharedFilter('$share/group/sport/+') // { shareName: 'group', topicFilter: 'sport/+' }
 * parseSharedFilter('sport/+') // undefined
 * parseSharedFilter('$share/group') // 'a slash and a Topic Filter must follow the ShareName'
 */
export function parseSharedFilter(topicFilter: string): SharedFilter | string | undefined {
  if (!topicFilter.startsWith(SHARE_PREFIX)) return undefined
  const slash = topicFilter.indexOf('/', SHARE_PREFIX.length)
  const shareName = topicFilter.slice(SHARE_PREFIX.length, slash === -1 ? undefined : slash)
  if (shareName === '') return 'a ShareName must have at least one character' // [5.0 MQTT-4.8.2-1]
  if (/[+#]/.test(shareName)) return 'a ShareName must not contain wildcards' // [5.0 MQTT-4.8.2-2]
  if (slash === -1 || slash + 1 === topicFilter.length) {
    return 'a slash and a Topic Filter must follow the ShareName' // [5.0 MQTT-4.8.2-2]
  }
  return { shareName, topicFilter: topicFilter.slice(slash + 1) }
}

/**
 * Whether a Topic Filter matches a Topic Name, both valid. Deliberately simple: the fast implementations (`TopicTrie`,
 * `TopicMap`) are tested against this one.
 *
 * @example
 * matches('sport/#', 'sport') // true
 * matches('sport/+', 'sport') // false
 * matches('#', '$SYS/uptime') // false
 */
export function matches(topicFilter: string, topicName: string): boolean {
  const wanted = topicFilter.split('/')
  const levels = topicName.split('/')
  if (topicName.startsWith('$') && (wanted[0] === '+' || wanted[0] === '#')) return false // [5.0 MQTT-4.7.2-1]
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true
    if (index === levels.length || (level !== '+' && level !== levels[index])) return false
  }
  return wanted.length === levels.length
}
