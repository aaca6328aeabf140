/**
 * A whole Broker in memory and in virtual time, and clients that communicate with it in packets or in bytes. No port,
 * no sleep:
 *
 *   const broker = await VirtualBroker.start()
 *   const sensor = broker.connect({ clientId: 'sensor' })
 *   sensor.send({ type: PacketType.PINGREQ })
 *   sensor.take() // [{ type: PacketType.PINGRESP }]
 *   broker.advance(1500)
 *
 * Everything is synchronous: after `send` the turn has ended and the answer is there, unless a plugin returns a promise
 * (then use `await broker.settle()`).
 *
 * @module
 */
import type { BrokerSettings } from '../../src/broker/broker-settings.ts'
import type { ConfigInput } from '../../src/config/options.ts'
import { Broker } from '../../src/create-broker.ts'
import type { Peer } from '../../src/protocol/transport.ts'
import type { ProtocolVersion } from '../../src/codec/packet-types.ts'
import { poisonMemory } from '../../src/testing/poison.ts'
import { TestClient, type ConnectOptions } from './test-client.ts'
import { VirtualClock } from './virtual-clock.ts'

poisonMemory()

export class VirtualBroker {
  readonly broker: Broker
  readonly clock: VirtualClock

  constructor(broker: Broker, clock: VirtualClock) {
    this.broker = broker
    this.clock = clock
  }

  /** Opens no listener and publishes no `$SYS` topics unless the configuration enables them. */
  static async start(
    config: ConfigInput = {},
    settings: BrokerSettings = {},
    clock: VirtualClock = new VirtualClock(),
  ): Promise<VirtualBroker> {
    const broker = new Broker({ listeners: {}, 'sys-interval': 0, ...config }, { clock, ...settings })
    await broker.start()
    clock.runTurns()
    return new VirtualBroker(broker, clock)
  }

  /** A new Network Connection that has sent nothing yet. */
  open(version: ProtocolVersion = 5, peer: Partial<Peer> = {}): TestClient {
    return new TestClient(this, version, { listener: 'attached', address: '192.0.2.1', encrypted: false, ...peer })
  }

  /** A connected client: CONNECT was sent, CONNACK was read (it is `client.connack`). */
  connect(options: ConnectOptions = {}): TestClient {
    const client = this.open(options.version ?? 5, options.peer)
    client.connect(options)
    return client
  }

  advance(milliseconds: number): void {
    this.clock.advance(milliseconds)
  }

  /** Waits until promises of plugins and of the host program's own calls have settled. */
  async settle(): Promise<void> {
    for (let round = 0; round < 20; round++) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      this.clock.runTurns()
    }
  }

  async close(): Promise<void> {
    const closed = this.broker.close().then(() => true)
    const later = (): Promise<boolean> => new Promise((resolve) => setImmediate(resolve, false))
    do this.clock.advance(100)
    while (!(await Promise.race([closed, later()])))
  }
}
