/**
 * Nothing denied arrives: what was queued, replayed or sent while a Client might still receive it is judged again when
 * its turn comes and rights have changed since. Where nothing has changed, nobody is asked twice.
 */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { BrokerEvents } from '../../../src/access/broker-events.ts'
import type { Plugin, PluginContext } from '../../../src/access/plugin.ts'
import { type PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { sessionsOf } from '../../support/sessions.ts'

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const

/** Lets everybody do everything, but receive what is closed. */
class Rules implements Plugin {
  readonly name = 'rules'
  readonly stable: boolean
  readonly closed = new Set<string>()
  asked = 0
  context: PluginContext | undefined

  constructor(stable = true) {
    this.stable = stable
  }
  mayPublish = () => true
  maySubscribe = () => true
  mayReceive = ({ clientId, userName }: { clientId: string; userName: string | undefined }, topicName: string) => {
    this.asked++
    return [topicName, `${clientId} ${topicName}`, `${userName}: ${topicName}`].every((key) => !this.closed.has(key))
  }

  /** From now on nobody may receive that. */
  close(): undefined
  close(...topics: string[]): void
  close(...topics: string[]): void {
    for (const topic of topics) this.closed.add(topic)
    if (topics.length > 0) this.context?.changed()
  }
}

interface Setup {
  readonly broker: VirtualBroker
  readonly rules: Rules
  readonly dropped: string[]
}

async function setUp(t: TestContext, config: object = {}, rules = new Rules(), disk?: MemoryDisk): Promise<Setup> {
  const plugin = (context: PluginContext): Plugin => {
    rules.context = context
    return rules
  }
  const all = { 'topic-check': { plugins: [{ plugin }] }, ...config }
  const broker = await VirtualBroker.start(all, disk === undefined ? {} : { disk })
  t.after(() => broker.close())
  const dropped: string[] = []
  broker.broker.on('dropped', ({ clientId, message, cause }: BrokerEvents['dropped']) => {
    dropped.push(`${clientId} ${message.topicName}: ${cause}`)
  })
  return { broker, rules, dropped }
}

function topics(client: TestClient): string[] {
  return client.receiveAll().map(({ topicName }) => topicName)
}

/** A Client that has subscribed at that QoS, is away, and has messages of these topics waiting. */
function sleeper(broker: VirtualBroker, waiting: readonly string[], clientId = 'sleeper', filter = '#'): void {
  const client = broker.connect({ clientId, ...KEPT })
  client.subscribe(filter, 2)
  client.drop()
  const sensor = broker.connect({ clientId: 'sensor' })
  for (const topic of waiting) sensor.publish(topic, 'x', 1)
}

test('what waits for an absent Client is judged again when it is back', async (t) => {
  const { broker, rules, dropped } = await setUp(t)
  sleeper(broker, ['a', 'b', 'a', 'c'])
  rules.close('a')
  assert.deepEqual(topics(broker.connect({ clientId: 'sleeper', ...KEPT })), ['b', 'c'])
  assert.deepEqual(dropped, ['sleeper a: not authorized', 'sleeper a: not authorized'])
  assert.equal(broker.broker.metrics.dropped['not authorized'], 2)
})

test('what waits behind a full window is judged again when there is room', async (t) => {
  const { broker, rules, dropped } = await setUp(t)
  const client = broker.connect({ clientId: 'c', properties: { receiveMaximum: 1 } })
  client.subscribe('#', 1)
  const sensor = broker.connect({ clientId: 'sensor' })
  for (const topic of ['a', 'b', 'c']) sensor.publish(topic, 'x', 1)
  rules.close('b')
  sensor.publish('d', 'x', 1)
  assert.deepEqual(topics(client), ['a', 'c', 'd'])
  assert.deepEqual(dropped, ['c b: not authorized'])
})

test('where rights are as they were, nobody is asked twice about a message', async (t) => {
  const { broker, rules } = await setUp(t)
  sleeper(broker, ['a', 'a', 'a', 'a'])
  assert.equal(rules.asked, 1, 'once for the topic')
  assert.deepEqual(topics(broker.connect({ clientId: 'sleeper', ...KEPT })).length, 4)
  assert.equal(rules.asked, 1)
})

test('a plugin whose answers may change at any time is asked again about what has waited', async (t) => {
  const { broker, rules, dropped } = await setUp(t, {}, new Rules(false))
  sleeper(broker, ['a', 'b'])
  rules.closed.add('a') // without a word
  assert.deepEqual(topics(broker.connect({ clientId: 'sleeper', ...KEPT })), ['b'])
  assert.deepEqual(dropped, ['sleeper a: not authorized'])
})

test('a reload with other rules counts as a change', async (t) => {
  const aclOf = (...filters: string[]) => ({ 'topic-check': { acl: { anonymous: filters } } })
  const auth = { auth: { 'allow-anonymous': true } }
  const broker = await VirtualBroker.start({ ...auth, ...aclOf('#') })
  t.after(() => broker.close())
  sleeper(broker, ['a', 'b'])
  await broker.broker.reload({ listeners: {}, 'sys-interval': 0, ...auth, ...aclOf('b', 'sensor') })
  const client = broker.connect({ clientId: 'sleeper', ...KEPT })
  assert.deepEqual(topics(client), ['b'])
})

test('a reload that begins to check topics counts as a change', async (t) => {
  const auth = { auth: { 'allow-anonymous': true } }
  const broker = await VirtualBroker.start(auth)
  t.after(() => broker.close())
  sleeper(broker, ['a', 'b'])
  await broker.broker.reload({
    ...{ listeners: {}, 'sys-interval': 0, ...auth },
    'topic-check': { acl: { anonymous: ['b'] } },
  })
  assert.deepEqual(topics(broker.connect({ clientId: 'sleeper', ...KEPT })), ['b'])
})

test('another user who takes the Session over gets nothing that it may not receive', async (t) => {
  const everybody: Plugin = { name: 'everybody', authenticate: () => ({ decision: 'allow' }) }
  const config = { auth: { plugins: [everybody] }, 'client-id-ownership': false }
  const { broker, rules } = await setUp(t, config)
  rules.close('bob: a')
  const ann = broker.connect({ clientId: 'shared', userName: 'ann', ...KEPT })
  ann.subscribe('#', 1)
  ann.drop()
  const sensor = broker.connect({ clientId: 'sensor', userName: 's' })
  for (const topic of ['a', 'b']) sensor.publish(topic, 'x', 1)
  assert.deepEqual(topics(broker.connect({ clientId: 'shared', userName: 'bob', ...KEPT })), ['b'])
})

test('what was stored is judged by the rules of the start that delivers it', async (t) => {
  const disk = new MemoryDisk()
  const stored = { persistence: { durability: 'disk' } }
  const first = await setUp(t, stored, new Rules(), disk)
  const client = first.broker.connect({ clientId: 'sleeper', ...KEPT })
  await first.broker.settle()
  client.subscribe('#', 1)
  await first.broker.settle()
  client.drop()
  for (const topic of ['a', 'b']) first.broker.connect({ clientId: `sensor ${topic}` }).publish(topic, 'x', 1)
  await first.broker.settle()
  await disk.syncNames()

  const rules = new Rules()
  rules.closed.add('a')
  const { broker } = await setUp(t, stored, rules, disk.crash())
  const back = broker.connect({ clientId: 'sleeper', ...KEPT })
  await broker.settle()
  assert.deepEqual(topics(back), ['b'])
  await broker.settle()
  assert.equal(sessionsOf(broker.broker)[0]?.queuedMessages, 0)
})

test('QoS 1 that was sent and not acknowledged is not sent again [5.0 MQTT-4.4.0-1]', async (t) => {
  const { broker, rules, dropped } = await setUp(t)
  const client = broker.connect({ clientId: 'c', ...KEPT })
  client.subscribe('#', 1)
  const sensor = broker.connect({ clientId: 'sensor' })
  for (const topic of ['a', 'b']) sensor.publish(topic, 'x', 1)
  client.drop()
  rules.close('a')
  const again = broker.connect({ clientId: 'c', ...KEPT }).take() as PublishPacket[]
  assert.deepEqual(
    again.map(({ topicName, dup }) => [topicName, dup]),
    [['b', true]],
  )
  assert.deepEqual(dropped, ['c a: not authorized'])
})

test('QoS 2 that was sent is brought to its end without being sent again, so that its identifier is free for both', async (t) => {
  const { broker, rules, dropped } = await setUp(t)
  const client = broker.connect({ clientId: 'c', ...KEPT })
  client.subscribe('#', 2)
  broker.connect({ clientId: 'sensor' }).publish('a', 'x', 2)
  const [sent] = client.take() as PublishPacket[]
  client.drop()
  rules.close('a')
  const back = broker.connect({ clientId: 'c', ...KEPT })
  const [release, ...more] = back.take()
  assert.ok(release?.type === PacketType.PUBREL && release.packetIdentifier === sent?.packetIdentifier)
  assert.deepEqual([more, dropped], [[], ['c a: not authorized']])
  back.acknowledge(PacketType.PUBCOMP, release.packetIdentifier, 0x92)
  assert.equal(sessionsOf(broker.broker).find(({ clientId }) => clientId === 'c')?.inflightMessages, 0)
})

test('retained messages that are on their way to a new subscription are judged when each is sent', async (t) => {
  const { broker, rules } = await setUp(t)
  const count = 40_000
  for (let at = 0; at < count; at++) void broker.broker.publish(`a/${at}`, 'x', { retain: true })
  await broker.broker.publish('b', 'x')
  broker.clock.runTurns()
  const client = broker.connect({ clientId: 'c' })
  let received = 0
  let isClosed = false
  Object.defineProperty(client, 'packets', {
    value: {
      push: ({ type }: { type: number }) => {
        if (type !== PacketType.PUBLISH) return
        assert.equal(isClosed, false, 'nothing arrives behind the change')
        received++
        if (received !== 100) return
        isClosed = true
        for (let at = 0; at < count; at++) rules.closed.add(`a/${at}`)
        rules.context!.changed()
      },
      findIndex: () => -1,
    },
  })
  client.subscribe('a/#')
  broker.clock.runTurns()
  assert.ok(received < count, 'the replay takes more than one turn')
})

test('what a member of a Shared Subscription may not receive any longer goes to one that may', async (t) => {
  const { broker, rules, dropped } = await setUp(t)
  sleeper(broker, ['a', 'b'], 'one', '$share/g/+')
  const two = broker.connect({ clientId: 'two' })
  two.subscribe('$share/g/+', 1)
  rules.close('one a')
  const one = broker.connect({ clientId: 'one', ...KEPT })
  assert.deepEqual([topics(one), topics(two), dropped], [['b'], ['a'], []])
})

test('a shared message that no member may receive any longer is dropped, and goes round no more', async (t) => {
  const { broker, rules, dropped } = await setUp(t)
  sleeper(broker, ['a'], 'one', '$share/g/a')
  sleeper(broker, [], 'two', '$share/g/a')
  rules.close('one a', 'two a')
  const clients = ['one', 'two'].map((clientId) => broker.connect({ clientId, ...KEPT }))
  assert.deepEqual(clients.map(topics), [[], []])
  assert.deepEqual(dropped, ['one a: not authorized'])
})

test('thousands of messages that may not be received any longer are given up a few at a time', async (t) => {
  const { broker, rules } = await setUp(t)
  const count = 5000
  sleeper(broker, [...Array.from({ length: count }, () => 'a'), 'b'])
  rules.close('a')
  let between = 0
  const client = broker.open()
  const other = broker.connect({ clientId: 'other' })
  other.subscribe('ping')
  client.connect({ clientId: 'sleeper', ...KEPT })
  for (; client.packets.length === 0 && between < 100; between++) broker.clock.runTurns()
  assert.deepEqual(topics(client), ['b'])
  assert.equal(broker.broker.metrics.dropped['not authorized'], count)
})

test('subscriptions of the host program have no user: plugins are not asked about them, and no rule reaches them', async (t) => {
  const { broker, rules } = await setUp(t)
  const received: string[] = []
  broker.broker.subscribe('#', ({ topic }) => void received.push(topic))
  rules.close('a')
  const asked = rules.asked
  await broker.broker.publish('a', 'x', { retain: true })
  const iterator = broker.broker.subscribe('a')
  rules.context!.changed()
  assert.equal((await iterator.next()).value?.topic, 'a', 'retained messages neither')
  assert.deepEqual([received, rules.asked], [['a'], asked])
})
