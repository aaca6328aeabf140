/**
 * The latest messages that did not reach the Client of a Session, and why: what an operator asks about when a message
 * is missing. Several in a row with one topic and one cause are one entry.
 *
 * Messages of QoS 0 for a Client that is away are counted in one entry of their own: there may be very many, and
 * nothing is wrong with any of them.
 *
 * @module
 */
import { sizeOfText, type MemoryAccount } from '../base/memory-account.ts'
import type { DropCause } from './drop-cause.ts'
import { DROP_BYTES } from './memory-sizes.ts'

const MAX_DROPS = 64
/** Characters of a topic that are kept. */
const MAX_TOPIC_LENGTH = 256

/** Messages that did not reach a Client. Times are in monotonic milliseconds. */
export interface Drop {
  readonly cause: DropCause
  /** Of the last one. */
  readonly topicName: string
  readonly count: number
  readonly firstAtMs: number
  readonly lastAtMs: number
}

type Entry = { -readonly [Key in keyof Drop]: Drop[Key] }

export class DropLog {
  /** The account that is charged. */
  readonly #memory: MemoryAccount
  /** A ring: the oldest is at `#next` once it is full. */
  readonly #drops: Entry[] = []
  #next = 0
  #newest: Entry | undefined = undefined
  #whileAway: Entry | undefined = undefined
  /** The memory that it takes. */
  #bytes = 0

  constructor(memory: MemoryAccount) {
    this.#memory = memory
  }

  add(nowMs: number, topicName: string, cause: DropCause): void {
    const newest = cause === 'not connected' ? this.#whileAway : this.#newest
    if (newest !== undefined && (cause === 'not connected' || isSame(newest, topicName, cause))) {
      newest.count++
      newest.lastAtMs = nowMs
      if (newest.topicName !== topicName) this.#rename(newest, topicName)
      return
    }
    const entry = { cause, topicName: keptTopic(topicName), count: 1, firstAtMs: nowMs, lastAtMs: nowMs }
    this.#charge(DROP_BYTES + sizeOfText(entry.topicName))
    if (cause === 'not connected') this.#whileAway = entry
    else this.#push(entry)
  }

  #rename(entry: Entry, topicName: string): void {
    this.#charge(-sizeOfText(entry.topicName))
    entry.topicName = keptTopic(topicName)
    this.#charge(sizeOfText(entry.topicName))
  }

  #push(entry: Entry): void {
    this.#newest = entry
    const old = this.#drops[this.#next]
    if (old !== undefined) this.#charge(-DROP_BYTES - sizeOfText(old.topicName))
    this.#drops[this.#next] = entry
    this.#next = (this.#next + 1) % MAX_DROPS
  }

  #charge(bytes: number): void {
    this.#bytes += bytes
    this.#memory.add(bytes)
  }

  /** The newest first; what came while its Client was away comes last. */
  *all(): Generator<Drop, void, undefined> {
    const { length } = this.#drops
    for (let step = 1; step <= length; step++) yield this.#drops[(this.#next - step + MAX_DROPS) % MAX_DROPS]!
    if (this.#whileAway !== undefined) yield this.#whileAway
  }

  /** When the oldest entry that is kept was made, if older ones were given up; `undefined` if none was. */
  get lostBeforeMs(): number | undefined {
    return this.#drops.length < MAX_DROPS ? undefined : this.#drops[this.#next]!.firstAtMs
  }

  /** Returns what it was charged; nothing may be added afterwards. */
  release(): void {
    this.#memory.add(-this.#bytes)
    this.#bytes = 0
  }
}

function isSame({ topicName: known, cause: reason }: Entry, topicName: string, cause: DropCause): boolean {
  return reason === cause && known === topicName
}

/** Shortens a topic that is very long; the copy does not keep the whole of it in memory. */
function keptTopic(topicName: string): string {
  return topicName.length <= MAX_TOPIC_LENGTH ? topicName : Buffer.from(topicName.slice(0, MAX_TOPIC_LENGTH)).toString()
}
