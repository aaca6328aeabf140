/**
 * Where the floors meet: a Broker with its listeners and the plugins that ship.
 *
 * @module
 */
import type { Credentials, Directory } from './access/directory/directory.ts'
import type { AccessPlan } from './access/directory/plan.ts'
import { Broker as BrokerOfParts } from './broker/broker.ts'
import type { BrokerSettings } from './broker/broker-settings.ts'
import type { ControlHandler } from './broker/control.ts'
import type { Admin } from './broker/host/admin.ts'
import type { Sockets } from './admin/http/http-door.ts'
import type { AdminDoor, AdminHost } from './broker/host/admin-door.ts'
import type { TelemetryExport, TelemetryHost } from './broker/host/telemetry-export.ts'
import type { ConfigInput, Options, TelemetryOptions } from './config/options.ts'
import type { Bridges, BridgesHost } from './broker/host/open-bridges.ts'
import { openListener } from './listeners/listener.ts'
import { openConsoleSocket } from './listeners/console-socket.ts'
import { mountWebSocket, serveUpgrades } from './listeners/mount.ts'
import { attachStream } from './listeners/pump.ts'
import { listen } from './listeners/socket-address.ts'
import { answerAndClose } from './listeners/websocket-upgrade.ts'
import { shippedPlugins } from './plugins/registry.ts'

/** Most programs never ask for it. */
async function loadAdmin(broker: BrokerOfParts): Promise<Admin> {
  const { createAdmin } = await import('./admin/admin.ts')
  return createAdmin(broker)
}

/** Most programs never set a password. */
async function makeCredentials(password: string, holder?: string): Promise<Credentials> {
  const { makeCredentials: make } = await import('./plugins/credentials.ts')
  return make(password, holder)
}

/** Few configurations name one. */
async function planAccess(directory: Directory, file: unknown): Promise<AccessPlan> {
  const { planOfFile } = await import('./admin/access/access-import.ts')
  return planOfFile(directory, file)
}

/** Most brokers get no commands. */
async function loadControl(broker: BrokerOfParts): Promise<ControlHandler> {
  const { createDynamicSecurity } = await import('./admin/dynamic-security/dynamic-security.ts')
  return createDynamicSecurity(broker)
}

/** Few configurations have it. */
async function openAdmin(broker: BrokerOfParts, options: Options, host: AdminHost): Promise<AdminDoor> {
  const { openHttpDoor } = await import('./admin/http/http-door.ts')
  const openPasswords: Sockets['openPasswords'] = async (directory, clock) => {
    const { openStorePasswords } = await import('./plugins/store-passwords.ts')
    return openStorePasswords(directory, clock)
  }
  const loadCertificates: Sockets['loadCertificates'] = async (files) =>
    (await import('./listeners/certificates.ts')).loadCertificates(files)
  const openTokens: Sockets['openTokens'] = async (openid, clock) => {
    const { OpenIdTokens } = await import('./plugins/openid-tokens.ts')
    const tokens = new OpenIdTokens(openid, clock)
    return (token) => tokens.verify(token)
  }
  const webSockets: Sockets['webSockets'] = (clock) => ({
    serve: serveUpgrades,
    open: (request, stream, head, opening) => openConsoleSocket(request, stream, head, { clock, ...opening }),
    refuse: (stream, status, body, type) => answerAndClose(stream, status, body, clock, type),
  })
  return openHttpDoor(broker, options, host, { listen, loadCertificates, webSockets, openPasswords, openTokens })
}

/** Few configurations have it. */
async function openTelemetry(options: TelemetryOptions, host: TelemetryHost): Promise<TelemetryExport> {
  const { openTelemetry: open } = await import('./telemetry/telemetry.ts')
  return open(options, host)
}

/** Few configurations have any. */
async function loadBridges(broker: BrokerOfParts, host: BridgesHost): Promise<Bridges> {
  const { createBridges } = await import('./bridges/bridges.ts')
  return createBridges(broker, host)
}

/**
 * An MQTT server for 3.1, 3.1.1 and 5.0. `start()` opens it and `close()` closes it; a closed broker can be started
 * again. `createBroker` creates and starts one.
 *
 * @example
 * const broker = new Broker({ listeners: {} })
 * broker.state // 'new'
 * await broker.start()
 * const received: string[] = []
 * broker.subscribe('sensors/+/temperature', (message) => void received.push(`${message.topic} ${message.text()}`))
 * await broker.publish('sensors/attic/temperature', '21.5', { qos: 1, retain: true })
 * received // ['sensors/attic/temperature 21.5']
 * (await broker.sessions()).items // []
 * await broker.close()
 */
export const Broker: BrokerConstructor = class Broker extends BrokerOfParts {
  constructor(config: ConfigInput = {}, settings: BrokerSettings = {}) {
    super(config, settings, {
      openListener,
      mountWebSocket,
      attachStream,
      plugins: shippedPlugins,
      loadAdmin,
      openAdmin,
      openTelemetry,
      loadBridges,
      makeCredentials,
      planAccess,
      loadControl,
    })
  }
}

export type Broker = BrokerOfParts

/** The constructor of `Broker`; your own class may extend it. */
export interface BrokerConstructor {
  /** @param config the keys of the configuration file, in kebab-case, camelCase or snake_case */
  new (config?: ConfigInput, settings?: BrokerSettings): Broker
}

/**
 * Creates a broker and starts it. Without a configuration, it listens on 127.0.0.1:1883 and accepts anonymous clients.
 *
 * @param config the keys of the configuration file, in kebab-case, camelCase or snake_case
 * @throws {ConfigError} with all mistakes in the configuration, before the first port opens
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
