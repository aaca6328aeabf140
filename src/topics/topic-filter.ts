/**
 * What a Topic Filter may be and which Topic Names it matches (§4.7.1), and the form of a Shared Subscription (§4.8.2).
 *
 * @module
 */
import { topicTextProblem } from './topic-name.ts'

/** A `$share/ShareName/filter`, taken apart. */
export interface SharedFilter {
  readonly shareName: string
  /** The part that takes part in matching. */
  readonly topicFilter: string
}

const SHARE_PREFIX = '$share/'

/**
 * Says what is wrong with a Topic Filter, in words for a Reason String or a log. A shared one is taken apart first: see
 * {@link parseSharedFilter}.
 *
 * @param maxLevels most Topic Levels allowed
 * @returns `undefined` when it is valid
 *
 * @example
 * topicFilterProblem('sport/+/#') // undefined
 * topicFilterProblem('sport/a+') // '+ fills a whole Topic Level'
 * topicFilterProblem('sport/#/a') // '# fills the last Topic Level'
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
    if (character === '+' && !wholeLevel) return '+ fills a whole Topic Level' // [5.0 MQTT-4.7.1-2]
    if (character === '#' && !(wholeLevel && at + 1 === topicFilter.length)) {
      return '# fills the last Topic Level' // [5.0 MQTT-4.7.1-1]
    }
  }
  return undefined
}

/**
 * Says whether a valid Topic Filter may match more than one Topic Name.
 *
 * @example
 * hasWildcards('sport/+') // true
 */
export function hasWildcards(topicFilter: string): boolean {
  return topicFilter.includes('+') || topicFilter.endsWith('#')
}

/**
 * Takes a Shared Subscription's filter apart (§4.8.2). The filter inside is not checked, except that there is one.
 *
 * @returns the parts; `undefined` if the filter is not a shared one; a text if it means to be one but is not valid
 *
 * @example
 * parseSharedFilter('$share/group/sport/+') // { shareName: 'group', topicFilter: 'sport/+' }
 * parseSharedFilter('sport/+') // undefined
 * parseSharedFilter('$share/group') // 'behind the ShareName come a slash and a Topic Filter'
 */
export function parseSharedFilter(topicFilter: string): SharedFilter | string | undefined {
  if (!topicFilter.startsWith(SHARE_PREFIX)) return undefined
  const slash = topicFilter.indexOf('/', SHARE_PREFIX.length)
  const shareName = topicFilter.slice(SHARE_PREFIX.length, slash === -1 ? undefined : slash)
  if (shareName === '') return 'a ShareName has at least one character' // [5.0 MQTT-4.8.2-1]
  if (/[+#]/.test(shareName)) return 'a ShareName holds no wildcards' // [5.0 MQTT-4.8.2-2]
  if (slash === -1 || slash + 1 === topicFilter.length) {
    return 'behind the ShareName come a slash and a Topic Filter' // [5.0 MQTT-4.8.2-2]
  }
  return { shareName, topicFilter: topicFilter.slice(slash + 1) }
}

/**
 * Says whether a Topic Filter matches a Topic Name, both valid. Plain on purpose: what is fast (`TopicTrie`, `TopicMap`)
 * is tested against this.
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
