/**
 * Messages that the host program publishes: checked by `protocol/message-check.ts`, and made into Application Messages.
 *
 * @module
 */
import type { QoS } from '../../codec/packet-types.ts'
import type { Properties } from '../../codec/properties.ts'
import { noPropertyList } from '../../codec/property-list.ts'
import { ApplicationMessage } from '../../protocol/application-message.ts'
import { checkPayload, checkProperties, checkSize, checkTopicName, messageError } from '../../protocol/message-check.ts'

/** Options of `broker.publish`. */
export interface PublishOptions {
  /** Default 0. */
  readonly qos?: QoS
  /** Default false. */
  readonly retain?: boolean
  /** Properties that a PUBLISH may have. */
  readonly properties?: Properties
}

/**
 * Makes the message; payload and properties are copied, so that the caller may go on using its own.
 *
 * @throws {UsageError} naming the value that cannot be published
 */
export function hostMessage(
  topicName: string,
  payload: string | Uint8Array,
  options: PublishOptions,
  receivedAtMs: number,
): ApplicationMessage {
  checkTopicName(topicName)
  const { qos = 0, retain = false } = options
  if (qos !== 0 && qos !== 1 && qos !== 2) throw messageError(topicName, 'qos', 'must be 0, 1 or 2', qos)
  if (typeof retain !== 'boolean') throw messageError(topicName, 'retain', 'must be true or false', retain)
  const properties = options.properties === undefined ? noPropertyList : checkProperties(topicName, options.properties)
  const bytes = checkPayload(topicName, payload)
  checkSize(topicName, bytes, properties)
  return ApplicationMessage.of({ topicName, payload: bytes, qos, retain, properties, publisher: '', receivedAtMs })
}
