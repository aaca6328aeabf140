/** The head of a packet that is sent: what it ends, and what the record of its Client gets. @module */
import type { AcknowledgementPacket, Packet } from '../codec/packets.ts'
import { PacketType } from '../codec/packet-types.ts'
import type { ClientRecord } from './client-record.ts'

/** @param bytes the packet, encoded */
export function recordPacket(record: ClientRecord | undefined, packet: Packet, bytes: Uint8Array): void {
  record?.sent(bytes[0]!, identifierOf(packet), bytes.length, codeOf(packet), undefined)
}

function identifierOf(packet: Packet): number {
  return 'packetIdentifier' in packet ? packet.packetIdentifier : 0
}

/** Of a SUBACK or UNSUBACK, the highest: whether anything was refused. */
function codeOf(packet: Packet): number {
  if ('reasonCodes' in packet) return packet.reasonCodes.reduce((most, code) => Math.max(most, code), 0)
  return 'reasonCode' in packet ? packet.reasonCode : 0
}

/** Whether that packet is the last of an exchange that the Client began. */
export function endsExchange(type: AcknowledgementPacket['type'], reasonCode: number): boolean {
  if (type === PacketType.PUBREC) return reasonCode >= 0x80 // [5.0 MQTT-4.3.3-9]
  return type !== PacketType.PUBREL
}
