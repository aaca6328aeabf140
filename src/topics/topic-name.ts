/**
 * Validates Topic Names (§4.7), the text under which a message is published. Nothing is ever normalized: names that
 * differ in one character are different names [5.0 MQTT-4.7.3-4].
 *
 * @module
 */

/** The longest Topic Name or Topic Filter, in bytes of UTF-8 [5.0 MQTT-4.7.3-3]. */
export const MAX_TOPIC_BYTES = 0xffff

/** A UTF-16 unit takes at most three bytes of UTF-8, so shorter texts need not be measured. */
const SURELY_SHORT = Math.floor(MAX_TOPIC_BYTES / 3)

/** Characters that no string of the protocol may contain: U+0000 and halves of surrogate pairs (§1.5.4). */
const FORBIDDEN = /[\0\p{Surrogate}]/u
const WILDCARD = /[+#]/

/**
 * Counts Topic Levels: the pieces between slashes, including empty ones.
 *
 * @example
 * countTopicLevels('/sport/tennis') // 3
 */
export function countTopicLevels(topic: string): number {
  let levels = 1
  for (let at = topic.indexOf('/'); at !== -1; at = topic.indexOf('/', at + 1)) levels++
  return levels
}

/**
 * Describes the error in a Topic Name, in words for a Reason String or a log.
 *
 * @param maxLevels the most Topic Levels allowed
 * @returns `undefined` if it is valid
 *
 * @example
 * topicNameProblem('sport/tennis') // undefined
 * topicNameProblem('sport/+') // 'a Topic Name must not contain wildcards'
 */
export function topicNameProblem(topicName: string, maxLevels = Infinity): string | undefined {
  // [5.0 MQTT-4.7.0-1] [3.1.1 MQTT-4.7.1-1]
  if (WILDCARD.test(topicName)) return 'a Topic Name must not contain wildcards'
  return topicTextProblem(topicName, maxLevels, 'Topic Name')
}

/** The rules for both Topic Names and Topic Filters (§4.7.3). */
export function topicTextProblem(
  topic: string,
  maxLevels: number,
  kind: 'Topic Name' | 'Topic Filter',
): string | undefined {
  if (topic === '') return `a ${kind} must have at least one character` // [5.0 MQTT-4.7.3-1]
  if (FORBIDDEN.test(topic)) return `a ${kind} must not contain U+0000 or surrogates` // [5.0 MQTT-4.7.3-2]
  if (topic.length > SURELY_SHORT && Buffer.byteLength(topic) > MAX_TOPIC_BYTES) {
    return `a ${kind} must not exceed ${MAX_TOPIC_BYTES} bytes, got ${Buffer.byteLength(topic)}`
  }
  // There is at most one level more than there are characters, so most topics need no count.
  if (topic.length >= maxLevels && countTopicLevels(topic) > maxLevels) {
    return `this ${kind} has ${countTopicLevels(topic)} Topic Levels, more than the limit of ${maxLevels}`
  }
  return undefined
}
