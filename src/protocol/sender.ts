/**
 * The sending half of a Connection: frames into lanes, lanes into the gather buffer.
 *
 *   never waits      QoS 0 and 1 PUBLISH, PINGRESP, AUTH, DISCONNECT, refusals ──────────────┐
 *   waits for commit CONNACK, SUBACK, UNSUBACK, PUBACK … PUBCOMP, QoS 2 PUBLISH ──HeldLane──> Output ──> Transport
 *
 * The lanes may overtake each other, as no rule orders packets across them. A packet of the second lane that depends on
 * no Change is sent at once unless an earlier one of its lane waits. Nothing larger than the Client's Maximum Packet
 * Size is sent [5.0 MQTT-3.1.2-24].
 *
 * A PUBLISH is encoded before it is gathered. One that cannot be encoded for this Client is dropped, and neither its
 * publisher nor its receiver loses the Connection.
 *
 * @module
 */
import { copyBytes } from '../base/bytes.ts'
import { UsageError } from '../base/errors.ts'
import { copied, Work } from '../base/work.ts'
import { writeAcknowledgement } from '../codec/acknowledgement.ts'
import { maxControlPacketBytes } from '../codec/decoder.ts'
import { encodeWithinLimit } from '../codec/encode.ts'
import { type AcknowledgementPacket, type Packet } from '../codec/packets.ts'
import { PacketType, type ProtocolVersion, type QoS } from '../codec/packet-types.ts'
import { noProperties } from '../codec/properties.ts'
import type { ApplicationMessage } from './application-message.ts'
import type { MessageFrame } from './message-frames.ts'
import type { Delivery } from './delivery.ts'
import { HeldLane } from './held-lane.ts'
import { appendLargeFrame } from './large-frame.ts'
import { HELD_BYTES } from './memory-sizes.ts'
import { LARGE_FRAME_BYTES, Output } from './output.ts'
import { OutgoingAliases } from './outgoing-aliases.ts'
import { makeOwnFrame } from './own-frame.ts'
import { endsExchange, recordPacket } from './packet-head.ts'
import { SentMessages } from './sent-messages.ts'
import type { ServedConnection } from './served-connection.ts'
import type { ServerSide } from './server-side.ts'
import { sentProperties, sentPublish } from './sent-publish.ts'
import type { DropCause } from './drop-cause.ts'
import type { Transport } from './transport.ts'

const PUBLISH_BYTE = PacketType.PUBLISH << 4
const DUP_BIT = 0x08
const RETAIN_BIT = 0x01
const PING_RESPONSE = Uint8Array.of(PacketType.PINGRESP << 4, 0)
/** The size of an acknowledgement with a Reason Code and no properties. */
const LONGEST_PLAIN_ACKNOWLEDGEMENT_BYTES = 5
const LONGEST_SUBSCRIPTION_IDENTIFIER_BYTES = 5

/** Receives the Packet Identifier of each exchange whose last packet has waited for the Store and is sent now. */
export interface EndedExchanges {
  ended(packetIdentifier: number): void
}

export class Sender {
  version: ProtocolVersion = 5
  /** The Client's Maximum Packet Size, in bytes. */
  maximumPacketSize = maxControlPacketBytes
  /** Request Problem Information: whether acknowledgements may have Reason String and User Property. */
  sendsProblemInformation = true
  readonly messages: SentMessages = new SentMessages()
  readonly #server: ServerSide
  readonly #connection: ServedConnection
  readonly #output: Output
  #held: HeldLane | undefined = undefined
  #aliases: OutgoingAliases | undefined = undefined
  #isDirty = false
  /** `changeCount` before the current packet; its answer depends on the Changes that come after. */
  #changesBefore = 0

  constructor(server: ServerSide, connection: ServedConnection, transport: Transport) {
    this.#server = server
    this.#connection = connection
    this.#output = new Output(server.buffers, transport)
  }

  get isHolding(): boolean {
    return this.#held !== undefined && this.#held.length > 0
  }

  get writtenBytes(): number {
    return this.#output.writtenBytes
  }

  /** The Change that the first held packet waits for; 0 if none waits. */
  get heldUntilChange(): number {
    return this.#held?.nextChange ?? 0
  }

  allowAliases(maximum: number): void {
    if (maximum > 0) this.#aliases = new OutgoingAliases(maximum)
  }

  /** Whether a PUBLISH of that message is within the Client's Maximum Packet Size; cheap if there is none. */
  takes(message: ApplicationMessage, qos: QoS, subscriptionIdentifiers: readonly number[]): boolean {
    if (this.maximumPacketSize === maxControlPacketBytes) return true
    if (message.topicName.length + message.payloadLength > this.maximumPacketSize) return false
    if (!message.isLoaded) return true
    try {
      const { start, end } = message.frame(this.version, qos > 0, this.#server.turn.now())
      const identifiers = subscriptionIdentifiers.length * LONGEST_SUBSCRIPTION_IDENTIFIER_BYTES
      return end - start + identifiers <= this.maximumPacketSize
    } catch {
      return true // a message that cannot be encoded is dropped when it is sent, with a cause of its own
    }
  }

  /**
   * Sends a PUBLISH of QoS 0. Hot: runs for every delivery at QoS 0.
   *
   * @returns why it cannot be sent to this Client; `undefined` if it was sent
   */
  publish(
    message: ApplicationMessage,
    retain: boolean,
    subscriptionIdentifiers: readonly number[],
  ): DropCause | undefined {
    if (this.version === 5 && (this.#aliases !== undefined || subscriptionIdentifiers.length > 0)) {
      return this.#publishEncoded(message, 0, retain, false, 0, subscriptionIdentifiers, 0)
    }
    const frame = this.#frameOf(message, false)
    if (typeof frame === 'string') return frame
    const firstByte = PUBLISH_BYTE | (retain ? RETAIN_BIT : 0)
    this.#appendFrame(frame, firstByte, 0)
    this.#countPublish(message, firstByte, 0, subscriptionIdentifiers)
    return undefined
  }

  /**
   * Sends a PUBLISH of QoS 1 or 2.
   *
   * @param message the message to send: that of the delivery, or what a plugin has made of it
   * @param afterChange the Change that has to be stored first; 0 for none
   * @returns as `publish`
   */
  delivery(delivery: Delivery, message: ApplicationMessage, dup: boolean, afterChange: number): DropCause | undefined {
    const { qos, retain, packetIdentifier, subscriptionIdentifiers } = delivery
    if (this.version === 5 && (this.#aliases !== undefined || subscriptionIdentifiers.length > 0)) {
      return this.#publishEncoded(message, qos, retain, dup, packetIdentifier, subscriptionIdentifiers, afterChange)
    }
    const frame = this.#frameOf(message, true)
    if (typeof frame === 'string') return frame
    const firstByte = PUBLISH_BYTE | (qos << 1) | (retain ? RETAIN_BIT : 0) | (dup ? DUP_BIT : 0)
    if (qos === 2 && this.#mustHold(afterChange)) {
      const bytes = Buffer.allocUnsafe(frame.end - frame.start)
      copyBytes(bytes, 0, frame.bytes, frame.start, frame.end)
      patch(bytes, 0, firstByte, frame.packetIdentifierAt - frame.start, packetIdentifier)
      this.#hold(bytes, afterChange)
    } else this.#appendFrame(frame, firstByte, packetIdentifier)
    this.#countPublish(message, firstByte, packetIdentifier, subscriptionIdentifiers)
    return undefined
  }

  /** The frame to send, or why there is none. Hot: runs for every delivery. */
  #frameOf(message: ApplicationMessage, withPacketIdentifier: boolean): MessageFrame | DropCause {
    try {
      const frame = message.frame(this.version, withPacketIdentifier, this.#server.turn.now())
      const size = frame.end - frame.start
      if (size > this.maximumPacketSize) return 'packet too large'
      return size < LARGE_FRAME_BYTES ? frame : this.#safeFrame(message, withPacketIdentifier)
    } catch (error) {
      return this.#notEncoded(error)
    }
  }

  /** A large frame is passed on as it is, and may be held for long: it must not lie in memory that is reused. */
  #safeFrame(message: ApplicationMessage, withPacketIdentifier: boolean): MessageFrame {
    message.keep()
    return message.frame(this.version, withPacketIdentifier, this.#server.turn.now())
  }

  /** Nothing was gathered. What the protocol cannot express is nobody's mistake; any other error is reported. */
  #notEncoded(error: unknown): DropCause {
    if (!(error instanceof UsageError)) this.#server.reports.failed(this.#connection, error)
    return 'cannot be encoded'
  }

  /** Sends a PUBLISH that is encoded for this Client alone: with Subscription Identifiers or a Topic Alias. */
  #publishEncoded(
    message: ApplicationMessage,
    qos: 0 | 1 | 2,
    retain: boolean,
    dup: boolean,
    packetIdentifier: number,
    subscriptionIdentifiers: readonly number[],
    afterChange: number,
  ): DropCause | undefined {
    let bytes: Uint8Array | undefined
    try {
      const parts = { qos, retain, dup, packetIdentifier, subscriptionIdentifiers, nowMs: this.#server.turn.now() }
      const held = this.#aliases?.bytes ?? 0
      bytes = makeOwnFrame(message, parts, this.version, this.maximumPacketSize, this.#aliases)
      if (this.#aliases !== undefined && this.#aliases.bytes > held) this.#connection.keeps(this.#aliases.bytes - held)
    } catch (error) {
      return this.#notEncoded(error)
    }
    if (bytes === undefined) return 'packet too large'
    if (qos === 2 && this.#mustHold(afterChange)) this.#hold(bytes, afterChange)
    else this.#append(bytes)
    this.#countPublish(message, bytes[0]!, packetIdentifier, subscriptionIdentifiers)
    return undefined
  }

  /** @param firstByte with DUP, QoS and RETAIN as sent */
  #countPublish(
    message: ApplicationMessage,
    firstByte: number,
    packetIdentifier: number,
    subscriptionIdentifiers: readonly number[],
  ): void {
    const { metrics } = this.#server
    const { payloadLength } = message
    metrics.publishSent++
    this.messages.count++
    metrics.publishBytesSent += payloadLength
    if (packetIdentifier !== 0) {
      this.#connection.record?.sent(firstByte, packetIdentifier, payloadLength, 0, message.topicName)
    } else this.messages.sentAtMostOnce(message.topicName, payloadLength)
    if (this.#server.packets.watches(this.#connection)) {
      const sent = sentPublish(message, firstByte, packetIdentifier)
      const properties = sentProperties(message, this.version, subscriptionIdentifiers, this.#server.turn.now())
      this.#server.packets.sent(this.#connection, { ...sent, properties })
    }
  }

  #appendFrame(frame: MessageFrame, firstByte: number, packetIdentifier: number): void {
    const { bytes, start, end, packetIdentifierAt } = frame
    const output = this.#output
    this.#markDirty()
    this.#server.metrics.packetsSent++
    const size = end - start
    if (size >= LARGE_FRAME_BYTES) {
      appendLargeFrame(output, frame, firstByte, packetIdentifier)
      return
    }
    const at = output.reserve(size)
    const behind = copyBytes(output.bytes, at, bytes, start, end)
    patch(output.bytes, at, firstByte, packetIdentifierAt - start, packetIdentifier)
    output.wrote(behind)
  }

  /** The answers to the next packet depend on what changes from now on. Hot: runs for every packet received. */
  beginAnswer(): void {
    this.#changesBefore = this.#server.turn.changeCount
  }

  /** The newest Change since the current packet began; 0 if nothing has changed. */
  get #changesAtHand(): number {
    const { changeCount } = this.#server.turn
    return changeCount === this.#changesBefore ? 0 : changeCount
  }

  /** Answers the current packet, once its Changes are stored. Hot: runs for every message of QoS 1 and 2. */
  answer(type: AcknowledgementPacket['type'], packetIdentifier: number, reasonCode: number): void {
    this.acknowledge(type, packetIdentifier, reasonCode, this.#changesAtHand)
  }

  /**
   * Sends PUBACK, PUBREC, PUBREL or PUBCOMP. Hot: runs for every message of QoS 1 and 2.
   *
   * @param afterChange the Change that has to be stored first; 0 for none
   */
  acknowledge(
    type: AcknowledgementPacket['type'],
    packetIdentifier: number,
    reasonCode: number,
    afterChange: number,
  ): void {
    if (this.#server.packets.watches(this.#connection)) {
      this.#server.packets.sent(this.#connection, { type, packetIdentifier, reasonCode, properties: noProperties })
    }
    this.#connection.record?.sent(type << 4, packetIdentifier, 4, reasonCode, undefined)
    if (this.#mustHold(afterChange)) {
      const bytes = Buffer.allocUnsafe(LONGEST_PLAIN_ACKNOWLEDGEMENT_BYTES)
      const length = writeAcknowledgement(bytes, 0, type, packetIdentifier, reasonCode, this.version)
      this.#hold(bytes.subarray(0, length), afterChange, endsExchange(type, reasonCode) ? packetIdentifier : 0)
      return
    }
    this.#markDirty()
    const output = this.#output
    const at = output.reserve(LONGEST_PLAIN_ACKNOWLEDGEMENT_BYTES)
    output.wrote(writeAcknowledgement(output.bytes, at, type, packetIdentifier, reasonCode, this.version))
    this.#server.metrics.packetsSent++
  }

  /** Whether that packet is within the Client's Maximum Packet Size, if necessary without its optional parts. */
  fits(packet: Packet): boolean {
    return encodeWithinLimit(packet, this.version, this.maximumPacketSize) !== undefined
  }

  /**
   * Sends an answer to the current packet, in the lane that waits for the commit.
   *
   * @param earliest a Change that it waits for in addition; 0 for none
   */
  committed(packet: Packet, earliest = 0): void {
    const bytes = this.#encode(packet)
    if (bytes === undefined) return
    const afterChange = Math.max(this.#changesAtHand, earliest)
    if (this.#mustHold(afterChange)) this.#hold(bytes, afterChange)
    else this.#append(bytes)
  }

  /** Sends a packet in the lane that never waits. */
  immediate(packet: Packet): void {
    const bytes = this.#encode(packet)
    if (bytes !== undefined) this.#append(bytes)
  }

  /** Sends PINGRESP. It is written without an object, since its two bytes are cheap to request. */
  pingResponse(): void {
    if (this.#server.packets.watches(this.#connection))
      this.#server.packets.sent(this.#connection, { type: PacketType.PINGRESP })
    if (this.maximumPacketSize >= PING_RESPONSE.length) this.#append(PING_RESPONSE)
  }

  #encode(packet: Packet): Uint8Array | undefined {
    if (this.#server.packets.watches(this.#connection)) this.#server.packets.sent(this.#connection, packet)
    const bytes = encodeWithinLimit(packet, this.version, this.maximumPacketSize)
    if (bytes !== undefined) recordPacket(this.#connection.record, packet, bytes)
    return bytes
  }

  #append(bytes: Uint8Array): void {
    this.#markDirty()
    this.#output.append(bytes, 0, bytes.length)
    this.#server.metrics.packetsSent++
  }

  #mustHold(afterChange: number): boolean {
    return (afterChange > 0 && afterChange > this.#server.turn.committedCount) || this.isHolding
  }

  #hold(bytes: Uint8Array, afterChange: number, ends = 0): void {
    this.#held ??= new HeldLane()
    if (this.#held.length === 0) this.#server.turn.wantsRelease(this.#connection)
    this.#held.hold(bytes, afterChange, ends)
    this.#connection.keeps(HELD_BYTES + bytes.length)
  }

  /**
   * Sends what waited for Changes up to that one.
   *
   * @param exchanges receives the exchanges that end with it
   * @returns whether something still waits
   */
  release(committedChange: number, exchanges: EndedExchanges | undefined): boolean {
    const held = this.#held
    if (held === undefined) return false
    const { size } = held
    held.release(committedChange, (bytes, ends) => {
      this.#server.turn.work.spend(Work.packet)
      this.#append(bytes)
      if (ends !== 0) exchanges?.ended(ends)
    })
    this.#connection.keeps(held.size - size)
    return this.isHolding
  }

  #markDirty(): void {
    if (this.#isDirty) return
    this.#isDirty = true
    this.#server.turn.wantsFlush(this.#connection)
  }

  flush(): void {
    this.#isDirty = false
    this.messages.record(this.#connection.record)
    const before = this.#output.writtenBytes
    this.#output.flush()
    const written = this.#output.writtenBytes - before
    this.#server.turn.work.spend(copied(written))
    this.#server.metrics.bytesSent += written
  }

  drained(): void {
    this.#output.drained()
  }

  /** Discards what waits for a commit: it belongs to the Connection, and the Session sends it again. */
  discardHeld(): void {
    if (!this.isHolding) return
    this.#connection.keeps(-this.#held!.size)
    this.#held!.clear()
  }

  discard(): void {
    this.discardHeld()
    this.#output.discard()
  }
}

function patch(bytes: Uint8Array, at: number, firstByte: number, identifierOffset: number, identifier: number): void {
  bytes[at] = firstByte
  if (identifier === 0) return
  bytes[at + identifierOffset] = identifier >> 8
  bytes[at + identifierOffset + 1] = identifier & 0xff
}
