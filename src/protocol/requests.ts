/**
 * The packets of a connected Client: messages, acknowledgements, subscriptions. Each is answered here. If the answer
 * takes time, the packet waits at the Connection, and so do all later ones.
 *
 *   PUBLISH ──────────────────────> IncomingPublishes ──> Server.publishing
 *   PUBACK, PUBREC, PUBREL, PUBCOMP ──> Session
 *   SUBSCRIBE, UNSUBSCRIBE ───────> Server.subscribing ──> SUBACK, UNSUBACK
 *
 * @module
 */
import { readPlainAcknowledgement } from '../codec/acknowledgement.ts'
import type { Decoder } from '../codec/decoder.ts'
import type { AcknowledgementPacket, Packet, SubscribePacket, UnsubscribePacket } from '../codec/packets.ts'
import { PacketType, type ProtocolVersion, type QoS } from '../codec/packet-types.ts'
import { noProperties } from '../codec/properties.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { IncomingPublishes } from './incoming-publishes.ts'
import type { EndedExchanges, Sender } from './sender.ts'
import type { ServedConnection } from './served-connection.ts'
import { PENDING, type ServerSide } from './server-side.ts'
import type { Session } from './session.ts'

/** The packet has been processed. (Other results are the bytes that it takes while it waits for its answer.) */
export const TAKEN = -1
/** The packet has to be decoded first. */
export const NOT_TAKEN = -2

const PLAIN_PINGREQ = PacketType.PINGREQ << 4

/** The memory that a Topic Filter takes while plugins are asked about it, besides its bytes. */
const WAITING_FILTER_BYTES = 512

export class Requests {
  readonly #server: ServerSide
  readonly #connection: ServedConnection
  readonly #session: Session
  readonly #sender: Sender
  #incoming: IncomingPublishes | undefined = undefined

  constructor(server: ServerSide, connection: ServedConnection, session: Session, sender: Sender) {
    this.#server = server
    this.#connection = connection
    this.#session = session
    this.#sender = sender
  }

  /** PUBLISH packets received so far. */
  get publishCount(): number {
    return this.#incoming?.count ?? 0
  }

  /** The memory that the topics of Topic Aliases take. */
  get aliasBytes(): number {
    return this.#incoming?.aliasBytes ?? 0
  }

  /** The QoS of the PUBLISH exchange for which a plugin's answer is pending; 0 if none is. */
  get pendingPublishQos(): QoS {
    return this.#incoming?.pendingQos ?? 0
  }

  /** The Packet Identifier of that exchange. */
  get pendingPublishIdentifier(): number {
    return this.#incoming?.pendingIdentifier ?? 0
  }

  /** Exchanges that the Client has begun. */
  get exchanges(): EndedExchanges | undefined {
    return this.#incoming
  }

  /**
   * PUBLISH, PINGREQ and everyday acknowledgements are read in place, without making a packet. Hot: runs for every
   * packet.
   *
   * @returns bytes that it takes while it waits for its answer, `TAKEN`, or `NOT_TAKEN`
   */
  takeInPlace(decoder: Decoder): number {
    const type = decoder.firstByte >> 4
    if (type === PacketType.PUBLISH) {
      this.#incoming ??= new IncomingPublishes(this.#server, this.#connection, this.#sender)
      // A message that waits is charged to its user, by the Server.
      return this.#incoming.receive(decoder, this.#sender.version) ? 0 : TAKEN
    }
    if (this.#server.packets.watches(this.#connection)) return NOT_TAKEN
    if (type === PacketType.PINGREQ) return this.#takePing(decoder)
    if (type < PacketType.PUBACK || type > PacketType.PUBCOMP) return NOT_TAKEN
    const identifier = readPlainAcknowledgement(decoder.bytes, decoder.firstByte, decoder.bodyStart, decoder.end)
    if (identifier === 0) return NOT_TAKEN
    this.#record(decoder, identifier)
    this.#acknowledged(type as AcknowledgementPacket['type'], identifier, ReasonCode.Success)
    return TAKEN
  }

  /** If the packet is not two bytes long, `decodePacket` has to check it. */
  #takePing(decoder: Decoder): number {
    if (decoder.end - decoder.start !== 2 || decoder.firstByte !== PLAIN_PINGREQ) return NOT_TAKEN
    this.#record(decoder, 0)
    this.#sender.pingResponse() // [5.0 MQTT-3.12.4-1] [3.1.1 MQTT-3.12.4-1]
    return TAKEN
  }

  /** Records a packet that is read in place: its Reason Code is 0, or it has none. */
  #record({ firstByte, start, end }: Decoder, packetIdentifier: number): void {
    this.#connection.record?.received(firstByte, packetIdentifier, end - start, ReasonCode.Success, undefined)
  }

  #acknowledged(type: AcknowledgementPacket['type'], packetIdentifier: number, reasonCode: number): void {
    if (type === PacketType.PUBACK) this.#session.puback(packetIdentifier, reasonCode)
    else if (type === PacketType.PUBREC) this.#pubrec(packetIdentifier, reasonCode)
    else if (type === PacketType.PUBREL) this.#pubrel(packetIdentifier)
    else this.#session.pubcomp(packetIdentifier)
  }

  #pubrec(packetIdentifier: number, reasonCode: number): void {
    const answer = this.#session.pubrec(packetIdentifier, reasonCode)
    if (answer === undefined) return
    this.#sender.answer(PacketType.PUBREL, packetIdentifier, answer)
  }

  #pubrel(packetIdentifier: number): void {
    const known = this.#session.releaseReceived(packetIdentifier)
    const code = known ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound
    this.#sender.answer(PacketType.PUBCOMP, packetIdentifier, code)
    this.#incoming?.finished(packetIdentifier)
  }

  /**
   * Processes a decoded packet.
   *
   * @param bytes its size
   * @returns bytes that it takes while it waits for its answer, or `TAKEN`
   */
  take(packet: Packet, bytes: number): number {
    switch (packet.type) {
      case PacketType.PUBACK:
      case PacketType.PUBREC:
      case PacketType.PUBREL:
      case PacketType.PUBCOMP:
        this.#acknowledged(packet.type, packet.packetIdentifier, packet.reasonCode)
        return TAKEN
      case PacketType.SUBSCRIBE:
        return this.#subscribe(packet, bytes)
      case PacketType.UNSUBSCRIBE:
        return this.#unsubscribe(packet, bytes)
      case PacketType.PINGREQ:
        this.#sender.pingResponse() // [5.0 MQTT-3.12.4-1] [3.1.1 MQTT-3.12.4-1]
        return TAKEN
    }
    return TAKEN
  }

  #subscribe(packet: SubscribePacket, bytes: number): number {
    const reasonCodes = this.#server.subscribing.subscribe(this.#connection, packet)
    if (reasonCodes === PENDING) return packet.subscriptions.length * WAITING_FILTER_BYTES + bytes
    this.suback(packet, reasonCodes)
    return TAKEN
  }

  suback(packet: SubscribePacket, reasonCodes: readonly number[]): void {
    const { version } = this.#sender
    const codes = version === 5 ? reasonCodes : reasonCodes.map((code) => subackCodeOf(code, version))
    const { packetIdentifier } = packet
    const suback = { type: PacketType.SUBACK, packetIdentifier, reasonCodes: codes, properties: noProperties }
    this.#sender.committed(suback)
    this.#server.subscribing.subscribed(this.#connection)
  }

  #unsubscribe(packet: UnsubscribePacket, bytes: number): number {
    const reasonCodes = this.#server.subscribing.unsubscribe(this.#connection, packet)
    if (reasonCodes === PENDING) return packet.topicFilters.length * WAITING_FILTER_BYTES + bytes
    this.unsuback(packet, reasonCodes)
    return TAKEN
  }

  unsuback(packet: UnsubscribePacket, reasonCodes: readonly number[]): void {
    const codes = this.#sender.version === 5 ? reasonCodes : []
    const { packetIdentifier } = packet
    const unsuback = { type: PacketType.UNSUBACK, packetIdentifier, reasonCodes: codes, properties: noProperties }
    this.#sender.committed(unsuback)
  }

  /** Sends the answer to the PUBLISH that waited. */
  publishAnswered(reasonCode: number): void {
    this.#incoming!.answered(reasonCode)
  }

  /** Forgets the topics of a Connection that has ended. */
  forgetTopics(): void {
    this.#incoming?.forgetTopics()
  }
}

/** 3.1.1 has one failure code and 3.1 has none; there, a refused filter is granted at QoS 0 and delivers nothing. */
function subackCodeOf(reasonCode: number, version: ProtocolVersion): number {
  if (reasonCode < 0x80) return reasonCode
  return version === 3 ? 0x00 : 0x80
}
