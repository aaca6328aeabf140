/**
 * `topics.working-hours`: some topics may be published to only at certain hours of the day (UTC).
 *
 * The answers change with the time and not only with Client and topic, so the plugin does not call itself `stable`, and the
 * broker asks for every message.
 */
import * as v from 'valibot'

const hour = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(24))

/** Checked before the plugin is made; unknown keys are refused. */
export const optionsSchema = v.strictObject({
  /** Topic Names; a level `+` stands for any one level. */
  topics: v.array(v.string()),
  fromHour: v.optional(hour, 8),
  toHour: v.optional(hour, 18),
})

/**
 * @param {import('sluice').PluginContext} context
 * @returns {import('sluice').Plugin}
 */
export default function workingHours({ options, clock }) {
  const { topics, fromHour, toHour } = /** @type {v.InferOutput<typeof optionsSchema>} */ (options)
  const guarded = topics.map((topic) => ({ topic, levels: topic.split('/') }))

  /** @param {string} topicName */
  const find = (topicName) => guarded.find(({ levels }) => matches(levels, topicName.split('/')))
  const isOpen = () => {
    const now = new Date(clock.wallNow()).getUTCHours()
    return now >= fromHour && now < toHour
  }

  return {
    name: 'topics.working-hours',
    mayPublish: (_client, { topic }) => (find(topic) === undefined || isOpen() ? undefined : false),
    explain: ({ action, topic }) => {
      const guard = action === 'publish' ? find(topic) : undefined
      const rule =
        guard === undefined ? 'not a guarded topic' : `${guard.topic} is open from ${fromHour} to ${toHour} h`
      const decision = guard === undefined || isOpen() ? 'no opinion' : 'deny'
      return { plugin: 'topics.working-hours', decision, rule }
    },
  }
}

/**
 * @param {readonly string[]} rule
 * @param {readonly string[]} levels
 */
function matches(rule, levels) {
  return rule.length === levels.length && rule.every((level, index) => level === '+' || level === levels[index])
}
