/** A PUBLISH packet for tests: QoS 0 and without properties unless the test says otherwise. @module */
import { PacketType } from '../../src/codec/packet-types.ts'
import type { PublishPacket } from '../../src/codec/packets.ts'
import { noProperties } from '../../src/codec/properties.ts'

export function publishPacket(
  topicName: string,
  payload: Uint8Array | string,
  more: Partial<PublishPacket> = {},
): PublishPacket {
  return {
    type: PacketType.PUBLISH,
    dup: false,
    qos: 0,
    retain: false,
    topicName,
    packetIdentifier: 0,
    properties: noProperties,
    payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
    ...more,
  }
}
