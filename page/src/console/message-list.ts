/** The messages of the console: the latest ones, bounded by number and by size. @module */
import type { PublishPacket } from './packets.ts'

/** Bytes of all payloads; the oldest messages make room. */
export const MOST_BYTES = 32 * 1024 * 1024

export interface ConsoleMessage extends PublishPacket {
  /** Counted from 1 as they come, since the list was cleared. */
  readonly number: number
  readonly atMs: number
}

export class MessageList {
  /** All that were received since the list was cleared, including those that are no longer here. */
  received = 0
  #limit: number
  readonly #mostBytes: number
  /** The oldest first. */
  #messages: ConsoleMessage[] = []
  #bytes = 0

  constructor(limit: number, mostBytes = MOST_BYTES) {
    this.#limit = limit
    this.#mostBytes = mostBytes
  }

  set limit(limit: number) {
    this.#limit = limit
    this.#makeRoom(0)
  }

  add(message: PublishPacket, atMs: number): void {
    this.received++
    this.#messages.push({ ...message, number: this.received, atMs })
    this.#bytes += sizeOf(message)
    // A flood is cut in larger steps, each of which copies the list.
    this.#makeRoom(Math.ceil(this.#limit / 4))
  }

  /** Removes what is beyond the limits, once there are that many more. */
  #makeRoom(slack: number): void {
    let first = this.#messages.length > this.#limit + slack ? this.#messages.length - this.#limit : 0
    let bytes = this.#bytes
    for (let at = 0; at < first; at++) bytes -= sizeOf(this.#messages[at]!)
    for (; bytes > this.#mostBytes && first < this.#messages.length; first++) bytes -= sizeOf(this.#messages[first]!)
    if (first === 0) return
    this.#messages = this.#messages.slice(first)
    this.#bytes = bytes
  }

  /** The newest first. */
  get newest(): readonly ConsoleMessage[] {
    return this.#messages.slice(-this.#limit).toReversed()
  }

  clear(): void {
    this.#messages = []
    this.#bytes = 0
    this.received = 0
  }
}

/** What it takes in memory, roughly: an empty one takes some as well. */
function sizeOf({ payload, topicName }: PublishPacket): number {
  return payload.length + 2 * topicName.length + 500
}
