/**
 * What answers are made from: times, names and sentences.
 *
 * Text from clients and plugins enters a sentence through `quoted` or `excerpt` only: short, on one line, without
 * tokens. What `Refusals` and `ClosedConnections` keep went through the same function before.
 *
 * @module
 */
import type { Broker } from '../../broker/broker.ts'
import { serverOf } from '../../broker/broker.ts'
import type { WhyFact } from '../../broker/host/why-view.ts'
import type { Server } from '../../broker/server.ts'
import { safeExcerpt } from '../../base/printable.ts'

/** How far from the time that was asked about a fact may be. */
const NEAR_MS = 60_000

/** What whoever asks may see besides what any viewer does. */
export interface Sight {
  /** The beginning of payloads, if it is recorded. */
  readonly payloads: boolean
  /** Rules of plugins, as `explain` names them. */
  readonly rules: boolean
}

/** A question while it is being answered. */
export class Inquiry {
  readonly broker: Broker
  readonly server: Server
  /** Difference between the wall clock and the monotonic one. */
  readonly #wallOffsetMs: number
  readonly #at: number | undefined
  /** What whoever asks may see. */
  readonly sight: Sight

  constructor(broker: Broker, at?: number, sight: Sight = { payloads: false, rules: false }) {
    this.sight = sight
    this.broker = broker
    this.server = serverOf(broker)
    const { clock } = this.server
    this.#wallOffsetMs = clock.wallNow() - clock.now()
    this.#at = at
  }

  get isAboutATime(): boolean {
    return this.#at !== undefined
  }

  /** @param atMs monotonic */
  wall(atMs: number): number {
    return Math.round(atMs + this.#wallOffsetMs)
  }

  /** @param atMs as entries of the recorder have it */
  wallOfEntry(atMs: number): number {
    return this.wall(atMs + this.server.recorder.startedAtMs)
  }

  /** Whether a fact that holds from one time to the other, in milliseconds since 1970, may be what was asked about. */
  isNear(fromMs: number, toMs = fromMs): boolean {
    return this.#at === undefined || (fromMs <= this.#at + NEAR_MS && toMs >= this.#at - NEAR_MS)
  }

  /** Gives other owners their turn if this one has had its share. */
  async pause(units: number): Promise<void> {
    const { turn } = this.server
    if (turn.work.isSpent) await turn.share(this)
    turn.work.spend(units)
  }
}

export function recorded(cause: string, text: string, atMs: number): WhyFact {
  return { certainty: 'recorded', cause, text, atMs }
}

export function derived(cause: string, text: string): WhyFact {
  return { certainty: 'derived', cause, text, atMs: undefined }
}

/** @param beforeMs in milliseconds since 1970 */
export function unknown(cause: string, text: string, beforeMs: number): WhyFact {
  return { certainty: 'unknown', cause, text, atMs: beforeMs }
}

/** A reason that somebody else has written, in a sentence. */
export function excerpt(reason: string): string {
  return safeExcerpt(reason)
}

/**
 * A name that somebody else has given, in a sentence.
 *
 * @example
 * quoted('a"b\u001b') // '"a\\"b\\u001b"'
 */
export function quoted(name: string): string {
  return inQuotes(safeExcerpt(name))
}

/** The same for a text that was made safe when it was recorded. */
export function inQuotes(safe: string): string {
  // What is escaped already needs no second backslash.
  return JSON.stringify(safe).replaceAll(/\\\\(?=u[\da-f]{4})/g, '\\')
}

/** A client identifier in a sentence. */
export function nameOf(clientId: string): string {
  return clientId === '' ? 'the host program' : quoted(clientId)
}

/** A topic or filter in a sentence. */
export function topicText(topic: string): string {
  return quoted(topic)
}

export function timeText(ms: number): string {
  return new Date(ms).toISOString()
}

/** @example counted(2, 'message') // '2 messages' */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
