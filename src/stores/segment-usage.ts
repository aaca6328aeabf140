/**
 * Tracks how much of each segment is still live, which decides when it is removed or its rest copied forward.
 *
 * Hot: two calls for each stored message, nearly all about the newest segment, which is cached.
 *
 * @module
 */
import { payloadSpan } from './frame.ts'

/** A live message's share of its segment in addition to the payload: its metadata, roughly. */
const metadataBytes = 48

export interface Usage {
  liveBytes: number
  liveMessages: number
}

export class SegmentUsage {
  #usages = new Map<number, Usage>()
  #recent: Usage = { liveBytes: 0, liveMessages: 0 }
  #recentSegment = 0
  /** Of all segments together. */
  readonly total: Usage = { liveBytes: 0, liveMessages: 0 }

  of(segment: number): Usage {
    if (segment === this.#recentSegment) return this.#recent
    let usage = this.#usages.get(segment)
    if (usage === undefined) {
      usage = { liveBytes: 0, liveMessages: 0 }
      this.#usages.set(segment, usage)
    }
    this.#recent = usage
    this.#recentSegment = segment
    return usage
  }

  /** Segments with live messages. */
  get living(): number[] {
    return [...this.#usages].filter(([, { liveMessages }]) => liveMessages > 0).map(([segment]) => segment)
  }

  add(segment: number, payloadLength: number): void {
    this.#change(segment, payloadSpan(payloadLength) + metadataBytes, 1)
  }

  subtract(segment: number, payloadLength: number): void {
    this.#change(segment, -payloadSpan(payloadLength) - metadataBytes, -1)
  }

  forget(segment: number): void {
    this.#usages.delete(segment)
    if (segment === this.#recentSegment) this.#recentSegment = 0
  }

  #change(segment: number, bytes: number, messages: number): void {
    const usage = this.of(segment)
    usage.liveBytes += bytes
    usage.liveMessages += messages
    this.total.liveBytes += bytes
    this.total.liveMessages += messages
  }
}
