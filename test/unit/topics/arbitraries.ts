/** Small Topic Names and Topic Filters for property tests: few levels, so that they meet often. @module */
import fc from '../../support/property.ts'

const level = fc.constantFrom('', 'a', 'b', '$s', '__proto__')
const levelOrPlus = fc.oneof({ weight: 3, arbitrary: level }, { weight: 2, arbitrary: fc.constant('+') })

/** A valid Topic Name. */
export const anyTopicName = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter((topicName) => topicName !== '')

/** A valid Topic Filter, not a shared one. */
export const anyTopicFilter = fc
  .tuple(fc.array(levelOrPlus, { maxLength: 4 }), fc.boolean())
  .map(([levels, more]) => [...levels, ...(more ? ['#'] : [])].join('/'))
  .filter((topicFilter) => topicFilter !== '')
