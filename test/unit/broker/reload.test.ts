import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ConfigInput } from '../../../src/config/options.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import type { BrokerEvents, EventName } from '../../../src/access/broker-events.ts'
import { freePort } from '../../../src/bench/process.ts'
import { createBroker, type Broker } from '../../../src/create-broker.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { CapturedLog } from '../plugins/support.ts'

/** The next event of that name. */
function next<Name extends EventName>(broker: Broker, name: Name): Promise<BrokerEvents[Name]> {
  return new Promise((resolve) => broker.once(name, resolve))
}

const OPEN = { auth: { 'allow-anonymous': true } }

test('reload: new rules hold for Sessions that exist, and their Connections stay', async () => {
  const aclOf = (filters: string[]) => ({
    listeners: {},
    auth: { 'allow-anonymous': true },
    'topic-check': { acl: { anonymous: filters } },
  })
  const test = await VirtualBroker.start(aclOf(['a/#']))
  const client = test.connect({ clientId: 'c' })
  client.subscribe('a/#')
  client.publish('a/1', 'one')
  assert.deepEqual(client.takePayloads(), ['one'])
  await test.broker.reload(aclOf(['a/1']))
  client.publish('a/2', 'two', 1)
  const [answer] = client.take()
  assert.equal(answer?.type === PacketType.PUBACK && answer.reasonCode, 0x87)
  await test.broker.publish('a/2', 'from the host')
  test.clock.runTurns()
  assert.deepEqual(client.takePayloads(), [], 'what may no longer be received is not delivered')
  assert.equal(client.isClosed, false)
  await test.close()
})

test('reload: who would no longer be let in is disconnected, others stay', async () => {
  const test = await VirtualBroker.start({ listeners: {}, auth: { 'allow-anonymous': true } })
  const client = test.connect({ clientId: 'c' })
  const folder = scratchFolder()
  const file = join(folder, 'passwd')
  await writeFile(file, '')
  await test.broker.reload({ listeners: {}, auth: { 'password-file': file } })
  test.clock.runTurns()
  assert.equal(client.isClosed, true)
  const [last] = client.take()
  assert.equal(last?.type === PacketType.DISCONNECT && last.reasonCode, 0x87)
  await test.close()
})

test('reload: a login that plugins which are closed could not decide is put to those that took their place', async () => {
  let giveUp = (_error: Error): void => undefined
  const closing: Plugin = {
    name: 'closing',
    authenticate: () => new Promise((_, reject) => (giveUp = reject)),
    close: () => giveUp(new Error('closed')),
  }
  const decided = (decision: 'allow' | 'deny'): Plugin => ({ name: decision, authenticate: () => ({ decision }) })
  for (const [decision, reasonCode] of [
    ['allow', 0],
    ['deny', 0x86],
  ] as const) {
    const test = await VirtualBroker.start({ listeners: {}, auth: { plugins: [closing] } })
    const client = test.open()
    client.connect({ clientId: 'c', userName: 'ann', password: 'x' })
    await test.broker.reload({ listeners: {}, auth: { plugins: [decided(decision)] } })
    await test.settle()
    const connack = client.takeFirst(PacketType.CONNACK)
    assert.equal(connack?.type === PacketType.CONNACK && connack.reasonCode, reasonCode)
    await test.close()
  }
})

test('reload: listeners come and go; an error changes nothing', async () => {
  const one = { bind: '127.0.0.1:0' }
  await using broker = await createBroker({ listeners: { one }, 'sys-interval': 0 })
  const port = broker.listeners[0]?.port
  await broker.reload({ listeners: { one, two: { bind: '127.0.0.1:0' } }, 'sys-interval': 0 })
  assert.deepEqual(
    broker.listeners.map(({ name }) => name),
    ['one', 'two'],
  )
  assert.equal(broker.listeners[0]?.port, port)
  const taken = { bind: `127.0.0.1:${port}` }
  await assert.rejects(broker.reload({ listeners: { one, three: taken } }), /three/)
  assert.deepEqual(
    broker.listeners.map(({ name }) => name),
    ['one', 'two'],
  )
  await broker.reload({ listeners: { one } })
  assert.deepEqual(
    broker.listeners.map(({ name }) => name),
    ['one'],
  )
})

test('reload: a listener may take the port of one that goes; if it cannot, that one is open again', async () => {
  const port = await freePort()
  const bind = `127.0.0.1:${port}`
  const urls = (): string[] => broker.listeners.map(({ name, url }) => `${name} ${url}`)
  await using broker = await createBroker({ listeners: { one: { bind } }, 'sys-interval': 0 })
  await broker.reload({ listeners: { one: { bind, type: 'ws' } } })
  assert.deepEqual(urls(), [`one ws://${bind}`])
  await broker.reload({ listeners: { two: { bind } } })
  assert.deepEqual(urls(), [`two mqtt://${bind}`])
  const wider = { three: { bind: `:${port}` }, four: { bind: '192.0.2.1:1' } } // an address that is not ours
  await assert.rejects(broker.reload({ listeners: wider, auth: { 'allow-anonymous': true } }), /four/)
  assert.deepEqual(urls(), [`two mqtt://${bind}`])
  const client = connect(port, '127.0.0.1')
  await once(client, 'connect')
  client.destroy()
})

test('0.0.0.0 and [::] at one port work together, and a reload adds and removes either without ending a connection', async () => {
  const port = await freePort()
  const [six, four] = [{ six: { bind: `[::]:${port}` } }, { four: { bind: `0.0.0.0:${port}` } }]
  const config = (listeners: ConfigInput['listeners']): ConfigInput => ({ listeners, 'sys-interval': 0, ...OPEN })
  await using broker = await createBroker(config({ ...six, ...four }))
  const from = async (address: string): Promise<string> => {
    const refused = next(broker, 'clientRefused')
    const client = connect(port, address)
    client.end(Buffer.of(0xc0, 0)) // PINGREQ
    const { listener } = await refused
    client.destroy()
    return listener
  }
  assert.deepEqual([await from('127.0.0.1'), await from('::1')], ['four', 'six'])

  await broker.reload(config(six))
  assert.deepEqual([await from('127.0.0.1'), await from('::1')], ['six', 'six'])
  const stays = connect(port, '127.0.0.1')
  const accepted = next(broker, 'clientConnected')
  stays.write(Buffer.from('100c00044d515454040200000000', 'hex'))
  await accepted
  await broker.reload(config({ ...four, ...six }))
  assert.deepEqual([await from('127.0.0.1'), await from('::1')], ['four', 'six'])
  assert.equal(broker.listeners.find(({ name }) => name === 'six')?.connections, 1)
  await assert.rejects(broker.reload(config({ ...six, far: { bind: '192.0.2.1:1' } })), /far/)
  assert.deepEqual([await from('127.0.0.1'), await from('::1')], ['four', 'six'])
  stays.destroy()
})

test('a reload may bring a listener that waits for its address, and take it away again', async () => {
  const log = new CapturedLog()
  await using broker = await createBroker({ listeners: {}, 'sys-interval': 0 }, { logger: log })
  const failed = next(broker, 'listenerFailed')
  const later = { bind: '192.0.2.1:1883', retry: true }
  await broker.reload({ listeners: { later, now: { bind: '127.0.0.1:0' } }, 'sys-interval': 0, ...OPEN })
  const { listener, code, retryMs } = await failed
  assert.deepEqual([listener, code, retryMs], ['later', 'ERR_LISTENER_HOST', 1000])
  assert.equal(broker.metrics.failedOpens, 1)
  assert.deepEqual(
    broker.listeners.map(({ name, urls }) => [name, urls.length]),
    [
      ['later', 0],
      ['now', 1],
    ],
  )
  assert.equal(log.lines.filter((line) => /`later`.*192\.0\.2\.1:1883.*next try in 1 s/.test(line)).length, 1)
  await broker.reload({ listeners: {} })
  assert.deepEqual(broker.listeners, [])
})

test('reload: what counts from the next start on is said', async () => {
  const log = new CapturedLog()
  await using broker = await createBroker({ listeners: {} }, { logger: log })
  await broker.reload({ listeners: {} })
  assert.equal(log.lines.length, 0)
  await broker.reload({ listeners: {}, persistence: { path: scratchFolder() } })
  assert.equal(log.lines.filter((line) => line.includes('`persistence` has changed')).length, 1)
})

test('reload: several at once are worked off in their order', async () => {
  await using broker = await createBroker({ listeners: {} })
  const withListeners = (...names: string[]) => ({
    listeners: Object.fromEntries(names.map((name) => [name, { bind: '127.0.0.1:0' }])),
  })
  const reloads = [withListeners('a'), withListeners('a', 'b'), withListeners('b')].map((each) => broker.reload(each))
  await assert.rejects(broker.reload({ 'max-qos': 3 } as unknown as ConfigInput), /max-qos/)
  await Promise.all(reloads)
  assert.deepEqual(
    broker.listeners.map(({ name }) => name),
    ['b'],
  )
})

test('reload: a broker that closes meanwhile leaves nothing open', async () => {
  const broker = await createBroker({ listeners: {} })
  const port = await freePort()
  const reloaded = broker.reload({ listeners: { late: { bind: `127.0.0.1:${port}` } } })
  const closed = broker.close()
  await assert.rejects(reloaded, /closed|closing|call start/)
  await closed
  assert.deepEqual([broker.state, broker.listeners], ['closed', []])
  await using next = await createBroker({ listeners: { late: { bind: `127.0.0.1:${port}` } } })
  assert.equal(next.listeners.length, 1)
})

test('log-ins that fail by no fault of the Client slow nobody', async () => {
  const broken = { name: 'broken', authenticate: () => Promise.reject(new Error('the service is down')) }
  const test = await VirtualBroker.start({ listeners: {}, auth: { plugins: [broken], 'login-delay-after': 0 } })
  const client = test.connect({ userName: 'ann' })
  await test.settle()
  assert.equal(client.isClosed, true)
  assert.deepEqual([test.broker.metrics.loginsRefused, test.broker.metrics.loginsSlowed], [1, 0])
  await test.close()
})

test('reload: limits of the top level hold for streams that are attached from then on', async () => {
  const test = await VirtualBroker.start({ listeners: {} })
  test.connect({ clientId: 'before' })
  await test.broker.reload({ listeners: {}, 'max-qos': 0 })
  assert.equal(test.connect({ clientId: 'after' }).connack?.properties.maximumQoS, 0)
  await test.close()
})

test('wrong log-ins are slowed per address, and counted', async () => {
  const deny = { name: 'deny', authenticate: () => ({ decision: 'deny' }) as const }
  const test = await VirtualBroker.start({ listeners: {}, auth: { plugins: [deny] } })
  for (let attempt = 0; attempt < 3; attempt++) assert.equal(test.connect({ userName: 'ann' }).isClosed, true)
  const fourth = test.connect({ userName: 'ann' })
  assert.equal(fourth.isClosed, false)
  test.advance(249)
  assert.equal(fourth.isClosed, false)
  test.advance(1)
  assert.equal(fourth.isClosed, true)
  assert.equal(test.broker.metrics.loginsSlowed, 1)
  await test.close()
})

test('what was decided about a topic under the old rules is decided anew under the new ones', async () => {
  const rules = (publish: string): object => ({
    listeners: {},
    'sys-interval': 0,
    auth: { 'allow-anonymous': true },
    'topic-check': { acl: { anonymous: { publish: [publish], subscribe: ['#'] } } },
  })
  const broker = await VirtualBroker.start(rules('a'))
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('#')
  const sensor = broker.connect({ clientId: 'sensor' })
  sensor.publish('a', '1')
  sensor.publish('a', '2')
  await broker.broker.reload(rules('b'))
  sensor.publish('a', '3')
  sensor.publish('b', '4')
  assert.deepEqual(reader.takePayloads(), ['1', '2', '4'])
  await broker.close()
})

test('a reload that waits for a plugin while the broker closes and starts again leaves what is open alone', async () => {
  let made = (_plugin: Plugin): void => {}
  let closed = 0
  const slow = (): Promise<Plugin> => new Promise((resolve) => (made = resolve))
  await using broker = await createBroker({ listeners: { one: { bind: '127.0.0.1:0' } }, 'sys-interval': 0 })
  const reloaded = broker.reload({ listeners: {}, plugins: [slow] })
  const failed = assert.rejects(reloaded, /the broker was closed during the reload/)
  await broker.close()
  await broker.start()
  made({ name: 'late', close: () => void closed++ })
  await failed
  assert.deepEqual([broker.listeners.map(({ name }) => name), closed], [['one'], 1])
})
