import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plugin } from '../../../src/access/plugin.ts'
import type { SubscriptionInput, SubscriptionResult } from '../../../src/broker/host/client-subscriptions.ts'
import type { PublishPacket } from '../../../src/codec/packets.ts'
import type { ProtocolVersion } from '../../../src/codec/packet-types.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const KEPT = { clientId: 'meter', cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const

async function subscribeFor(
  broker: VirtualBroker,
  subscriptions: readonly (string | SubscriptionInput)[],
  options = {},
  clientId = 'meter',
): Promise<readonly SubscriptionResult[] | undefined> {
  const inputs = subscriptions.map((one) => (typeof one === 'string' ? { topicFilter: one, qos: 1 as const } : one))
  const done = broker.broker.subscribeFor(clientId, inputs, options)
  await broker.settle()
  return done
}

async function unsubscribeFor(broker: VirtualBroker, ...topicFilters: string[]): Promise<number[] | undefined> {
  const done = broker.broker.unsubscribeFor('meter', topicFilters)
  await broker.settle()
  return (await done)?.map(({ reasonCode }) => reasonCode)
}

const codesOf = (results: readonly SubscriptionResult[] | undefined): number[] =>
  results!.map(({ reasonCode }) => reasonCode)

/** `topic payload` of each PUBLISH, with an `r` for RETAIN. */
const pictures = (packets: readonly PublishPacket[]): string[] =>
  packets.map(
    ({ topicName, payload, retain }) => `${topicName} ${Buffer.from(payload).toString()}${retain ? ' r' : ''}`,
  )

for (const version of [3, 4, 5] as const satisfies readonly ProtocolVersion[]) {
  const client = { clientId: 'meter', version, cleanStart: false, properties: version === 5 ? KEPT.properties : {} }

  test(`version ${version}: a connected client gets what is subscribed for it, retained messages first, until it is unsubscribed`, async () => {
    const broker = await VirtualBroker.start()
    const meter = broker.connect(client)
    const sensor = broker.connect({ clientId: 'sensor' })
    sensor.publish('power/l1', 'kept', 1, { retain: true })
    assert.deepEqual(await subscribeFor(broker, ['power/#', { topicFilter: 'light/+', qos: 2 }]), [
      { topicFilter: 'power/#', reasonCode: 1 },
      { topicFilter: 'light/+', reasonCode: 2 },
    ])
    sensor.publish('power/l2', 'live', 1)
    assert.deepEqual(pictures(meter.receiveAll()), ['power/l1 kept r', 'power/l2 live'])
    assert.deepEqual(await unsubscribeFor(broker, 'power/#', 'never'), [0, ReasonCode.NoSubscriptionExisted])
    sensor.publish('power/l2', 'later', 1)
    assert.deepEqual(meter.receiveAll(), [])
    await broker.close()
  })

  test(`version ${version}: a client that is away has it when it is back: what came meanwhile, and retained messages above QoS 0`, async () => {
    const broker = await VirtualBroker.start()
    broker.connect(client).drop()
    const sensor = broker.connect({ clientId: 'sensor' })
    sensor.publish('kept/one', 'QoS 1', 1, { retain: true })
    sensor.publish('kept/zero', 'QoS 0', 0, { retain: true })
    assert.deepEqual(codesOf(await subscribeFor(broker, ['#'])), [1])
    sensor.publish('live', 'QoS 1', 1)
    sensor.publish('live', 'QoS 0', 0)
    const meter = broker.connect(client)
    assert.deepEqual(pictures(meter.receiveAll()).toSorted(), ['kept/one QoS 1 r', 'live QoS 1'])
    assert.deepEqual(meter.unsubscribe('#').reasonCodes, version === 5 ? [0] : [])
    await broker.close()
  })
}

test('Retain Handling, No Local, Retain As Published and the Subscription Identifier mean what they mean in a SUBSCRIBE', async () => {
  const broker = await VirtualBroker.start()
  const meter = broker.connect(KEPT)
  meter.publish('a', 'kept', 1, { retain: true })
  meter.take()
  const always = { topicFilter: 'a', qos: 1 } as const
  await subscribeFor(broker, [{ ...always, retainHandling: 2 }])
  assert.deepEqual(meter.receiveAll(), [])
  await subscribeFor(broker, [{ ...always, retainHandling: 1 }])
  assert.deepEqual(meter.receiveAll(), [])
  await subscribeFor(broker, [{ ...always, retainHandling: 0 }], { subscriptionIdentifier: 7 })
  const [replayed] = meter.receiveAll()
  assert.deepEqual(replayed!.properties.subscriptionIdentifiers, [7])
  await subscribeFor(broker, [{ ...always, noLocal: true, retainAsPublished: true, retainHandling: 2 }])
  meter.publish('a', 'own', 1)
  broker.connect({ clientId: 'sensor' }).publish('a', 'other', 1, { retain: true })
  assert.deepEqual(pictures(meter.receiveAll()), ['a other r'])
  await broker.close()
})

test('the limits of its listener hold: QoS, subscriptions, topic levels, and what is switched off', async () => {
  const broker = await VirtualBroker.start({
    'max-qos': 1,
    'max-subscriptions': 2,
    'max-topic-levels': 3,
    'shared-subscriptions': false,
    'subscription-identifiers': false,
  })
  for (const isAway of [false, true]) {
    const meter = broker.connect({ ...KEPT, cleanStart: true })
    if (isAway) meter.drop()
    const wanted = [{ topicFilter: 'a', qos: 2 } as const, 'a/b/c/d', '$share/group/a', 'b', 'c']
    assert.deepEqual(codesOf(await subscribeFor(broker, wanted)), [
      1,
      ReasonCode.QuotaExceeded,
      ReasonCode.SharedSubscriptionsNotSupported,
      1,
      ReasonCode.QuotaExceeded,
    ])
    assert.equal(meter.isClosed, isAway)
  }
  await assert.rejects(broker.broker.subscribeFor('meter', [{ topicFilter: 'a' }], { subscriptionIdentifier: 1 }), {
    code: 'ERR_USAGE',
    message: 'Subscription Identifiers are disabled (subscription-identifiers)',
  })
  await broker.close()
})

test('at the memory limit of a session, of its user or of the broker, further filters are refused and counted, and the others stay', async () => {
  const limits = [
    ['max-memory-per-session', 'memoryRefusedSession'],
    ['max-memory-per-user', 'memoryRefusedUser'],
    ['max-memory', 'memoryRefusedBroker'],
  ] as const
  for (const [option, counter] of limits) {
    for (const isConnected of [true, false]) {
      const broker = await VirtualBroker.start({ 'max-memory-per-user': 0, [option]: 60_000 } as ConfigInput)
      const meter = broker.connect(KEPT)
      if (!isConnected) meter.drop()
      const filters = Array.from({ length: 100 }, (_, at) => `${'x'.repeat(1000)}/${at}`)
      const codes = codesOf(await subscribeFor(broker, filters))
      const granted = codes.filter((code) => code === 1).length
      assert.ok(granted > 0 && granted < 100, `${option}: ${granted} granted`)
      assert.deepEqual(new Set(codes.slice(granted)), new Set([ReasonCode.QuotaExceeded]))
      assert.equal(broker.broker.metrics[counter], 100 - granted)
      assert.equal((await broker.broker.session('meter'))?.subscriptions.length, granted)
      assert.deepEqual(await unsubscribeFor(broker, ...filters.slice(0, granted)), Array<number>(granted).fill(0))
      assert.equal(codesOf(await subscribeFor(broker, ['small']))[0], 1, 'there is room again')
      await broker.close()
    }
  }
})

test('permission is asked as for the client itself, connected or not, at once or later', async () => {
  const asked: string[] = []
  const plugin = (answer: (filter: string) => boolean | Promise<boolean>): Plugin => ({
    name: 'rules',
    maySubscribe: ({ clientId, userName, address }, filter) => {
      asked.push(`${clientId} ${userName} ${address}`)
      return answer(filter)
    },
    mayPublish: () => true,
  })
  for (const isLate of [false, true]) {
    const answer = (filter: string): boolean => filter.startsWith('own/')
    const rules = plugin((filter) => (isLate ? Promise.resolve(answer(filter)) : answer(filter)))
    const broker = await VirtualBroker.start({ 'topic-check': { plugins: [rules] } })
    const refused: string[] = []
    broker.broker.on('subscribeRefused', ({ client, topicFilter }) => refused.push(`${client.clientId} ${topicFilter}`))
    for (const isAway of [false, true]) {
      const meter = broker.connect({ ...KEPT, peer: { address: '192.0.2.7' } })
      if (isAway) meter.drop()
      assert.deepEqual(codesOf(await subscribeFor(broker, ['own/#', 'other/#'])), [1, ReasonCode.NotAuthorized])
    }
    assert.deepEqual(refused, ['meter other/#', 'meter other/#'])
    await broker.close()
  }
  assert.deepEqual(new Set(asked), new Set(['meter undefined 192.0.2.7']))
})

test('a Shared Subscription is one: its messages go to one member', async () => {
  const broker = await VirtualBroker.start()
  const meter = broker.connect(KEPT)
  const other = broker.connect({ clientId: 'other' })
  other.subscribe('$share/group/a', 1)
  await subscribeFor(broker, ['$share/group/a'])
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let count = 0; count < 10; count++) sensor.publish('a', 'x', 1)
  const [mine, others] = [meter.receiveAll().length, other.receiveAll().length]
  assert.ok(mine > 0 && others > 0)
  assert.equal(mine + others, 10)
  await broker.close()
})

const STORED = { listeners: {}, 'sys-interval': 0, persistence: { path: '/store' } } satisfies ConfigInput

test('it resolves once it is stored, and is there after a restart', async () => {
  const disk = new MemoryDisk()
  const broker = await VirtualBroker.start(STORED, { disk })
  broker.connect(KEPT)
  await broker.settle()
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  disk.options.before = (operation) => (operation === 'append' ? held : undefined)
  let isDone = false
  const done = broker.broker.subscribeFor('meter', [{ topicFilter: 'a', qos: 1 }]).then(() => (isDone = true))
  await broker.settle()
  assert.equal(isDone, false)
  delete disk.options.before
  release()
  await broker.settle()
  await done
  await broker.close()
  const again = await VirtualBroker.start(STORED, { disk })
  const subscriptions = async () => (await again.broker.session('meter'))!.subscriptions
  assert.deepEqual(await subscriptions(), [{ topicFilter: 'a', qos: 1 }])
  // Nothing is known of its Client beyond its names: it has not been here since the restart.
  assert.deepEqual(codesOf(await subscribeFor(again, ['b'])), [1])
  assert.deepEqual(await unsubscribeFor(again, 'a'), [0])
  assert.deepEqual(await subscriptions(), [{ topicFilter: 'b', qos: 1 }])
  await again.close()
})

test('while the store is behind it waits, and a broker that closes meanwhile rejects', async () => {
  const disk = new MemoryDisk()
  const broker = await VirtualBroker.start({ ...STORED, 'max-uncommitted-bytes': 65_536 }, { disk })
  const meter = broker.connect(KEPT)
  await broker.settle()
  meter.subscribe('news', 1)
  await broker.settle()
  meter.drop()
  const publisher = broker.connect({ clientId: 'publisher' })
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  disk.options.before = (operation) => (operation === 'append' ? held : undefined)
  for (let count = 0; count < 100; count++) publisher.publish('news', Buffer.alloc(1000, count), 1)
  assert.equal(publisher.isPaused, true)
  const done = broker.broker.subscribeFor('meter', [{ topicFilter: 'a', qos: 1 }])
  await broker.settle()
  assert.equal((await broker.broker.session('meter'))!.subscriptions.length, 1)
  delete disk.options.before
  release()
  await broker.settle()
  assert.deepEqual(codesOf(await done), [1])
  await broker.close()
})

test('a call that a plugin never answers is rejected when the broker closes, and undefined when the session ends', async () => {
  const never: Plugin = { name: 'never', maySubscribe: () => new Promise(() => {}), mayPublish: () => true }
  const broker = await VirtualBroker.start(
    { 'topic-check': { plugins: [never] }, 'plugin-timeout': 3600 },
    {},
    new VirtualClock(),
  )
  broker.connect(KEPT)
  broker.connect({ ...KEPT, clientId: 'other' })
  const ended = broker.broker.subscribeFor('other', [{ topicFilter: 'a' }])
  const closed = assert.rejects(broker.broker.subscribeFor('meter', [{ topicFilter: 'a' }]), {
    code: 'ERR_USAGE',
    message: 'the broker was closed before the subscriptions were stored',
  })
  void broker.broker.endSession('other')
  await broker.settle()
  assert.equal(await ended, undefined)
  await broker.close()
  await closed
})

test('what is no subscription is named, and changes nothing', async () => {
  const broker = await VirtualBroker.start()
  broker.connect(KEPT)
  const cases: readonly (readonly [inputs: unknown, message: RegExp])[] = [
    [[], /^subscriptions must be a list with at least one entry/],
    ['a', /^subscriptions must be a list/],
    [[null], /^a subscription is an object with a topicFilter, got nothing/],
    [[{ topicFilter: 5 }], /^a topic filter is a string, got 5/],
    [[{ topicFilter: 'a/#/b' }], /^not a topic filter: a\/#\/b: # must be the last Topic Level/],
    [[{ topicFilter: '' }], /^not a topic filter/],
    [[{ topicFilter: '$share/a+/b' }], /^not a topic filter/],
    [[{ topicFilter: 'good' }, { topicFilter: 'a', qos: 3 }], /"a": qos must be 0 or 1 or 2, got 3/],
    [[{ topicFilter: 'a', noLocal: 1 }], /noLocal must be false or true, got 1/],
    [[{ topicFilter: 'a', retainAsPublished: 'x' }], /retainAsPublished must be/],
    [[{ topicFilter: 'a', retainHandling: 3 }], /retainHandling must be 0 or 1 or 2/],
    [[{ topicFilter: '$share/a/b', noLocal: true }], /noLocal must be false for a Shared Subscription/],
  ]
  for (const [inputs, message] of cases) {
    const refused = assert.rejects(broker.broker.subscribeFor('meter', inputs as SubscriptionInput[]), {
      code: 'ERR_USAGE',
      message,
    })
    await broker.settle()
    await refused
  }
  for (const identifier of [0, 1.5, 268_435_456, '1']) {
    const options = { subscriptionIdentifier: identifier as number }
    await assert.rejects(
      broker.broker.subscribeFor('meter', [{ topicFilter: 'a' }], options),
      /subscriptionIdentifier must/,
    )
  }
  await assert.rejects(broker.broker.unsubscribeFor('meter', []), /topicFilters must be a list/)
  const refused = assert.rejects(broker.broker.unsubscribeFor('meter', ['a/#/b']), /not a topic filter/)
  await broker.settle()
  await refused
  assert.equal(await broker.broker.subscribeFor('nobody', [{ topicFilter: 'a' }]), undefined)
  assert.equal(await broker.broker.unsubscribeFor('nobody', ['a']), undefined)
  assert.deepEqual((await broker.broker.session('meter'))!.subscriptions, [])
  await broker.close()
})
