/**
 * A Broker for tests: in memory, in virtual time, with Network Connections that break on demand. No port, no sleep.
 *
 *   const broker = await createTestBroker()
 *   const client = new mqtt.Client(() => broker.open(), { keepalive: 60, reconnectPeriod: 0 })
 *   …
 *   await broker.advance(90_000)      // a minute and a half later
 *
 * The broker's clock moves only by `advance`; the Client under test runs in the event loop as ever, so everything that asks
 * for no time happens by itself, and `settle` waits until nothing moves any more.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { realClock } from '../broker/turn/clock.ts'
import type { ConfigInput } from '../config/options.ts'
import { Broker } from '../create-broker.ts'
import type { Peer } from '../protocol/transport.ts'
import { TestStream } from './test-stream.ts'
import { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts'

/** Rounds of the event loop without a moved byte or an ended turn after which nothing moves any more. */
const QUIET_ROUNDS = 10

/** What `createTestBroker` may be told. */
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

/** A Broker in memory and in virtual time. Everything a `Broker` can do, it can. */
export class TestBroker extends Broker {
  /** The broker's clock: `clock.now()` and `clock.wallNow()` say what time it has. */
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
   * Opens a Network Connection: the Client's end of it, a Duplex stream of bytes, with faults on demand.
   *
   * @param peer what the broker shall know of the other side, such as its `address`
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
   * Moves the broker's time on: Keep Alive, expiry, Will Delay and every other deadline comes in its order, and what it causes
   * is worked off before the next one.
   */
  async advance(milliseconds: number): Promise<void> {
    const until = this.#clock.now() + milliseconds
    await this.settle()
    while (this.#clock.step(until)) await this.settle()
  }

  /** Waits until nothing moves any more: everything that was sent has been worked off, and answered. */
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

  /** Ends the broker; time passes as far as its end needs it. */
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
 * Makes a Broker for a test and starts it: no listener opens unless the configuration says so, Clients come in by `open`, and
 * time stands still until `advance`.
 *
 * @param config as for `createBroker`
 * @throws {ConfigError} with everything that is wrong with the configuration
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
