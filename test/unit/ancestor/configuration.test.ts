/**
 * The ancestor's defects of configuration, plugins, events and `$SYS`: none of them lives here. Names quote its code's
 * review.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError } from '../../../src/base/errors.ts'
import { resolveOptions, type ConfigInput } from '../../../src/config/options.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { figureTable } from '../../../src/reporting/figure-table.ts'
import { shippedPlugins } from '../../../src/plugins/registry.ts'
import type { PublishPacket } from '../../../src/codec/packets.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { root } from '../../../tools/main.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'

const allow: Plugin = { name: 'allow', authenticate: () => ({ decision: 'allow' }) }

function problemsOf(config: unknown): string[] {
  try {
    resolveOptions(config as ConfigInput)
    return []
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems.map(({ path, message }) => `${path} ${message}`)
  }
}

test('C1: `max-connections` of the manual is ignored: every spelling of it counts, and 0 is no limit', async () => {
  for (const key of ['max-connections', 'max_connections', 'maxConnections']) {
    const broker = await VirtualBroker.start({ [key]: 1 })
    const codes = ['a', 'b'].map((clientId) => broker.connect({ clientId }).connack?.reasonCode)
    assert.deepEqual(codes, [0, ReasonCode.ServerBusy], key)
    await broker.close()
  }
})

test('C1: another `type`, a listener without `bind`, unknown keys are logged or skipped: they are errors before the start', () => {
  assert.match(problemsOf({ listeners: { a: { type: 'udp', bind: ':1' } } }).join(), /listeners\.a\.type/)
  assert.match(problemsOf({ listeners: { default: {}, a: {} } }).join(), /listeners\.a\.bind is missing/)
  assert.match(problemsOf({ 'max-conections': 5 }).join(), /max-conections is not a known key.*`max-connections`/)
})

test('C1: `retain: false` crashes on the first retained message: its Connection ends, nobody else notices', async () => {
  const broker = await VirtualBroker.start({ retain: false })
  const [one, other] = [broker.connect({ clientId: 'one' }), broker.connect({ clientId: 'other' })]
  one.publish('a', 'x', 0, { retain: true })
  other.subscribe('a')
  broker.connect({ clientId: 'third' }).publish('a', 'y')
  assert.deepEqual([one.isClosed, other.takePayloads()], [true, ['y']])
  assert.equal(broker.broker.metrics.internalErrors, 0)
  await broker.close()
})

test('C1: `sys_interval: 20` does nothing without its plugin: it works by itself', async () => {
  const broker = await VirtualBroker.start({ 'sys-interval': 20 })
  const client = broker.connect()
  client.subscribe('$SYS/broker/uptime')
  broker.advance(40_000)
  assert.deepEqual(client.takePayloads(), ['0 seconds', '20 seconds', '40 seconds'])
  await broker.close()
})

test('C1: `auth: {password-file}` alone lets anonymous Clients in: it does not', () => {
  const { auth } = resolveOptions({ auth: { 'password-file': 'package.json' } })
  assert.deepEqual([auth.allowAnonymous, auth.plugins], [false, ['auth.file']])
})

test('C1: the sample nests everything under a key that nobody reads: such a key is an error', () => {
  assert.match(problemsOf({ mqtt: { listeners: {} } }).join(), /^mqtt is not a known key/)
})

test('C3: an installed broker finds no plugins, and then lets everybody in: a plugin that is named is there, or the start fails', async () => {
  const broker = await VirtualBroker.start({ auth: { plugins: [] } })
  assert.equal(broker.connect().connack?.reasonCode, ReasonCode.NotAuthorized)
  await broker.close()
  await assert.rejects(VirtualBroker.start({ auth: { plugins: ['auth.nobody'] } }), /unknown plugin auth\.nobody/)
  const seeds = [
    'auth.anonymous',
    'auth.file',
    'topic_acl',
    'topic_taboo',
    'event_logger_plugin',
    'packet_logger_plugin',
  ]
  for (const name of seeds) assert.ok(shippedPlugins.has(name), name)
})

test('C3: the package names files that are not there: every file that ours names is', () => {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { bin: Record<string, string> }
  for (const file of [...Object.values(bin), 'README.md', 'LICENSE']) assert.ok(existsSync(join(root, file)), file)
})

test('C3: a plugin that cannot be loaded is dereferenced as None: the start says which one, and why', async () => {
  const config = { auth: { plugins: ['./not-there.mjs'] } }
  await assert.rejects(VirtualBroker.start(config), (error) => {
    assert.ok(error instanceof ConfigError)
    assert.match(error.message, /not-there\.mjs/)
    return true
  })
})

test('C3: every TypeError in a plugin reads as "no opinion", which allows: it denies', async () => {
  const typo: Plugin = {
    name: 'typo',
    authenticate: () => {
      throw new TypeError('undefined is not a function')
    },
  }
  const broker = await VirtualBroker.start({ auth: { plugins: [allow, typo] } })
  assert.notEqual(broker.connect().connack?.reasonCode, 0)
  await broker.close()
})

test('C3: an exception in an event handler ends the broker: it is logged', async () => {
  const broker = await VirtualBroker.start()
  broker.broker.on('clientConnected', () => {
    throw new Error('of a handler')
  })
  assert.equal(broker.connect().connack?.reasonCode, 0)
  await broker.close()
})

test('C3: event handlers run in no order, and those of the end perhaps not at all: they run at once, and before the end', async () => {
  const broker = await VirtualBroker.start()
  const told: string[] = []
  for (const name of ['clientConnected', 'clientDisconnected', 'closing', 'closed'] as const) {
    broker.broker.on(name, () => told.push(name))
  }
  broker.connect()
  assert.deepEqual(told, ['clientConnected'])
  await broker.close()
  assert.deepEqual(told, ['clientConnected', 'closing', 'clientDisconnected', 'closed'])
})

test('C3: `close()` of a plugin is never called: it is, once', async () => {
  let closed = 0
  const broker = await VirtualBroker.start({ auth: { plugins: [{ ...allow, close: () => void closed++ }] } })
  await broker.close()
  assert.equal(closed, 1)
})

test('C4: there is no event for a message that is dropped, denied or expired: there is', async () => {
  const broker = await VirtualBroker.start({ 'topic-check': { acl: { anonymous: ['a'] } } })
  const told: string[] = []
  broker.broker.on('dropped', ({ cause }) => told.push(cause))
  broker.broker.on('publishRefused', ({ topic }) => told.push(`refused ${topic}`))
  const kept = { cleanStart: false, properties: { sessionExpiryInterval: 100, receiveMaximum: 1 } }
  const away = broker.connect({ clientId: 'away', ...kept })
  away.subscribe('a', 1)
  away.drop()
  const client = broker.connect()
  client.publish('b', 'x')
  client.publish('a', 'x')
  client.publish('a', 'x', 1, { properties: { messageExpiryInterval: 1 } })
  broker.advance(1000)
  broker.connect({ clientId: 'away', ...kept })
  assert.deepEqual(told, ['refused b', 'not connected', 'expired'])
  await broker.close()
})

test('C5: the figures go out without `$SYS/broker/`, match `#` and are not retained: none of the three', async () => {
  const broker = await VirtualBroker.start({ 'sys-interval': 1 })
  const curious = broker.connect({ clientId: 'curious' })
  curious.subscribe('#')
  broker.advance(5000)
  assert.deepEqual(curious.take(), [])
  const operator = broker.connect({ clientId: 'operator' })
  operator.subscribe('$SYS/#')
  const topics = (operator.take() as PublishPacket[]).map(({ topicName, retain }) => {
    assert.ok(retain)
    return topicName
  })
  const ofNoStore = figureTable.filter(({ name }) => !name.startsWith('store.'))
  for (const { topic } of ofNoStore.flatMap(({ topics }) => topics))
    assert.ok(topics.includes(`$SYS/broker/${topic}`), topic)
  await broker.close()
})

test('C5: a TypeError stops the broker at the start when sys_interval is above 0, and its stop hook never runs: rounds begin and end with it', async () => {
  const broker = await VirtualBroker.start({ 'sys-interval': 1 })
  let rounds = 0
  broker.broker.on('retained', ({ topic }) => void (topic.endsWith('/uptime') && rounds++))
  broker.advance(3000)
  assert.equal(rounds, 3)
  await broker.close()
  broker.advance(10_000)
  assert.equal(rounds, 3)
})

test('C5: clients/disconnected counts events, so that clients/total only grows: both count Sessions', async () => {
  const broker = await VirtualBroker.start({ 'sys-interval': 1 })
  for (let at = 0; at < 5; at++) broker.connect({ clientId: 'same' }).drop()
  broker.connect({ clientId: 'kept', cleanStart: false, properties: { sessionExpiryInterval: 9 } }).drop()
  broker.advance(1000)
  const operator = broker.connect({ clientId: 'operator' })
  operator.subscribe(['$SYS/broker/clients/disconnected', '$SYS/broker/clients/total'])
  assert.deepEqual(operator.takePayloads(), ['1', '1'])
  await broker.close()
})
