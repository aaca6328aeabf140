/** A PUBLISH that is encoded for one Client alone, because it has Subscription Identifiers or a Topic Alias. @module */
import type { ProtocolVersion } from '../codec/packet-types.ts'
import { makePublishFrame } from '../codec/publish-frame.ts'
import type { ApplicationMessage } from './application-message.ts'
import type { OutgoingAliases } from './outgoing-aliases.ts'

/** What the delivery adds to the message. */
export interface OwnParts {
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly dup: boolean
  readonly packetIdentifier: number
  readonly subscriptionIdentifiers: readonly number[]
  readonly nowMs: number
}

/**
 * Makes the frame, and assigns a Topic Alias to its topic if one is left.
 *
 * @returns `undefined` if it would be larger than `maximumSize`
 */
export function makeOwnFrame(
  message: ApplicationMessage,
  parts: OwnParts,
  version: ProtocolVersion,
  maximumSize: number,
  aliases: OutgoingAliases | undefined,
): Uint8Array | undefined {
  const { qos, retain, dup, packetIdentifier, subscriptionIdentifiers, nowMs } = parts
  const known = aliases?.find(message.topicName) ?? 0
  const make = (topicAlias: number): Uint8Array =>
    makePublishFrame(
      {
        topicName: known === 0 ? message.topicName : '',
        qos,
        retain,
        dup,
        packetIdentifier,
        properties: message.propertyList,
        topicAlias: topicAlias === 0 ? undefined : topicAlias,
        subscriptionIdentifiers: subscriptionIdentifiers.length === 0 ? undefined : subscriptionIdentifiers,
        messageExpiryInterval: message.expiryIntervalAt(nowMs),
      },
      message.payload,
      version,
    ).bytes
  // An alias is announced only if the bytes are certain to leave before anything that uses it (the other lane may
  // wait).
  const announced = known === 0 && qos < 2 ? (aliases?.nextFor(message.topicName) ?? 0) : 0
  if (announced > 0) {
    const bytes = make(announced)
    if (bytes.length <= maximumSize) {
      aliases!.assign(message.topicName)
      return bytes
    }
  }
  const bytes = make(known)
  return bytes.length <= maximumSize ? bytes : undefined
}
