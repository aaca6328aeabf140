/**
 * An Application Message on its way through the Server, and its encoded forms.
 *
 * Encode once: a PUBLISH looks the same to every receiver of one layout (version, with or without Packet Identifier), save
 * for the first byte's flags and the two bytes of the Packet Identifier, which each receiver's copy gets patched in. Often
 * the received bytes serve as they are.
 *
 *   received bytes ──> frame (5.0, QoS 0) ──copied into──> output of receiver 1, 2, 3 …
 *                      frame (3.1.1, QoS > 0) ──copied and patched──> …
 *
 * The payload is at first a view on the received chunk, which is good for this turn; whoever keeps a message longer calls
 * `keep`, which copies it out, so that a small message does not pin a 64 KiB chunk.
 *
 * @module
 */
import { makePublishFrame } from '../codec/publish-frame.ts'
import type { ProtocolVersion, QoS } from '../codec/packets.ts'
import { noProperties, type Properties } from '../codec/properties.ts'

/** An encoded PUBLISH with RETAIN 0 and DUP 0. */
export interface PublishFrame {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  /** Index of the Packet Identifier in `bytes`; 0 in a QoS 0 frame. */
  readonly packetIdentifierAt: number
}

/** What a message is made of. */
export interface MessageParts {
  readonly topicName: string
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  /** Only those that travel on: Payload Format Indicator, Message Expiry Interval, Content Type, Response Topic, Correlation Data, User Property. */
  readonly properties?: Properties
  /** Client Identifier; empty for the host program. */
  readonly publisher: string
  /** Monotonic milliseconds. */
  readonly receivedAtMs: number
}

/** Which of the four layouts a frame has. */
function layoutOf(version: ProtocolVersion, withPacketIdentifier: boolean): number {
  return (version === 5 ? 2 : 0) + (withPacketIdentifier ? 1 : 0)
}

export class ApplicationMessage {
  readonly topicName: string
  readonly qos: QoS
  /** The publisher's RETAIN. */
  readonly retain: boolean
  readonly properties: Properties
  readonly publisher: string
  readonly receivedAtMs: number
  /** Monotonic milliseconds from which on it is expired; Infinity if it never is (§3.3.2.3.3). */
  readonly expiresAtMs: number
  /** Name in the Store; 0 while nothing durable refers to it. */
  messageNumber = 0
  #payload: Uint8Array
  #kept = false
  #frames: (PublishFrame | undefined)[] = []
  /** Whole seconds that the 5.0 frames' Message Expiry Interval has been counted down by. */
  #framesAgeSeconds = 0

  constructor(parts: MessageParts) {
    this.topicName = parts.topicName
    this.#payload = parts.payload
    this.qos = parts.qos
    this.retain = parts.retain
    this.properties = parts.properties ?? noProperties
    this.publisher = parts.publisher
    this.receivedAtMs = parts.receivedAtMs
    const interval = this.properties.messageExpiryInterval
    this.expiresAtMs = interval === undefined ? Infinity : parts.receivedAtMs + interval * 1000
  }

  /** The Topic Name, under the short name that host programs like. */
  get topic(): string {
    return this.topicName
  }

  get payload(): Uint8Array {
    return this.#payload
  }

  /** Bytes that count against limits. */
  get size(): number {
    return this.topicName.length + this.#payload.length
  }

  /** Offers received bytes as the frame of their own layout. Their DUP and RETAIN bits do not matter. */
  adoptFrame(version: ProtocolVersion, frame: PublishFrame): void {
    this.#frames[layoutOf(version, frame.packetIdentifierAt !== 0)] = frame
  }

  /** Makes the message safe to hold beyond this turn. */
  keep(): void {
    if (this.#kept) return
    this.#kept = true
    const payload = this.#payload
    if (payload.length * 2 > payload.buffer.byteLength) return
    // One copy serves both: a frame that was adopted is copied whole, and the payload becomes its tail.
    for (let layout = 0; layout < 4; layout++) {
      const frame = this.#frames[layout]
      if (frame === undefined || frame.bytes.buffer !== payload.buffer) continue
      const length = frame.end - frame.start
      const bytes = Buffer.allocUnsafe(length)
      bytes.set(frame.bytes.subarray(frame.start, frame.end))
      const at = frame.packetIdentifierAt
      this.#frames[layout] = { bytes, start: 0, end: length, packetIdentifierAt: at === 0 ? 0 : at - frame.start }
      this.#payload = bytes.subarray(length - payload.length)
      return
    }
    const copy = Buffer.allocUnsafe(payload.length)
    copy.set(payload)
    this.#payload = copy
  }

  /** Whether it may no longer be delivered [5.0 MQTT-3.3.2-5]. */
  isExpired(nowMs: number): boolean {
    return nowMs >= this.expiresAtMs
  }

  /**
   * The properties that travel on, Message Expiry Interval counted down by the whole seconds spent here
   * [5.0 MQTT-3.3.2-6].
   */
  propertiesAt(nowMs: number): Properties {
    const interval = this.properties.messageExpiryInterval
    const age = interval === undefined ? 0 : Math.floor((nowMs - this.receivedAtMs) / 1000)
    if (age === 0) return this.properties
    return { ...this.properties, messageExpiryInterval: Math.max(0, interval! - age) }
  }

  /**
   * The encoded PUBLISH for receivers of that layout.
   *
   * Hot: runs for every delivery; makes the frame at the first.
   */
  frame(version: ProtocolVersion, withPacketIdentifier: boolean, nowMs: number): PublishFrame {
    const layout = layoutOf(version, withPacketIdentifier)
    if (layout >= 2 && this.expiresAtMs !== Infinity) this.#age(nowMs)
    return (this.#frames[layout] ??= this.#makeFrame(version, withPacketIdentifier, nowMs))
  }

  /** Forgets 5.0 frames whose Message Expiry Interval is out of date. */
  #age(nowMs: number): void {
    const seconds = Math.floor((nowMs - this.receivedAtMs) / 1000)
    if (seconds === this.#framesAgeSeconds) return
    this.#framesAgeSeconds = seconds
    this.#frames[2] = undefined
    this.#frames[3] = undefined
  }

  #makeFrame(version: ProtocolVersion, withPacketIdentifier: boolean, nowMs: number): PublishFrame {
    const properties = version === 5 ? this.propertiesAt(nowMs) : noProperties
    const fields = { topicName: this.topicName, qos: withPacketIdentifier ? 1 : 0, retain: false, properties } as const
    const { bytes, packetIdentifierAt } = makePublishFrame(fields, this.#payload, version)
    return { bytes, start: 0, end: bytes.length, packetIdentifierAt }
  }
}
