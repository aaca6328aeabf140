/**
 * `retained-check: publisher`: a retained message does not reach new subscriptions once its publisher may not publish
 * to its topic any longer, as with Mosquitto's `check_retain_source`. Without it, a user who has been locked out goes
 * on speaking to everyone who subscribes.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConfigInput } from '../../../src/config/options.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'

const named: Plugin = { name: 'named', authenticate: () => ({ decision: 'allow' }) }

/** Writers may publish, and the reader may read all. */
function configOf(
  writers: readonly string[],
  check: 'off' | 'publisher' = 'publisher',
  more: ConfigInput = {},
): ConfigInput {
  const acl = { reader: ['#'], ...Object.fromEntries(writers.map((name) => [name, { publish: ['#'] }])) }
  return { listeners: {}, auth: { plugins: [named] }, 'topic-check': { acl, 'retained-check': check }, ...more }
}

function enter(broker: VirtualBroker, userName: string | undefined, clientId = userName ?? 'nobody'): TestClient {
  return broker.connect({ clientId, ...(userName !== undefined && { userName }) })
}

function read(broker: VirtualBroker, topicFilter = '#'): string[] {
  const reader = enter(broker, 'reader')
  reader.subscribe(topicFilter)
  return reader.takePayloads()
}

for (const check of ['off', 'publisher'] as const) {
  test(`retained-check ${check}: a retained message whose publisher lost the right to publish there`, async () => {
    const broker = await VirtualBroker.start(configOf(['ann', 'bob', 'anonymous'], check))
    const dropped: string[] = []
    broker.broker.on('dropped', ({ clientId, message, cause }) =>
      dropped.push(`${clientId} ${message.topicName} ${cause}`),
    )
    for (const name of ['ann', 'bob', undefined])
      enter(broker, name).publish(`from/${name}`, `${name}`, 0, { retain: true })
    enter(broker, 'ann').send({ type: 14, reasonCode: 0, properties: {} })
    await broker.broker.publish('from/host', 'host', { retain: true })
    await broker.broker.reload(configOf(['bob'], check))
    const isOff = check === 'off'
    assert.deepEqual(read(broker).toSorted(), isOff ? ['ann', 'bob', 'host', 'undefined'] : ['bob', 'host'])
    assert.equal(broker.broker.metrics.dropped['publisher not authorized'], isOff ? 0 : 2)
    const told = ['from/ann', 'from/undefined'].map((topic) => `reader ${topic} publisher not authorized`)
    assert.deepEqual(dropped.toSorted(), isOff ? [] : told)
    await broker.broker.reload(configOf(['ann', 'bob', 'anonymous'], check))
    assert.equal(read(broker).length, 4, 'the right is back, and the message was never gone')
    await broker.close()
  })
}

test('retained-check: a Will counts as a message of its Client, and who publishes is known after a restart', async () => {
  const disk = new MemoryDisk()
  const config = configOf(['ann', 'bob'], 'publisher', { persistence: { durability: 'disk' } })
  const first = await VirtualBroker.start(config, { disk })
  const will = { topicName: 'will/ann', payload: Buffer.from('gone'), retain: true }
  const ann = first.connect({ clientId: 'a', userName: 'ann', will })
  await first.settle()
  ann.publish('from/ann', 'ann', 1, { retain: true })
  ann.publish('rich/ann', 'rich', 1, { retain: true, properties: { contentType: 'text' } })
  enter(first, 'bob').publish('from/bob', 'bob', 1, { retain: true })
  await first.settle()
  ann.drop()
  await first.settle()
  await first.close()

  const second = await VirtualBroker.start(config, { disk })
  assert.deepEqual(read(second).toSorted(), ['ann', 'bob', 'gone', 'rich'])
  await second.broker.reload(configOf(['bob'], 'publisher', { persistence: { durability: 'disk' } }))
  assert.deepEqual(read(second), ['bob'])
  await second.close()
})

test('retained-check: a plugin that answers later holds up that subscriber alone, and nothing is sent twice or lost', async () => {
  const answers: ((yes: boolean) => void)[] = []
  let asksLater = false
  const slow: Plugin = {
    name: 'slow',
    mayPublish: () => (asksLater ? new Promise<boolean>((resolve) => answers.push(resolve)) : true),
    maySubscribe: () => true,
  }
  const topicCheck = { plugins: [slow], 'retained-check': 'publisher' } as const
  const broker = await VirtualBroker.start({ listeners: {}, auth: { plugins: [named] }, 'topic-check': topicCheck })
  for (const topic of ['a', 'b', 'c']) enter(broker, 'ann').publish(topic, topic, 0, { retain: true })
  asksLater = true
  const reader = enter(broker, 'reader')
  reader.subscribe('#')
  assert.deepEqual([reader.takePayloads(), answers.length], [[], 1])
  const other = enter(broker, 'other')
  other.subscribe('a')
  other.drop()
  for (const yes of [true, false, true]) {
    const answer = answers.shift()!
    if (answers.length > 0) answers.shift()!(true) // for the one that is gone
    answer(yes)
    await broker.settle()
  }
  assert.deepEqual(reader.takePayloads(), ['a', 'c'])
  assert.equal(answers.length, 0)
  assert.equal(broker.broker.metrics.dropped['publisher not authorized'], 1)
  await broker.close()
})

test('the user name that is kept with a retained message is charged to its user', async () => {
  const userName = 'n'.repeat(5000)
  const broker = await VirtualBroker.start({ listeners: {}, auth: { plugins: [named] } })
  const client = enter(broker, userName, 'a')
  const before = broker.broker.memory.bytes
  client.publish('a', 'x', 0, { retain: true })
  const more = broker.broker.memory.bytes - before
  assert.ok(more >= 5000 && more < 12_000, `${more} bytes`)
  client.publish('a', '', 0, { retain: true })
  assert.equal(broker.broker.memory.bytes, before)
  await broker.close()
})
