/**
 * `$SYS/broker/…`: the broker's own figures as retained messages, every `sys-interval` seconds.
 *
 * Each row of the table of figures names its topics. A value that did not change is not published again. Everything is
 * read from counters, so a round walks through nothing.
 *
 * @module
 */
import type { Clock, Timer } from '../base/clock.ts'
import { SYS_TOPIC_PREFIX } from '../reporting/figure.ts'
import { figureTable } from '../reporting/figure-table.ts'
import type { Figures } from '../reporting/figures.ts'
import type { Server } from './server.ts'
import type { Task } from '../turn/turn.ts'

/** Publishes the figures that changed since the last round. */
export class SysTopics implements Task {
  readonly #server: Server
  readonly #clock: Clock
  readonly #figures: Figures
  readonly #last = new Map<string, string>()
  /** What the present round has not published yet. */
  #left: Iterator<readonly [topic: string, text: string]> | undefined = undefined
  #timer: Timer | undefined

  constructor(server: Server, figures: Figures, clock: Clock) {
    this.#server = server
    this.#figures = figures
    this.#clock = clock
  }

  /** Publishes from now on, every so many seconds; never if it is 0. */
  start(intervalSeconds: number, version: string): void {
    this.stop()
    if (intervalSeconds === 0) return
    this.#publish('version', version)
    const round = (): void => {
      this.#beginRound()
      this.#timer = this.#clock.setTimer(intervalSeconds * 1000, round)
    }
    round()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#left = undefined
  }

  /**
   * Very many Clients may subscribe to all topics, so a round is spread over several turns. The next round is left out
   * while one is in progress.
   */
  #beginRound(): void {
    if (this.#left !== undefined) return
    this.#left = this.#texts()
    this.#server.turn.runTask(this, this)
  }

  resume(): boolean {
    const { work } = this.#server
    while (this.#left !== undefined) {
      if (work.isSpent) return false
      const next = this.#left.next()
      if (next.done === true) this.#left = undefined
      else this.#publish(...next.value)
    }
    return true
  }

  /** Topics below the prefix, with their present texts. */
  *#texts(): Generator<readonly [topic: string, text: string], void, undefined> {
    yield ['time', new Date(this.#clock.wallNow()).toISOString()]
    const readings = this.#figures.beginRound()
    for (const { read, topics } of figureTable) {
      const value = topics.length === 0 ? undefined : read(readings)
      if (value === undefined) continue
      for (const { topic, text } of topics) yield [topic, text(value)]
    }
  }

  #publish(topic: string, text: string): void {
    if (this.#last.get(topic) === text) return
    this.#last.set(topic, text)
    this.#server.publishing.publishText(SYS_TOPIC_PREFIX + topic, text)
  }
}
