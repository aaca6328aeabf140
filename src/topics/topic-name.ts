/**
 * What a Topic Name may be (§4.7): the text that a message is published under. Nothing is ever normalised: what differs in
 * one character is another name [5.0 MQTT-4.7.3-4].
 *
 * @module
 */

/** Longest Topic Name or Topic Filter, in bytes of UTF-8 [5.0 MQTT-4.7.3-3]. */
export const MAX_TOPIC_BYTES = 0xffff

/** No UTF-16 unit takes more than three bytes of UTF-8, so shorter texts need not be measured. */
const SURELY_SHORT = Math.floor(MAX_TOPIC_BYTES / 3)

/** What no text of the protocol may hold: U+0000 and halves of surrogate pairs (§1.5.4). */
const FORBIDDEN = /[\0\p{Surrogate}]/u
const WILDCARD = /[+#]/

/**
 * Counts Topic Levels: the pieces between slashes, empty ones too.
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
 * Says what is wrong with a Topic Name, in words for a Reason String or a log.
 *
 * @param maxLevels most Topic Levels allowed
 * @returns `undefined` when it is valid
 *
 * @example
 * topicNameProblem('sport/tennis') // undefined
 * topicNameProblem('sport/+') // 'a Topic Name holds no wildcards'
 */
export function topicNameProblem(topicName: string, maxLevels = Infinity): string | undefined {
  // [5.0 MQTT-4.7.0-1] [3.1.1 MQTT-4.7.1-1]
  if (WILDCARD.test(topicName)) return 'a Topic Name holds no wildcards'
  return topicTextProblem(topicName, maxLevels, 'Topic Name')
}

/** The rules that Topic Names and Topic Filters share (§4.7.3). */
export function topicTextProblem(
  topic: string,
  maxLevels: number,
  kind: 'Topic Name' | 'Topic Filter',
): string | undefined {
  if (topic === '') return `a ${kind} has at least one character` // [5.0 MQTT-4.7.3-1]
  if (FORBIDDEN.test(topic)) return `a ${kind} holds neither U+0000 nor surrogates` // [5.0 MQTT-4.7.3-2]
  if (topic.length > SURELY_SHORT && Buffer.byteLength(topic) > MAX_TOPIC_BYTES) {
    return `a ${kind} has at most ${MAX_TOPIC_BYTES} bytes, this one has ${Buffer.byteLength(topic)}`
  }
  // There is at most one level more than there are characters, so that most topics need no count.
  if (topic.length >= maxLevels && countTopicLevels(topic) > maxLevels) {
    return `this ${kind} has ${countTopicLevels(topic)} Topic Levels, more than the limit of ${maxLevels}`
  }
  return undefined
}
