/**
 * An Application Message on its way through the Server, and its encoded forms.
 *
 * Encode once: a PUBLISH is the same for all receivers of one layout (version, with or without Packet Identifier),
 * except for the flags in the first byte and the Packet Identifier, which are patched into each receiver's copy. Often
 * the received bytes can be used as they are.
 *
 *   received bytes ──> frame (5.0, QoS 0) ──copied into──> output of receiver 1, 2, 3 …
 *                      frame (3.1.1, QoS > 0) ──copied and patched──> …
 *
 * Properties stay the bytes that were received: they lie before the payload and move with it, or in memory of their
 * own. They are decoded only for those that ask for an object: listeners of the host program, and the Store.
 *
 * At first the payload lies in the received chunk, which is valid only while that chunk is processed. To keep the
 * message longer, call `keep` (until it is acknowledged: into the arena) or `own` (for as long as necessary: into
 * memory of its own), so that a small message does not pin a 64 KiB chunk.
 *
 * A small message that is to stay for very long can be packed (`packed-bytes.ts`).
 *
 * The payload of a message that somebody holds never leaves RAM. A stored delivery in a queue can wait for the Store,
 * and nothing else can: it lets go of the message and makes another when its turn comes (`stored`). The payload is gone
 * as soon as nobody else holds the message. A message whose payload is not in RAM cannot be sent.
 *
 * @module
 */
import { copyBytes } from '../base/bytes.ts'
import { invariant } from '../base/errors.ts'
import { sizeOfText } from '../base/memory-account.ts'
import { makePublishFrame } from '../codec/publish-frame.ts'
import type { ProtocolVersion, QoS } from '../codec/packet-types.ts'
import { noPropertyList, propertyListOf, type PropertyList } from '../codec/property-list.ts'
import type { Properties } from '../codec/properties.ts'
import { Arena, LARGEST_GUEST_BYTES } from './arena.ts'
import { MESSAGE_BYTES } from './memory-sizes.ts'
import type { MessageParts } from './message-parts.ts'
import { Place } from './message-place.ts'
import { MOST_PACKED_BYTES, packBytes, unpackBytes, unpackShared } from './packed-bytes.ts'
import type { Message } from './message.ts'
import { isOfFive, layoutOf, OtherFrames, ownFrameOf, type FrameLayout, type MessageFrame } from './message-frames.ts'

const arena = new Arena()
const NOTHING = new Uint8Array(0)
/** The memory that holds the payload loaded last. */
let loaded: Uint8Array = NOTHING

export class ApplicationMessage implements Message {
  // What an acknowledgement reads lies together: thousands of messages are in flight, too many for the nearer caches.
  #place: Place = Place.Buffer
  /** Its place in the arena, as `Arena` numbers them. */
  #arenaPlace = 0
  /** Computed at the first use; 0 before. */
  #fullSize = 0
  /** How many accounts are charged with it (`base/memory-account.ts`). */
  holders = 0
  readonly topicName: string
  readonly qos: QoS
  /** The publisher's RETAIN. */
  readonly retain: boolean
  readonly publisher: string
  readonly receivedAtMs: number
  /** The number of the message in the Store; 0 while nothing stored refers to it. */
  messageNumber = 0
  /** User name of the publisher, if the message is retained; `undefined` for an anonymous one. */
  publisherUser: string | undefined = undefined
  /** Whether the Store has a record of it, or will get one with the next commit. */
  isRecorded = false
  #properties: PropertyList
  #bytes: Uint8Array
  #payloadStart: number
  #payloadEnd: number
  /** Made at the first use. For a packed message it is the string. */
  #payload: Buffer | string | undefined = undefined
  /** Where the frame in which it came begins, in the bytes of the payload, which is its end; -1 if there is none. */
  #frameStart = -1
  #packetIdentifierAt = 0
  #frameLayout = -1
  /** Made at the first use. */
  #others: OtherFrames | undefined = undefined
  /** Whole seconds by which the Message Expiry Interval in the 5.0 frames has been reduced. */
  #framesAgeSeconds = 0

  /** Hot: runs for every message received, so the parts are plain parameters. All other code calls `of`. */
  constructor(
    topicName: string,
    qos: QoS,
    retain: boolean,
    properties: PropertyList,
    publisher: string,
    receivedAtMs: number,
    bytes: Uint8Array,
    payloadStart: number,
    payloadEnd: number,
  ) {
    this.topicName = topicName
    this.qos = qos
    this.retain = retain
    this.#properties = properties
    this.publisher = publisher
    this.receivedAtMs = receivedAtMs
    this.#bytes = bytes
    this.#payloadStart = payloadStart
    this.#payloadEnd = payloadEnd
  }

  /** Makes a message from its parts. The payload is not copied: pass a copy if it may change. */
  static of(parts: MessageParts): ApplicationMessage {
    const { topicName, payload, qos, retain, publisher, receivedAtMs } = parts
    const list = propertyListOf(parts.properties)
    const end = payload.length
    return new ApplicationMessage(topicName, qos, retain, list, publisher, receivedAtMs, payload, 0, end)
  }

  /** When it expires, in monotonic milliseconds; Infinity if it never does (§3.3.2.3.3). */
  get expiresAtMs(): number {
    if (this.#properties === noPropertyList) return Infinity
    const interval = this.#properties.messageExpiryInterval
    return interval === undefined ? Infinity : this.receivedAtMs + interval * 1000
  }

  /** The Topic Name, by the short name that host programs use. */
  get topic(): string {
    return this.topicName
  }

  /** The properties that the publisher sent, as an object; each call makes a new one. */
  get properties(): Properties {
    return this.#properties.decode()
  }

  /** The properties as bytes, which are valid as long as the message is held. */
  get propertyList(): PropertyList {
    return this.#properties
  }

  /** The properties in memory that does not include the payload, for a message whose payload leaves RAM. */
  ownProperties(): PropertyList {
    if (this.#properties.bytes === this.#bytes) this.#properties = this.#properties.copy()
    return this.#properties
  }

  /** Makes a message whose payload is only in the store; call `load` before it is sent. */
  static stored(
    parts: Omit<MessageParts, 'payload'>,
    messageNumber: number,
    payloadLength: number,
  ): ApplicationMessage {
    const { topicName, qos, retain, publisher, receivedAtMs } = parts
    const list = propertyListOf(parts.properties)
    const message = new ApplicationMessage(
      topicName,
      qos,
      retain,
      list,
      publisher,
      receivedAtMs,
      NOTHING,
      0,
      payloadLength,
    )
    message.messageNumber = messageNumber
    message.isRecorded = true
    message.#place = Place.Store
    return message
  }

  /** Whether the payload is in RAM. */
  get isLoaded(): boolean {
    return this.#place < Place.Store
  }

  /** Whether the Store has lost the payload, so that the message cannot be sent. */
  get isLost(): boolean {
    return this.#place === Place.Lost
  }

  /** Records that the Store has lost the payload. */
  lose(): void {
    if (this.#place === Place.Store) this.#place = Place.Lost
  }

  /**
   * Sets the payload of a message that `stored` made. One read returns many payloads, and none of them may pin the
   * memory of all.
   */
  load(payload: Uint8Array): void {
    if (this.#place !== Place.Store) return
    // One view for all payloads in the same memory, because a view is as large as many a payload.
    if (loaded.buffer !== payload.buffer) loaded = new Uint8Array(payload.buffer)
    this.#bytes = loaded
    this.#payloadStart = payload.byteOffset
    this.#payloadEnd = payload.byteOffset + payload.length
    this.#place = Place.Buffer
    this.keep()
  }

  /** @throws {InvariantError} if it is only in the store (`isLoaded`) */
  get payload(): Buffer {
    const payload = (this.#payload ??= this.#cutPayload())
    return typeof payload === 'string' ? unpackBytes(payload, this.#payloadStart) : payload
  }

  /** A Buffer, even if its bytes lie in memory that came as a plain Uint8Array, as after a restart. */
  #cutPayload(): Buffer {
    invariant(this.isLoaded, `the payload of message ${this.messageNumber} is only in the store`)
    const { buffer, byteOffset } = this.#bytes
    return Buffer.from(buffer, byteOffset + this.#payloadStart, this.payloadLength)
  }

  /** The payload as UTF-8. */
  text(): string {
    return this.payload.toString()
  }

  /** @throws {SyntaxError} if the payload is no JSON */
  json(): unknown {
    return JSON.parse(this.text())
  }

  /** Bytes of the payload. */
  get payloadLength(): number {
    return this.#payloadEnd - this.#payloadStart
  }

  /**
   * The memory that it takes: an estimate that counts against limits. A payload that is loaded is charged to the
   * account of the message's holder.
   *
   * Hot: read several times for each delivery at QoS 1 and 2.
   */
  get size(): number {
    return this.isLoaded ? this.fullSize : this.fullSize - this.payloadLength
  }

  /** The size including the payload, wherever that is. */
  get fullSize(): number {
    if (this.#fullSize === 0) this.#fullSize = MESSAGE_BYTES + this.namesSize + this.payloadLength
    return this.#fullSize
  }

  /** The part for the Topic Name and the properties, which stay in RAM even if the payload is only in the store. */
  get namesSize(): number {
    const topicSize = sizeOfText(this.topicName)
    return this.#properties === noPropertyList ? topicSize : topicSize + this.#properties.size
  }

  /** Marks its bytes as part of a received chunk, which is valid only until the Connection's `receive` returns. */
  liesInChunk(): void {
    this.#place = Place.Chunk
  }

  /** Offers the received packet, which ends with the payload, as the frame of its layout. Its DUP may differ. */
  adoptFrame(version: ProtocolVersion, start: number, packetIdentifierAt: number): void {
    this.#frameStart = start
    this.#packetIdentifierAt = packetIdentifierAt
    this.#frameLayout = layoutOf(version, packetIdentifierAt !== 0)
  }

  /** Makes the message safe to hold until it is acknowledged. */
  keep(): void {
    if (this.#place >= Place.Arena) return
    const size = this.#payloadEnd - this.#firstByte()
    if (size === 0 || size > LARGEST_GUEST_BYTES) {
      this.own()
      return
    }
    if (this.#fillsItsMemory(size)) return
    const at = arena.take(size, this)
    this.#arenaPlace = arena.place
    this.#moveTo(arena.block, at, Place.Arena)
  }

  /** Makes the message safe to hold for long. */
  own(): void {
    if (this.#place >= Place.Own) return
    const size = this.#payloadEnd - this.#firstByte()
    if (this.#place === Place.Arena) arena.leave(this.#arenaPlace, this)
    if (!this.#fillsItsMemory(size)) this.#moveTo(Buffer.allocUnsafeSlow(size), 0, Place.Own)
  }

  /**
   * Makes a small message that owns its memory take as little of it as possible, because it is to stay for very long.
   * Its payload is then made anew whenever it is read.
   */
  pack(): void {
    if (this.#place !== Place.Own || this.#properties !== noPropertyList) return
    const start = this.#firstByte()
    if (this.#payloadEnd - start > MOST_PACKED_BYTES) return
    this.#payload = packBytes(this.#bytes, start, this.#payloadEnd)
    this.#bytes = NOTHING
    this.#shift(0 - start) // `-start` may be -0, which is no small integer: each message would take 48 bytes more
    this.#place = Place.Packed
  }

  /** Called when nobody holds it any longer. */
  released(): void {
    if (this.#place === Place.Arena) arena.leave(this.#arenaPlace, this)
  }

  /** True if a copy would save little, because the message is most of what its memory holds. */
  #fillsItsMemory(size: number): boolean {
    if (this.#place === Place.Chunk || size * 2 <= this.#bytes.buffer.byteLength) return false
    this.#place = Place.Own
    return true
  }

  /** The first byte that belongs to it: of its received frame, or else of its properties, or else of its payload. */
  #firstByte(): number {
    if (this.#frameStart >= 0) return this.#frameStart
    return this.#properties.bytes === this.#bytes ? this.#properties.start : this.#payloadStart
  }

  #moveTo(target: Buffer, at: number, place: Place): void {
    const start = this.#firstByte()
    const shift = at - start
    copyBytes(target, at, this.#bytes, start, this.#payloadEnd)
    if (this.#properties.bytes === this.#bytes) this.#properties.moved(target, this.#properties.start + shift)
    this.#bytes = target
    this.#shift(shift)
    this.#payload = undefined
    this.#place = place
  }

  #shift(by: number): void {
    if (this.#frameStart >= 0) {
      this.#frameStart += by
      if (this.#packetIdentifierAt !== 0) this.#packetIdentifierAt += by
    }
    this.#payloadStart += by
    this.#payloadEnd += by
  }

  /** Whether it may no longer be delivered [5.0 MQTT-3.3.2-5]. */
  isExpired(nowMs: number): boolean {
    return nowMs >= this.expiresAtMs
  }

  /**
   * The Message Expiry Interval to send: seconds, reduced by the whole seconds spent here [5.0 MQTT-3.3.2-6].
   *
   * @returns `undefined` if the message has none
   */
  expiryIntervalAt(nowMs: number): number | undefined {
    const interval = this.#properties.messageExpiryInterval
    if (interval === undefined) return undefined
    // It is negative if a clock was set back; a receiver never gets more than the publisher gave.
    const age = Math.max(0, Math.floor((nowMs - this.receivedAtMs) / 1000))
    return Math.max(0, interval - age)
  }

  /**
   * The encoded PUBLISH for receivers of that layout, valid until another one is requested.
   *
   * Hot: runs for every delivery; the first one makes the frame.
   */
  frame(version: ProtocolVersion, withPacketIdentifier: boolean, nowMs: number): MessageFrame {
    const layout = layoutOf(version, withPacketIdentifier)
    if (isOfFive(layout) && this.expiresAtMs !== Infinity) this.#age(nowMs)
    if (layout === this.#frameLayout) return this.#ownFrame()
    return this.#others?.get(layout) ?? this.#makeOther(layout, version, withPacketIdentifier, nowMs)
  }

  #ownFrame(): MessageFrame {
    const bytes = this.#place === Place.Packed ? unpackShared(this.#payload as string) : this.#bytes
    return ownFrameOf(bytes, this.#frameStart, this.#payloadEnd, this.#packetIdentifierAt)
  }

  #makeOther(
    layout: FrameLayout,
    version: ProtocolVersion,
    withPacketIdentifier: boolean,
    nowMs: number,
  ): MessageFrame {
    const frame = this.#makeFrame(version, withPacketIdentifier, nowMs)
    this.#others ??= new OtherFrames()
    return this.#others.add(layout, frame)
  }

  /** Discards 5.0 frames whose Message Expiry Interval is out of date. */
  #age(nowMs: number): void {
    const seconds = Math.floor((nowMs - this.receivedAtMs) / 1000)
    if (seconds === this.#framesAgeSeconds) return
    this.#framesAgeSeconds = seconds
    if (isOfFive(this.#frameLayout)) this.#frameLayout = -1
    this.#others?.forgetFive()
  }

  #makeFrame(version: ProtocolVersion, withPacketIdentifier: boolean, nowMs: number): MessageFrame {
    const fields = {
      topicName: this.topicName,
      qos: withPacketIdentifier ? 1 : 0,
      retain: false,
      properties: this.#properties,
      messageExpiryInterval: this.expiryIntervalAt(nowMs),
    } as const
    const { bytes, packetIdentifierAt } = makePublishFrame(fields, this.payload, version)
    return { bytes, start: 0, end: bytes.length, packetIdentifierAt }
  }
}
