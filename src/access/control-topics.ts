/**
 * Topics below `$CONTROL/`, on which administrators steer the broker. No rule, default or plugin gives them to anybody:
 * nobody publishes or subscribes there but users with the role `administrator`, and only if `users.dynamic-security` is
 * on. What they publish is not a message: it is never retained, queued or routed, and no Will goes there.
 *
 * @module
 */

const PREFIX = '$CONTROL'

/** Where commands for users, groups and roles come. */
export const CONTROL_TOPIC = '$CONTROL/dynamic-security/v1'
/** Where their answers go, to their sender alone. */
export const CONTROL_RESPONSE_TOPIC = '$CONTROL/dynamic-security/v1/response'

/**
 * Whether a Topic Name or Topic Filter is below `$CONTROL`. Wildcards at the first level do not reach it [5.0
 * MQTT-4.7.2-1].
 */
export function isControlTopic(topic: string): boolean {
  return topic.startsWith(PREFIX) && (topic.length === PREFIX.length || topic.charCodeAt(PREFIX.length) === 0x2f)
}
