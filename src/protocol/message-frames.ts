/**
 * The encoded forms of one message: what a frame is, which layouts there are, and the frames of a message in layouts
 * other than the one in which it came. Most messages are delivered as they came and have no other frames.
 *
 * @module
 */
import type { ProtocolVersion } from '../codec/packet-types.ts'
import { LARGEST_GUEST_BYTES } from './arena.ts'
import { RecentFrames, type FrameHolder } from './recent-frames.ts'

/** An encoded PUBLISH with RETAIN 0 and DUP 0. */
export interface MessageFrame {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  /** Index of the Packet Identifier in `bytes`; 0 in a QoS 0 frame. */
  readonly packetIdentifierAt: number
}

/** The layouts of a frame, by version and by whether it has a Packet Identifier; those of 5.0 come last. */
export const FrameLayout = { Old: 0, OldIdentified: 1, Five: 2, FiveIdentified: 3 } as const
export type FrameLayout = (typeof FrameLayout)[keyof typeof FrameLayout]

export function layoutOf(version: ProtocolVersion, withPacketIdentifier: boolean): FrameLayout {
  return ((version === 5 ? 2 : 0) + (withPacketIdentifier ? 1 : 0)) as FrameLayout
}

/** Whether frames of that layout are for 5.0, whose Message Expiry Interval is counted down. */
export function isOfFive(layout: number): boolean {
  return layout >= FrameLayout.Five
}

/**
 * Shared by all small messages that leave in the frame in which they came; every call of `ownFrameOf` overwrites it.
 */
const ownFrame: { -readonly [Key in keyof MessageFrame]: MessageFrame[Key] } = {
  bytes: new Uint8Array(0),
  start: 0,
  end: 0,
  packetIdentifierAt: 0,
}

/** The frame in which a message came, valid until another one is requested. Hot: runs for every delivery. */
export function ownFrameOf(bytes: Uint8Array, start: number, end: number, packetIdentifierAt: number): MessageFrame {
  // The shared frame would keep a large message in memory until another message uses it.
  if (end - start > LARGEST_GUEST_BYTES) return { bytes, start, end, packetIdentifierAt }
  // The collector notes each store of a young array in what is old: messages of one chunk or block share theirs.
  if (ownFrame.bytes !== bytes) ownFrame.bytes = bytes
  ownFrame.start = start
  ownFrame.end = end
  ownFrame.packetIdentifierAt = packetIdentifierAt
  return ownFrame
}

const recentFrames = new RecentFrames()

export class OtherFrames implements FrameHolder {
  #old: MessageFrame | undefined = undefined
  #oldIdentified: MessageFrame | undefined = undefined
  #five: MessageFrame | undefined = undefined
  #fiveIdentified: MessageFrame | undefined = undefined
  /** Bytes that are charged for the frames, until they are forgotten. */
  #bytes = 0

  /** Hot: runs for every delivery in another layout; four fields take less than a list of four. */
  get(layout: FrameLayout): MessageFrame | undefined {
    if (layout === FrameLayout.Old) return this.#old
    if (layout === FrameLayout.OldIdentified) return this.#oldIdentified
    return layout === FrameLayout.Five ? this.#five : this.#fiveIdentified
  }

  add(layout: FrameLayout, frame: MessageFrame): MessageFrame {
    if (layout === FrameLayout.Old) this.#old = frame
    else if (layout === FrameLayout.OldIdentified) this.#oldIdentified = frame
    else if (layout === FrameLayout.Five) this.#five = frame
    else this.#fiveIdentified = frame
    const isFirst = this.#bytes === 0
    this.#bytes += frame.end
    recentFrames.made(this, frame.end, isFirst)
    return frame
  }

  /** Forgets the 5.0 frames, whose Message Expiry Interval is out of date. */
  forgetFive(): void {
    this.#five = undefined
    this.#fiveIdentified = undefined
  }

  /** Forgets the frames, which can be made again. @returns how many bytes were charged for them */
  forgetFrames(): number {
    const bytes = this.#bytes
    this.#old = undefined
    this.#oldIdentified = undefined
    this.forgetFive()
    this.#bytes = 0
    return bytes
  }
}
