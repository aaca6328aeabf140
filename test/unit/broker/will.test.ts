import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { ConnectOptions, TestClient } from '../../support/test-client.ts'
import { filled, held, member, received } from './estate-support.ts'

const WILL = { topicName: 'status', payload: Buffer.from('gone') }
const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 100 } } as const

/** A broker with somebody who listens to Wills, and a Client that has one. */
async function withWill(options: ConnectOptions = {}, config: Parameters<typeof VirtualBroker.start>[0] = {}) {
  const broker = await VirtualBroker.start(config)
  const watcher = broker.connect({ clientId: 'watcher' })
  watcher.subscribe('status', 2)
  const client = broker.connect({ will: WILL, keepAlive: 10, ...options })
  return { broker, watcher, client }
}

/** Every way in which a Network Connection can end, and whether the Will goes out. */
const ENDS: readonly (readonly [
  how: string,
  sent: boolean,
  end: (client: TestClient, broker: VirtualBroker) => void,
])[] = [
  ['DISCONNECT 0x00', false, (client) => client.disconnect()],
  ['the network is lost', true, (client) => client.drop()],
  ['the network is reset', true, (client) => client.drop(new Error('reset'))],
  ['Keep Alive passes', true, (_client, broker) => broker.advance(15_000)],
  ['a malformed packet', true, (client) => client.sendHex('f2 00')],
  ['a second CONNECT', true, (client) => client.connect()],
  ['a takeover', true, (_client, broker) => void broker.connect()],
  ['the administrator', true, (_client, broker) => void broker.broker.disconnect('client')],
  ['a packet above the limit', true, (client) => client.sendHex('30 ff ff ff 7f')],
]
for (const [how, sent, end] of ENDS) {
  test(`the Will is ${sent ? 'sent' : 'not sent'} when the end is: ${how} [5.0 MQTT-3.1.2-8] [3.1.1 MQTT-3.1.2-8]`, async () => {
    for (const version of [3, 4, 5] as const) {
      const { broker, watcher, client } = await withWill({ version })
      end(client, broker)
      broker.clock.runTurns()
      assert.ok(client.isClosed)
      assert.deepEqual(watcher.takePayloads(), sent ? ['gone'] : [], `protocol version ${version}`)
      broker.advance(1_000_000)
      assert.deepEqual(watcher.takePayloads(), [], 'never twice')
      await broker.close()
    }
  })
}

test('DISCONNECT 0x04 sends the Will [5.0 MQTT-3.14.4-3]', async () => {
  const { broker, watcher, client } = await withWill()
  client.disconnect(ReasonCode.DisconnectWithWillMessage)
  assert.deepEqual(watcher.takePayloads(), ['gone'])
  await broker.close()
})

test('a Session Expiry that DISCONNECT may not set leaves the Will armed', async () => {
  const { broker, watcher, client } = await withWill()
  client.disconnect(0, { sessionExpiryInterval: 10 })
  assert.deepEqual(watcher.takePayloads(), ['gone'])
  await broker.close()
})

test('a frozen Client that is cut leaves its Will', async () => {
  const { broker, watcher, client } = await withWill(
    { keepAlive: 0 },
    { 'drain-timeout': 1, 'max-outgoing-bytes': 1024 },
  )
  client.subscribe('flood')
  client.isFrozen = true
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let round = 0; round < 3; round++) sensor.publish('flood', Buffer.alloc(1000))
  broker.advance(3000)
  assert.ok(client.isClosed)
  assert.deepEqual(watcher.takePayloads(), ['gone'])
  await broker.close()
})

test('a broker that closes leaves Wills to its next start', async () => {
  const { broker } = await withWill()
  const published: string[] = []
  broker.broker.on('willPublished', ({ topic }) => published.push(topic))
  await broker.close()
  assert.deepEqual(published, [])
})

test('Will Delay: sent when it has passed, to the second [5.0 MQTT-3.1.3-9]', async () => {
  const will = { ...WILL, properties: { willDelayInterval: 5 } }
  const { broker, watcher, client } = await withWill({ will, ...KEPT })
  client.drop()
  broker.advance(4999)
  assert.deepEqual(watcher.takePayloads(), [])
  broker.advance(1)
  assert.deepEqual(watcher.takePayloads(), ['gone'])
  await broker.close()
})

test('Will Delay: a Session that ends first sends it then', async () => {
  const will = { ...WILL, properties: { willDelayInterval: 500 } }
  const { broker, watcher, client } = await withWill({ will, ...KEPT })
  client.drop()
  broker.advance(99_999)
  assert.deepEqual(watcher.takePayloads(), [])
  broker.advance(1)
  assert.deepEqual(watcher.takePayloads(), ['gone'])

  const short = broker.connect({ will })
  short.drop()
  assert.deepEqual(watcher.takePayloads(), ['gone'], 'Session Expiry 0 ends at once')
  await broker.close()
})

test('Will Delay: a Client that comes back in time takes it away; one with Clean Start does not [5.0 MQTT-3.1.3-9]', async () => {
  const will = { ...WILL, properties: { willDelayInterval: 50 } }
  for (const [cleanStart, expected] of [
    [false, []],
    [true, ['gone']],
  ] as const) {
    const { broker, watcher, client } = await withWill({ will, ...KEPT })
    client.drop()
    broker.advance(10_000)
    broker.connect({ ...KEPT, cleanStart })
    broker.advance(1000_000)
    assert.deepEqual(watcher.takePayloads(), expected)
    await broker.close()
  }
})

test('a Will travels with its QoS, RETAIN and properties, without the delay [5.0 MQTT-3.1.2-14] [5.0 MQTT-3.1.2-15]', async () => {
  const properties = { willDelayInterval: 1, contentType: 'text', userProperties: [['k', 'v']] as [string, string][] }
  const { broker, watcher, client } = await withWill({ will: { ...WILL, qos: 2, retain: true, properties }, ...KEPT })
  client.drop()
  broker.advance(1000)
  const [message] = watcher.receiveAll()
  assert.equal(message!.qos, 2)
  assert.deepEqual(message!.properties, { contentType: 'text', userProperties: [['k', 'v']] })
  const late = broker.connect({ clientId: 'late' })
  late.subscribe('status')
  assert.deepEqual(late.takePayloads(), ['gone'])
  await broker.close()
})

test('a Will that its Client may not publish is refused at CONNECT, and again when it is due', async () => {
  let allowed = false
  const plugin: Plugin = {
    name: 'changing',
    mayPublish: (_client, { topicName }) => topicName !== 'status' || allowed,
    maySubscribe: () => true,
  }
  const config = { 'topic-check': { plugins: [plugin] } }
  const { broker, watcher, client } = await withWill({}, config)
  assert.equal(client.connack?.reasonCode, ReasonCode.NotAuthorized)
  const old = broker.connect({ version: 4, will: WILL, clientId: 'old' })
  assert.equal(old.connack?.reasonCode, 5)
  allowed = true
  const later = broker.connect({ will: WILL, clientId: 'later' })
  assert.equal(later.connack?.reasonCode, 0)
  allowed = false
  later.drop()
  assert.deepEqual(watcher.takePayloads(), [])
  assert.equal(broker.broker.metrics.publishesRefused, 1)
  await broker.close()
})

test('a Will to $SYS/ is refused', async () => {
  const { broker, client } = await withWill({ will: { ...WILL, topicName: '$SYS/broker/uptime' } })
  assert.equal(client.connack?.reasonCode, ReasonCode.NotAuthorized)
  await broker.close()
})

for (const question of ['mayPublish', 'intercept'] as const) {
  for (const [whose, options] of [
    ['a Session that is kept', KEPT],
    ['a Session that has ended with its Connection', {}],
  ] as const) {
    for (const isStopped of [true, false]) {
      const when = isStopped ? 'not decided when the broker stops: it goes out after the next start' : 'decided late'
      test(`a Will of ${whose} that ${question} has ${when}, and not again`, async () => {
        const disk = new MemoryDisk()
        const answers: (() => void)[] = []
        let isLate = false
        const ask = <Answer>(topicName: string, answer: Answer): Answer | Promise<Answer> =>
          isLate && topicName === 'status' ? new Promise((resolve) => answers.push(() => resolve(answer))) : answer
        const plugin: Plugin =
          question === 'intercept'
            ? { name: 'late', intercept: (_client, { topic }) => ask(topic, undefined) }
            : { name: 'late', maySubscribe: () => true, mayPublish: (_client, { topicName }) => ask(topicName, true) }
        const config = { plugins: [plugin], persistence: { durability: 'disk' } } as const
        const start = async (): Promise<VirtualBroker> => {
          const broker = await VirtualBroker.start(config, { disk })
          await broker.settle()
          broker.advance(1)
          await broker.settle()
          return broker
        }
        const first = await start()
        const client = first.connect({ will: { ...WILL, retain: true }, ...options })
        await first.settle()
        isLate = true
        client.drop()
        await first.settle()
        assert.equal(answers.length, 1)
        if (!isStopped) answers[0]!()
        await first.settle()
        await first.close()
        isLate = false
        for (const expected of [['gone'], []]) {
          const later = await start()
          const watcher = later.connect({ clientId: 'watcher' })
          watcher.subscribe('status')
          await later.settle()
          assert.deepEqual(watcher.takePayloads(), expected)
          void later.broker.publish('status', '', { retain: true })
          await later.settle()
          await later.close()
        }
      })
    }
  }
}

/** A broker that stores, and a plugin that decides about Wills when the test says so. */
class LateWills {
  readonly answers: (() => void)[] = []
  disk = new MemoryDisk()
  readonly #plugin: Plugin = {
    name: 'late',
    maySubscribe: () => true,
    mayPublish: (_client, { topicName }) =>
      topicName.startsWith('late/') ? new Promise((resolve) => this.answers.push(() => resolve(true))) : true,
  }

  async start(): Promise<VirtualBroker> {
    const config = { 'topic-check': { plugins: [() => this.#plugin] }, persistence: { durability: 'disk' } } as const
    const broker = await VirtualBroker.start(config, { disk: this.disk })
    await broker.settle()
    return broker
  }

  async connect(broker: VirtualBroker, payload: string, options: ConnectOptions = KEPT): Promise<TestClient> {
    const will = { topicName: 'late/status', payload: Buffer.from(payload), retain: true } as const
    // Its right to set the Will is asked about, too.
    const client = broker.open()
    client.connect({ clientId: 'c', will, ...options })
    await this.decide(broker)
    return client
  }

  async decide(broker: VirtualBroker): Promise<void> {
    await broker.settle()
    for (const answer of this.answers.splice(0)) answer()
    await broker.settle()
  }

  /** What comes out of a start with what the disk has now, and whether anything comes again. */
  async nextStart(): Promise<string[]> {
    const { disk } = this
    this.disk = disk.crash()
    const broker = await this.start()
    const seen: string[] = []
    broker.broker.on('published', ({ message }) => {
      if (message.topicName === 'late/status') seen.push(message.text())
    })
    broker.advance(1)
    await this.decide(broker)
    await broker.close()
    this.disk = disk
    return seen.toSorted()
  }
}

test('a Will that plugins look at stays stored though its Client is back with another one', async () => {
  const wills = new LateWills()
  const broker = await wills.start()
  const first = await wills.connect(broker, 'first')
  first.drop()
  await broker.settle()
  const [decide] = wills.answers.splice(0)
  await wills.connect(broker, 'second')
  assert.deepEqual(await wills.nextStart(), ['first', 'second'])
  decide!()
  await broker.settle()
  assert.deepEqual(await wills.nextStart(), ['second'], 'the first is decided')
  await broker.close()
})

test('a Will that plugins look at stays stored though its Session was forgotten meanwhile', async () => {
  const wills = new LateWills()
  wills.disk = await filled(['one', 'two'], ['c'])
  const broker = await wills.start()
  const passing = await member(broker, 'passing')
  const { go } = held(wills.disk)
  const away = await wills.connect(broker, 'gone', { cleanStart: false })
  away.drop()
  await broker.settle()
  assert.equal(await broker.broker.session('c'), undefined)
  const [decide] = wills.answers.splice(0)
  assert.deepEqual(await wills.nextStart(), ['gone'])
  go()
  await received(broker, passing)
  assert.deepEqual(await wills.nextStart(), ['gone'], 'the Session is forgotten, the Will is not')
  decide!()
  await broker.settle()
  assert.deepEqual(await wills.nextStart(), [])
  await broker.close()
})
