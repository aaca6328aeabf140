/** The encoded part that all QoS 0 messages to one topic have in common. @module */
import type { ProtocolVersion, QoS } from '../codec/packet-types.ts'
import type { Properties } from '../codec/properties.ts'
import { makePublishFrame } from '../codec/publish-frame.ts'
import { readVariableByteInteger, sizeOfVariableByteInteger } from '../codec/variable-byte-integer.ts'

/** The fields of a message to publish, besides topic and payload. */
export interface PublishOptions {
  /** Default 0. */
  readonly qos?: QoS
  /** Default false. */
  readonly retain?: boolean
  /** 5.0 only. */
  readonly properties?: Properties
}

/** Everything before the payload, except for the Remaining Length. */
export interface PublishHead {
  readonly firstByte: number
  /** Topic Name, Property Length and properties. */
  readonly head: Uint8Array
}

/**
 * Encodes it.
 *
 * @throws {UsageError} if the topic or a property cannot be encoded
 *
 * @example
 * publishHeadOf('a', false, {}, 5).head // Uint8Array.of(0, 1, 97, 0)
 */
export function publishHeadOf(
  topicName: string,
  retain: boolean,
  properties: Properties,
  version: ProtocolVersion,
): PublishHead {
  const { bytes } = makePublishFrame({ topicName, qos: 0, retain, properties }, new Uint8Array(0), version)
  const length = readVariableByteInteger(bytes, 1, bytes.length, true)
  return { firstByte: bytes[0]!, head: new Uint8Array(bytes.subarray(1 + sizeOfVariableByteInteger(length))) }
}
