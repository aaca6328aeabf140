/** `-d`: a line for each packet, in the words of Mosquitto's tools. @module */
import type { PacketWatch } from '../../client/client-side.ts'
import type { Packet, PublishPacket, SubscriptionRequest } from '../../codec/packets.ts'
import { packetTypes, PacketType } from '../../codec/packet-types.ts'
import { reasonCodeName } from '../../codec/reason-code.ts'

/** Prints every packet. */
export class PacketLines implements PacketWatch {
  readonly #print: (line: string) => void
  readonly #printsGrants: boolean
  /** The client identifier; empty until it is known. */
  #clientId: string
  /** Mosquitto's tools number messages of QoS 0, too. */
  #lastNumber = 0

  /** @param printsGrants adds a line with what was granted, as mosquitto_sub does */
  constructor(clientId: string, printsGrants: boolean, print: (line: string) => void) {
    this.#clientId = clientId
    this.#printsGrants = printsGrants
    this.#print = print
  }

  get #who(): string {
    return `Client ${this.#clientId === '' ? '(null)' : this.#clientId}`
  }

  sent(packet: Packet): void {
    if ('packetIdentifier' in packet && packet.packetIdentifier > 0) {
      this.#lastNumber = Math.max(this.#lastNumber, packet.packetIdentifier)
    }
    if (packet.type === PacketType.SUBSCRIBE) {
      const { packetIdentifier, subscriptions } = packet
      for (const subscription of subscriptions) {
        this.#print(`${this.#who} sending SUBSCRIBE (Mid: ${packetIdentifier}, ${subscriptionText(subscription)})`)
      }
    } else if (packet.type === PacketType.UNSUBSCRIBE) {
      for (const topicFilter of packet.topicFilters) {
        this.#print(`${this.#who} sending UNSUBSCRIBE (Mid: ${packet.packetIdentifier}, Topic: ${topicFilter})`)
      }
    } else this.#print(`${this.#who} sending ${this.#sentText(packet)}`)
  }

  #sentText(packet: Packet): string {
    const { name } = packetTypes[packet.type - 1]!
    if (packet.type === PacketType.PUBLISH) {
      return publishText(packet, packet.qos === 0 ? ++this.#lastNumber : packet.packetIdentifier)
    }
    if (packet.type === PacketType.PUBREL) return `PUBREL (m${packet.packetIdentifier})`
    if ('packetIdentifier' in packet && 'reasonCode' in packet) {
      return `${name} (m${packet.packetIdentifier}, rc${packet.reasonCode})`
    }
    return name
  }

  received(packet: Packet): void {
    if (packet.type === PacketType.CONNACK) {
      this.#clientId = packet.properties.assignedClientIdentifier ?? this.#clientId
    }
    this.#print(`${this.#who} received ${receivedText(packet)}`)
    if (packet.type !== PacketType.SUBACK || !this.#printsGrants) return
    const codes = packet.reasonCodes.join(', ')
    this.#print(`Subscribed (mid: ${packet.packetIdentifier}): ${codes}`)
  }
}

function receivedText(packet: Packet): string {
  const { name } = packetTypes[packet.type - 1]!
  switch (packet.type) {
    case PacketType.CONNACK:
      return `CONNACK (${packet.reasonCode})`
    case PacketType.PUBLISH:
      return publishText(packet, packet.packetIdentifier)
    case PacketType.PUBACK:
    case PacketType.PUBCOMP:
      return `${name} (Mid: ${packet.packetIdentifier}, RC:${packet.reasonCode})`
    case PacketType.PUBREC:
    case PacketType.PUBREL:
      return `${name} (Mid: ${packet.packetIdentifier})`
    case PacketType.DISCONNECT:
      return `DISCONNECT (${packet.reasonCode}: ${reasonCodeName(packet.reasonCode, 'DISCONNECT')})`
    default:
      return name
  }
}

function publishText({ dup, qos, retain, topicName, payload }: PublishPacket, number: number): string {
  const flags = `d${dup ? 1 : 0}, q${qos}, r${retain ? 1 : 0}, m${number}`
  return `PUBLISH (${flags}, '${topicName}', ... (${payload.length} bytes))`
}

function subscriptionText(subscription: SubscriptionRequest): string {
  const { topicFilter, qos, noLocal, retainAsPublished, retainHandling } = subscription
  const options = (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | (retainHandling << 4)
  return `Topic: ${topicFilter}, QoS: ${qos}, Options: 0x${options.toString(16).padStart(2, '0')}`
}
