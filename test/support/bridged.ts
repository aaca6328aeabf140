/**
 * Brokers in memory that are connected by bridges, in virtual time. Each has an address, and links can be cut.
 *
 *   const net = new BridgedBrokers()
 *   const far = await net.start('far')
 *   const near = await net.start('near', { cloud: { url: 'mqtt://far', clientId: 'plant', out: [{ filter: '#' }] } })
 */
import type { BrokerSettings } from '../../src/broker/broker-settings.ts'
import { serverOf } from '../../src/broker/broker.ts'
import { OpenBridges } from '../../src/broker/host/open-bridges.ts'
import type { Broker } from '../../src/create-broker.ts'
import { createBridges } from '../../src/bridges/bridges.ts'
import type { Address } from '../../src/client/address.ts'
import type { Attempt } from '../../src/client/client-side.ts'
import type { ConfigInput } from '../../src/config/options.ts'
import type { Link } from '../../src/testing/link.ts'
import { dialBroker } from './client-end.ts'
import { VirtualBroker } from './virtual-broker.ts'
import { VirtualClock } from './virtual-clock.ts'

export type BridgesInput = NonNullable<ConfigInput['bridges']>

export class BridgedBroker extends VirtualBroker {
  readonly #config: ConfigInput

  constructor(broker: Broker, clock: VirtualClock, config: ConfigInput) {
    super(broker, clock)
    this.#config = config
  }

  get bridges(): OpenBridges {
    return OpenBridges.of(serverOf(this.broker))!
  }

  /** Reloads the configuration with these bridges. */
  async apply(bridges: BridgesInput): Promise<void> {
    await this.broker.reload({ listeners: {}, 'sys-interval': 0, ...this.#config, bridges })
    this.clock.runTurns()
  }
}

export class BridgedBrokers {
  readonly clock: VirtualClock = new VirtualClock()
  readonly brokers: Map<string, BridgedBroker> = new Map<string, BridgedBroker>()
  /** Addresses that were dialled. */
  readonly dialled: string[] = []
  /** Addresses that nobody reaches. */
  readonly unreachable: Set<string> = new Set<string>()
  /** What is at an address instead of a broker. */
  readonly others: Map<string, (attempt: Attempt) => void> = new Map<string, (attempt: Attempt) => void>()
  links: Link[] = []

  async start(
    name: string,
    bridges: BridgesInput = {},
    config: ConfigInput = {},
    settings: BrokerSettings = {},
  ): Promise<BridgedBroker> {
    const { broker } = await VirtualBroker.start(config, settings, this.clock)
    const bridged = new BridgedBroker(broker, this.clock, config)
    bridged.bridges.load = (host) => createBridges(broker, host, (address, attempt) => this.#dial(address, attempt))
    this.brokers.set(name, bridged)
    await bridged.apply(bridges)
    return bridged
  }

  #dial({ host }: Address, attempt: Attempt): void {
    this.dialled.push(host)
    const other = this.others.get(host)
    const broker = this.brokers.get(host)
    if (other !== undefined) other(attempt)
    else if (broker === undefined || this.unreachable.has(host)) attempt.failed(new Error(`no route to ${host}`))
    else this.links.push(dialBroker(broker, attempt))
  }

  /** All links between brokers are lost. */
  cut(): void {
    for (const link of this.links.splice(0)) link.hangUp()
    this.clock.runTurns()
  }

  /** Longer than any wait of a bridge. */
  reconnect(): void {
    this.clock.advance(60_000)
  }

  async close(): Promise<void> {
    for (const broker of this.brokers.values()) await broker.close()
  }
}
