/** A broker with something of everything that the page shows, and clients that keep it busy. @module */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { createBroker, type Broker, type ConfigInput } from '../../src/index.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { ReadConfig } from '../../src/broker/host/read-again.ts'
import { loadConfigFile } from '../../src/config/config-file.ts'
import { scratchFolder } from '../support/scratch-folder.ts'

export interface World {
  readonly broker: Broker
  /** Of the page. */
  readonly url: string
  readonly key: string
  close(): Promise<void>
}

function configuration(folder: string): string {
  return `# Of the test of the page.
listeners:
  plain:
    bind: 127.0.0.1:0
  tablets:
    bind: 127.0.0.1:0
    type: ws
persistence:
  path: ${join(folder, 'data')}
auth:
  allow-anonymous: true
users: {}
admin:
  bind: 127.0.0.1:0
  socket: ${join(folder, 'a.sock')}
  max-request-rate: 0
  show-payloads: administrator
`
}

/** A broker that has nothing yet. */
export async function emptyWorld(): Promise<World> {
  const path = scratchFolder()
  const urls: string[] = []
  const info = (fields: object | string): void => {
    if (typeof fields === 'object' && 'url' in fields) urls.push(fields.url as string)
  }
  const file = join(path, 'sluice.yaml')
  writeFileSync(file, configuration(path))
  const readConfig = (): ReadConfig => {
    const { input, source } = loadConfigFile(file, {})
    return { input: input as ConfigInput, source }
  }
  const { input, source } = readConfig()
  const broker = await createBroker(input, {
    logger: { ...silentLogger, info, error: console.error },
    source: source!,
    readConfig,
  })
  const { key } = await broker.admin.createApiKey({ name: 'page', role: 'administrator' })
  return { broker, url: urls.findLast((url) => url.startsWith('http:'))!, key, close: () => broker.close() }
}

/** The same with clients: publishers, subscribers, groups, one that reads nothing, one whose session waits. */
export async function busyWorld(): Promise<World> {
  const world = await emptyWorld()
  const { broker } = world
  await setUpAccess(broker)
  const clients: MqttClient[] = []
  const join5 = async (clientId: string, options: IClientOptions = {}): Promise<MqttClient> => {
    const common = { clientId, protocolVersion: 5, reconnectPeriod: 0, keepalive: 0 } as const
    const client = await connectAsync(broker.listeners.find(({ name }) => name === 'plain')!.url, {
      ...common,
      ...options,
    })
    clients.push(client)
    return client
  }
  const lasting = { clean: false, properties: { sessionExpiryInterval: 86_400 } }
  for (let at = 1; at <= 40; at++) {
    const room = await join5(`thermostat-${String(at).padStart(3, '0')}`)
    await room.subscribeAsync([`house/room${at}/set`, 'house/all/#'], { qos: 1 })
    await room.publishAsync(`house/room${at}/temperature`, String(18 + (at % 5)), { retain: true, qos: 1 })
  }
  for (const name of ['billing-1', 'billing-2'])
    await (await join5(name)).subscribeAsync('$share/billing/meters/#', { qos: 1 })
  const stuck = await join5('stuck-display', { ...lasting, properties: { ...lasting.properties, receiveMaximum: 1 } })
  stuck.handleMessage = () => {}
  await stuck.subscribeAsync('display/#', { qos: 1 })
  for (const truck of ['truck-17', ...Array.from({ length: 8 }, (_, at) => `trailer-${at}`)]) {
    const away = await join5(truck, lasting)
    await away.subscribeAsync(`fleet/${truck}/#`, { qos: 1 })
    await away.endAsync()
  }
  for (let at = 0; at < 30; at++) {
    await broker.publish('display/line', `text ${at}`, { qos: 1 })
    await broker.publish('fleet/truck-17/route', `stop ${at}`, { qos: 1 })
  }
  const meter = await join5('meter-0001')
  let isBusy = true
  const work = (async () => {
    while (isBusy && meter.connected)
      await meter.publishAsync('meters/0001/energy', '230.1', { qos: 1 }).catch(() => {})
  })()
  const close = async (): Promise<void> => {
    isBusy = false
    for (const client of clients) client.end(true)
    await work.catch(() => {})
    await world.close()
  }
  return { ...world, close }
}

async function setUpAccess({ admin }: Broker): Promise<void> {
  const rules = [
    { action: 'publish', effect: 'allow', topic: 'meters/%c/#' },
    { action: 'subscribe', effect: 'allow', topic: 'meters/%c/set' },
    { action: 'publish', effect: 'deny', topic: 'meters/%c/firmware' },
  ] as const
  await admin.putDefaultAccess({ publish: 'allow', receive: 'allow', subscribe: 'allow', unsubscribe: 'allow' })
  await admin.putRole({ name: 'meter', rules })
  await admin.putUser({ userName: 'meter-0001', password: 'secret 1', roles: ['meter'] })
  await admin.putRole({ name: 'operator' })
  for (let at = 0; at < 6; at++)
    await admin.putUser({ userName: `ann-${at}`, password: 'correct horse', roles: ['operator'] })
  await admin.putGroup({ name: 'meters', roles: ['meter'], textDescription: 'Every meter in the house' })
  await admin.putUser({ userName: 'old-gateway', password: 'secret 2', disabled: true })
  await admin.ban({ kind: 'address', value: '192.0.2.66', reason: 'scanning' })
}
