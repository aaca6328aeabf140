import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scanned, TURN_UNITS } from '../../../../src/base/work.ts'
import { encodePacket } from '../../../../src/codec/encode.ts'
import { PacketType } from '../../../../src/codec/packet-types.ts'
import { noProperties } from '../../../../src/codec/properties.ts'
import type { Plugin, PluginContext } from '../../../../src/access/plugin.ts'
import { MemoryDisk } from '../../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../../support/virtual-broker.ts'
import { assertShared, measure, MOST_TURN_WORK } from './support.ts'

const LARGE = {
  type: PacketType.PUBLISH,
  topicName: 'a',
  qos: 0,
  packetIdentifier: 0,
  dup: false,
  retain: false,
  properties: noProperties,
} as const

test('a review of 10,000 logins', async () => {
  let context: PluginContext | undefined
  const plugin: Plugin = {
    name: 'gate',
    authenticate: () => ({ decision: 'allow', anonymous: true }),
    mayStay: () => true,
  }
  const gate = (given: PluginContext): Plugin => {
    context = given
    return plugin
  }
  const broker = await VirtualBroker.start({ auth: { plugins: [{ plugin: gate }] }, 'max-memory': 0 })
  for (let at = 0; at < 10_000; at++) broker.connect({ clientId: `c${at}` })
  const measured = measure(broker, () => context!.revoked())
  assertShared('review', measured)
  assert.equal(broker.broker.metrics.loginsRevoked, 0)
  await broker.close()
})

test('answers of plugins for very many Clients at one moment', async () => {
  let answer = (_yes: boolean): void => {}
  const answered = new Promise<boolean>((resolve) => (answer = resolve))
  const plugin: Plugin = { name: 'slow', maySubscribe: () => true, mayPublish: () => answered }
  const broker = await VirtualBroker.start({ 'topic-check': { plugins: [plugin] }, 'max-memory': 0 })
  for (let at = 0; at < 200; at++) broker.connect({ clientId: `reader ${at}` }).subscribe('news')
  for (let at = 0; at < 1_000; at++) broker.connect({ clientId: `c${at}` }).publish('news', 'x', 1)
  answer(true)
  // All of them are there, and no turn has ended yet.
  await new Promise((resolve) => setImmediate(resolve))
  const { metrics } = broker.broker
  let [turns, most] = [0, 0]
  for (; broker.clock.isTurnOpen; turns++) {
    Object.assign(metrics, { mostTurnWork: 0 })
    broker.clock.runTurn()
    most = Math.max(most, metrics.mostTurnWork)
  }
  assert.ok(turns > 10 && most <= MOST_TURN_WORK, `${turns} turns, ${most} units at the most`)
  assert.equal(metrics.publishSent, 200_000)
  await broker.close()
})

test('Connections that waited for the Store go on in slices once it has caught up', async () => {
  const disk = new MemoryDisk()
  const config = { persistence: {}, 'max-uncommitted-bytes': 65_536, 'max-memory': 0 }
  const broker = await VirtualBroker.start(config, { disk })
  const keeper = broker.connect({
    clientId: 'keeper',
    cleanStart: false,
    properties: { sessionExpiryInterval: 0xffff_ffff },
  })
  await broker.settle()
  keeper.subscribe('news/#', 1)
  await broker.settle()
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  disk.options.before = (operation) => (operation === 'sync' ? held : undefined)
  const publishers = Array.from({ length: 1_000 }, (_, at) => broker.connect({ clientId: `p${at}` }))
  for (let count = 0; count < 100; count++) publishers[0]!.publish('news/big', Buffer.alloc(1000), 1)
  for (const publisher of publishers) publisher.publish('news/small', 'small', 1)
  assert.ok(publishers.every(({ isPaused }) => isPaused))
  const { metrics } = broker.broker
  const counted = metrics as { mostTurnWork: number }
  counted.mostTurnWork = 0
  delete disk.options.before
  release()
  for (let round = 0; round < 50; round++) {
    keeper.receiveAll()
    await broker.settle()
  }
  assert.ok(publishers.every(({ isPaused }) => !isPaused))
  assertShared('waiting', { mostTurnWork: metrics.mostTurnWork, longestWait: 0, turns: 0, work: Infinity })
  await broker.close()
})

test('of 1,000 Connections in the middle of a large packet that were stopped together, few are read again in one turn', async () => {
  const broker = await VirtualBroker.start({ 'max-memory': 0, 'max-input-bytes': 1e9 })
  const clients = Array.from({ length: 1_000 }, (_, at) => broker.connect({ clientId: `c${at}` }))
  const begin = Buffer.alloc(65_536, 'x')
  encodePacket({ ...LARGE, payload: Buffer.alloc(1e6) }, 5)
    .subarray(0, 20)
    .forEach((byte, at) => (begin[at] = byte))
  for (const client of clients) client.sendBytesInTurn(begin)
  const paused = (): number => clients.filter(({ isPaused }) => isPaused).length
  assert.ok(paused() > 500, `${paused()} are stopped`)
  let most = 0
  for (let before = paused(), turns = 0; before > 0; turns++) {
    assert.ok(turns < 100, `${before} are not read after ${turns} turns`)
    broker.clock.runTurn()
    most = Math.max(most, before - paused())
    before = paused()
  }
  assert.ok(most <= Math.ceil(TURN_UNITS / scanned(begin.length)), `${most} Connections were read again in one turn`)
  await broker.close()
})
