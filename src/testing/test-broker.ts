/**
 * A Broker for tests: in memory, in virtual time, with Network Connections that break on demand. No port, no sleep.
 *
 *   const broker = await createTestBroker()
 *   const client = new mqtt.Client(() => broker.open(), { keepalive: 60, reconnectPeriod: 0 })
 *   …
 *   await broker.advance(90_000)      // a minute and a half later
 *
 * The broker's clock moves only by `advance`; the client under test runs in the event loop as usual. Everything that
 * needs no time happens by itself, and `settle` waits until nothing moves any more.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { realClock } from '../turn/clock.ts'
import type { ConfigInput } from '../config/options.ts'
import { Broker } from '../create-broker.ts'
import type { Peer } from '../protocol/transport.ts'
import { TestStream } from './test-stream.ts'
import { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts'

/** Rounds of the event loop without a moved byte or an ended turn after which everything is settled. */
const QUIET_ROUNDS = 10

/** The options of `createTestBroker`. */
export interface TestBrokerOptions extends VirtualClockOptions {
  /** Anything with pino's methods; default: nothing is logged. */
  readonly logger?: Logger
}

/** Virtual time, but turns of the real event loop, so that a test need not end them. */
class TestClock extends VirtualClock {
  turns = 0

  override atEndOfTurn(run: () => void): void {
    realClock.atEndOfTurn(() => {
      this.turns++
      run()
    })
  }
}

/** A Broker in memory and in virtual time, with all methods of `Broker`. */
export class TestBroker extends Broker {
  /** The broker's clock: `clock.now()` and `clock.wallNow()` return its time. */
  readonly clock: Clock
  readonly #clock: TestClock
  readonly #streams = new Set<TestStream>()

  constructor(config: ConfigInput, { logger, ...options }: TestBrokerOptions) {
    const clock = new TestClock(options)
    super({ listeners: {}, 'sys-interval': 0, ...config }, { clock, ...(logger && { logger }) })
    this.clock = clock
    this.#clock = clock
  }

  /**
   * Opens a Network Connection and returns the Client's end: a Duplex byte stream, with faults on demand.
   *
   * @param peer what the broker learns about the other side, such as its `address`
   *
   * @example
   * const broker = await createTestBroker()
   * const stream = broker.open({ address: '192.0.2.7' })
   * stream.resume().write(Uint8Array.of(0xc0, 0x00)) // true: a PINGREQ, but the first packet has to be CONNECT
   * await broker.settle()
   * stream.destroyed // true
   * await broker.close()
   */
  open(peer: Partial<Peer> = {}): TestStream {
    const stream = new TestStream(this.#clock)
    this.#streams.add(stream)
    stream.once('close', () => this.#streams.delete(stream))
    stream.link.start(this.accept(stream.link, { listener: 'attached', address: '', encrypted: false, ...peer }))
    return stream
  }

  /**
   * Advances the broker's time: Keep Alive, expiry, Will Delay and every other deadline fires in order, and its
   * consequences are processed before the next one.
   */
  async advance(milliseconds: number): Promise<void> {
    const until = this.#clock.now() + milliseconds
    await this.settle()
    while (this.#clock.step(until)) await this.settle()
  }

  /** Waits until nothing moves any more: everything that was sent has been processed and answered. */
  async settle(): Promise<void> {
    let before = -1
    for (let quiet = 0; quiet < QUIET_ROUNDS; quiet++) {
      const moved = this.#moved()
      if (moved !== before) quiet = 0
      before = moved
      await new Promise<void>((resolve) => realClock.atEndOfTurn(resolve))
    }
  }

  #moved(): number {
    let moved = this.#clock.turns
    for (const { link } of this.#streams) moved += link.movedBytes
    return moved
  }

  /** Closes the broker; time advances as far as that requires. */
  override async close(options: { timeoutMs?: number } = {}): Promise<void> {
    let isClosed = false
    const closed = super.close(options).finally(() => (isClosed = true))
    await this.settle()
    while (!isClosed && this.#clock.nextTimerAtMs < Infinity) {
      this.#clock.step(this.#clock.nextTimerAtMs)
      await this.settle()
    }
    await closed
  }
}

/**
 * Creates and starts a Broker for a test: no listener opens unless the configuration contains one, clients connect by
 * `open`, and time stands still until `advance`.
 *
 * @param config as for `createBroker`
 * @throws {ConfigError} with all problems of the configuration
 *
 * @example
 * const broker = await createTestBroker({ 'max-retained-messages': 10 })
 * await broker.publish('lamp', 'on', { retain: true, properties: { messageExpiryInterval: 60 } })
 * (await broker.clients()).items // []
 * await broker.advance(60_000)
 * broker.metrics.retainedExpired // 1
 * await broker.close()
 */
export async function createTestBroker(config: ConfigInput = {}, options: TestBrokerOptions = {}): Promise<TestBroker> {
  const broker = new TestBroker(config, options)
  await broker.start()
  return broker
}
