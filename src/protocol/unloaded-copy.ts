/** Copies of messages without their payloads, for holders that can wait for the payload. @module */
import { ApplicationMessage } from './application-message.ts'

/** Another message like that one, whose payload is only in the Store. */
export function unloadedCopyOf(message: ApplicationMessage): ApplicationMessage {
  const { topicName, qos, retain, propertyList, publisher, receivedAtMs, messageNumber, payloadLength } = message
  const parts = { topicName, qos, retain, properties: propertyList, publisher, receivedAtMs }
  const copy = ApplicationMessage.stored(parts, messageNumber, payloadLength)
  copy.publisherUser = message.publisherUser
  return copy
}
