/**
 * Brokers in memory that are connected by bridges, in virtual time. Each has an address, and links can be cut.
 *
 *   const net = new BridgedBrokers()
 *   const far = await net.start('far')
 *   const near = await net.start('near', { cloud: { url: 'mqtt://far', clientId: 'plant', out: [{ filter: '#' }] } })
 */
import type { BrokerSettings } from '../../src/broker/broker-settings.ts'
import { createBridges, type BridgeList } from '../../src/bridges/bridges.ts'
import type { Address } from '../../src/client/address.ts'
import type { Attempt } from '../../src/client/client-side.ts'
import { resolveOptions, type ConfigInput } from '../../src/config/options.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { Link } from '../../src/testing/link.ts'
import { dialBroker } from './client-end.ts'
import { VirtualBroker } from './virtual-broker.ts'
import { VirtualClock } from './virtual-clock.ts'

export type BridgesInput = NonNullable<ConfigInput['bridges']>

export class BridgedBroker extends VirtualBroker {
  bridges!: BridgeList

  /** Applies other bridges, as a reload does. */
  async apply(bridges: BridgesInput): Promise<void> {
    const options = { ...this.broker.options, bridges: resolveOptions({ listeners: {}, bridges }).bridges }
    const change = await this.bridges.prepare(options)
    change()
    this.clock.runTurns()
  }

  override async close(): Promise<void> {
    this.bridges.close()
    await super.close()
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
    const bridged = new BridgedBroker(broker, this.clock)
    const host = { clock: this.clock, log: silentLogger, events: broker as never }
    bridged.bridges = await createBridges(broker, host, (address, attempt) => this.#dial(address, attempt))
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
