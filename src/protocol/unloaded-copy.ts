/** A message once more, for whoever can wait for its payload. @module */
import { ApplicationMessage } from './application-message.ts'

/** Another message like that one, which has its payload in the Store alone. */
export function unloadedCopyOf(message: ApplicationMessage): ApplicationMessage {
  const { topicName, qos, retain, propertyList, publisher, receivedAtMs, messageNumber, payloadLength } = message
  const parts = { topicName, qos, retain, properties: propertyList, publisher, receivedAtMs }
  const copy = ApplicationMessage.stored(parts, messageNumber, payloadLength)
  copy.publisherUser = message.publisherUser
  return copy
}
