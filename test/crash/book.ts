/**
 * What was sent, acknowledged and received, and whether that is what was promised:
 *
 *   - a subscriber gets the messages of one publisher and topic in order and without a gap, so an acknowledged message
 *     that is lost shows as soon as the next one comes, or at the end;
 *   - at QoS 2 it gets each of them once; at QoS 1 one that it has had may come again;
 *   - a retained message is never older than the last one that was acknowledged.
 *
 * @module
 */
import type { QoS } from '../../src/codec/packet-types.ts'

/** One publisher's messages on one topic. They are numbered from 1, and the payload is the number. */
export interface Stream {
  readonly topicName: string
  readonly qos: QoS
  readonly retain: boolean
  sent: number
  acknowledged: number
}

export class Book {
  readonly streams = new Map<string, Stream>()
  /** What went wrong, in words. */
  readonly faults: string[] = []
  /** By subscriber, then by topic: the last number received. */
  readonly #received = new Map<string, Map<string, number>>()
  acknowledged = 0
  deliveries = 0
  repeats = 0

  constructor(subscribers: readonly string[]) {
    for (const subscriber of subscribers) this.#received.set(subscriber, new Map())
  }

  stream(topicName: string, qos: QoS, retain: boolean): Stream {
    const stream: Stream = { topicName, qos, retain, sent: 0, acknowledged: 0 }
    this.streams.set(topicName, stream)
    return stream
  }

  fault(text: string): void {
    if (this.faults.length < 20) this.faults.push(text)
  }

  acknowledge(stream: Stream, number: number): void {
    if (number !== stream.acknowledged + 1) {
      this.fault(`${stream.topicName}: ${number} was acknowledged after ${stream.acknowledged}`)
    }
    stream.acknowledged = number
    this.acknowledged++
  }

  receive(subscriber: string, topicName: string, number: number): void {
    const last = this.#received.get(subscriber)!
    const before = last.get(topicName) ?? 0
    this.deliveries++
    if (number === before + 1) last.set(topicName, number)
    else if (number > before) this.fault(`${subscriber} got ${topicName} ${number} after ${before}: some are missing`)
    else if (this.streams.get(topicName)!.qos === 2) this.fault(`${subscriber} got ${topicName} ${number} twice`)
    else this.repeats++
  }

  /** A retained message was read; `least` was acknowledged before. */
  retained({ topicName, sent }: Stream, number: number, least: number): void {
    if (number < least || number > sent) {
      this.fault(`${topicName} retains ${number}; ${least} was acknowledged, ${sent} is the last one sent`)
    }
  }

  /** Messages that some subscriber still has to get. */
  missing(): number {
    let count = 0
    for (const subscriber of this.#received.keys()) count += this.missingTo(subscriber)
    return count
  }

  missingTo(subscriber: string): number {
    const last = this.#received.get(subscriber)!
    let count = 0
    for (const { topicName, sent } of this.streams.values()) count += sent - (last.get(topicName) ?? 0)
    return count
  }

  /** What is owed to whom, in words. */
  debts(): string {
    const owed = [...this.#received.keys()].map((subscriber) => `${this.missingTo(subscriber)} to ${subscriber}`)
    return `${this.open()} not acknowledged; not delivered: ${owed.join(', ')}`
  }

  /** Messages sent and not acknowledged. */
  open(): number {
    let count = 0
    for (const { sent, acknowledged } of this.streams.values()) count += sent - acknowledged
    return count
  }
}
