/**
 * Where the floors meet: a Broker with its listeners and the plugins that ship.
 *
 * @module
 */
import { Broker as BrokerOfParts, type BrokerSettings } from './broker/broker.ts'
import type { ConfigInput } from './config/options.ts'
import { openListener } from './listeners/listener.ts'
import { mountWebSocket } from './listeners/mount.ts'
import { attachStream } from './listeners/pump.ts'
import { shippedPlugins } from './plugins/registry.ts'

/**
 * An MQTT Server (3.1, 3.1.1, 5.0). The explicit form: `start()` opens it, `close()` ends it, and both may follow each other
 * again.
 *
 * @example
 * const broker = new Broker({ listeners: {} })
 * broker.state // 'new'
 */
export const Broker: BrokerConstructor = class Broker extends BrokerOfParts {
  constructor(config: ConfigInput = {}, settings: BrokerSettings = {}) {
    super(config, settings, { openListener, mountWebSocket, attachStream, plugins: shippedPlugins })
  }
}

export type Broker = BrokerOfParts

/** How a Broker is made; a class of its own can extend it. */
export interface BrokerConstructor {
  /** @param config the keys of the configuration file, in kebab-case, camelCase or snake_case */
  new (config?: ConfigInput, settings?: BrokerSettings): Broker
}

/**
 * Makes a Broker and starts it. Without a configuration it listens on 127.0.0.1:1883 and lets anonymous Clients in.
 *
 * @throws {ConfigError} with everything that is wrong with the configuration, before the first port opens
 *
 * @example
 * const broker = await createBroker({ listeners: {} })
 * broker.state // 'started'
 * await broker.close()
 */
export async function createBroker(config: ConfigInput = {}, settings: BrokerSettings = {}): Promise<Broker> {
  const broker = new Broker(config, settings)
  await broker.start()
  return broker
}
