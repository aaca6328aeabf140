/** The Clients of a crash test: publishers at full speed, durable subscribers that come and go. @module */
import type { SeededRandom } from '../../src/testing/random.ts'
import { Book, type Stream } from './book.ts'
import { CrashClient } from './client.ts'
import type { Dial } from './byte-stream.ts'
import { RetainedReader } from './reader.ts'

const PUBLISHERS = 4
const SUBSCRIBERS = 5
const STREAMS = [
  { name: 'one', qos: 1, retain: false },
  { name: 'two', qos: 2, retain: false },
  { name: 'state-one', qos: 1, retain: true },
  { name: 'state-two', qos: 2, retain: true },
] as const

export class Crew {
  readonly book: Book
  readonly #random: SeededRandom
  readonly #publishers: { readonly client: CrashClient; readonly streams: readonly Stream[] }[] = []
  readonly #subscribers: CrashClient[] = []
  readonly #maxMissing: number
  readonly #root: string
  #reader: { readonly client: RetainedReader; readonly least: ReadonlyMap<Stream, number> } | undefined

  /**
   * @param maxMissing deliveries owed beyond which publishers wait, so that subscribers can follow
   * @param root the first level of its topics
   */
  constructor(random: SeededRandom, maxMissing: number, root = 'crash') {
    this.#random = random
    this.#root = root
    this.#maxMissing = maxMissing
    const subscribers = Array.from({ length: SUBSCRIBERS }, (_, at) => `${root}-subscriber-${at}`)
    this.book = new Book(subscribers)
    for (const clientId of subscribers) {
      this.#subscribers.push(new CrashClient(clientId, this.#version(), this.book).wants(`${root}/#`))
    }
    for (let at = 0; at < PUBLISHERS; at++) {
      const client = new CrashClient(`${root}-publisher-${at}`, this.#version(), this.book)
      const streams = STREAMS.map(({ name, qos, retain }) => this.book.stream(`${root}/${at}/${name}`, qos, retain))
      this.#publishers.push({ client, streams })
    }
  }

  #version(): 4 | 5 {
    return this.#random.pick([4, 5])
  }

  /**
   * Some come, some go, and publishers publish what they may.
   *
   * @param elsewhere where subscribers connect, if that is another broker: what is retained there may be behind
   */
  step(dial: Dial, elsewhere?: Dial): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.isAway && this.#random.chance(0.1)) subscriber.connect(elsewhere ?? dial)
      else if (!subscriber.isAway && this.#random.chance(0.02)) subscriber.leave()
    }
    for (const { client, streams } of this.#publishers) {
      if (client.isAway) client.connect(dial)
      else if (this.#random.chance(0.005)) client.leave()
      else this.#publish(client, streams)
    }
    if (elsewhere === undefined) this.#read(dial)
  }

  #publish(client: CrashClient, streams: readonly Stream[]): void {
    // What was published before a subscriber subscribed is not its to get.
    if (!this.#subscribers.every(({ isSubscribed }) => isSubscribed) || this.book.missing() > this.#maxMissing) return
    for (let count = this.#random.between(0, client.room); count > 0; count--)
      client.publish(this.#random.pick(streams))
  }

  /** Everybody comes back and stays; nothing new is published. @returns whether all is settled */
  finish(dial: Dial, elsewhere?: Dial): boolean {
    for (const client of this.#subscribers) if (client.isAway) client.connect(elsewhere ?? dial)
    for (const { client } of this.#publishers) if (client.isAway) client.connect(dial)
    if (this.book.open() > 0 || this.book.missing() > 0) return false
    if (elsewhere === undefined) this.#read(dial)
    return this.#reader === undefined
  }

  #clients(): CrashClient[] {
    return [...this.#subscribers, ...this.#publishers.map(({ client }) => client)]
  }

  /** Reads the retained messages and compares them with what was acknowledged before. */
  #read(dial: Dial): void {
    if (this.#reader === undefined) {
      const least = [...this.book.streams.values()].filter(({ retain, acknowledged }) => retain && acknowledged > 0)
      this.#reader = {
        client: new RetainedReader(dial, `${this.#root}/#`),
        least: new Map(least.map((stream) => [stream, stream.acknowledged])),
      }
      return
    }
    const { client, least } = this.#reader
    if ([...least.keys()].some(({ topicName }) => !client.found.has(topicName))) return
    for (const [stream, number] of least) this.book.retained(stream, client.found.get(stream.topicName)!, number)
    client.leave()
    this.#reader = undefined
  }

  /** The Server is gone. */
  leave(): void {
    for (const client of this.#clients()) client.leave()
    this.#reader?.client.leave()
    this.#reader = undefined
  }
}
