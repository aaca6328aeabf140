import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plugin } from '../../../src/access/plugin.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { allOf, settled } from './support.ts'

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const
const everybody: Plugin = { name: 'everybody', authenticate: () => ({ decision: 'allow' }) }
const MANY = { 'max-connections': 0, 'max-memory': 0, 'max-sessions': 0, 'max-sessions-per-user': 0 } as const

test('the overview has the broker at a glance', async () => {
  const broker = await VirtualBroker.start()
  const meter = broker.connect({ clientId: 'meter', ...KEPT })
  meter.subscribe(['a', '$share/g/b'], 1)
  broker.connect({ clientId: 'away', ...KEPT }).subscribe('a', 1)
  const sensor = broker.connect({ clientId: 'sensor' })
  await broker.broker.disconnect('away')
  sensor.publish('a', '12345', 1, { retain: true })
  broker.advance(5000)
  const overview = await settled(broker, broker.broker.admin.overview())
  const { version, bytesReceived, bytesSent, memoryBytes, queuedBytes, longestTurnMs, ...rest } = overview
  assert.deepEqual(rest, {
    uptimeSeconds: 5,
    clients: 2,
    sessions: 3,
    sessionsAway: 1,
    subscriptions: 3,
    retainedMessages: 1,
    queuedMessages: 1,
    inflightMessages: 1,
    messagesReceived: 1,
    messagesSent: 1,
    messagesDropped: 0,
    memoryLimit: broker.broker.memory.limit,
    storeCondition: undefined,
  })
  assert.match(version, /^\d+\.\d+\.\d+/)
  assert.ok(bytesReceived > 0 && bytesSent > 0 && memoryBytes > 0 && queuedBytes > 0 && longestTurnMs >= 0)
  await broker.close()
  const stored = await VirtualBroker.start({ persistence: { path: '/store' } }, { disk: new MemoryDisk() })
  assert.equal((await settled(stored, stored.broker.admin.overview())).storeCondition, 'well')
  await stored.close()
})

test('clients and sessions are found by user, listener, address, version and whether they are connected', async () => {
  const broker = await VirtualBroker.start({ auth: { plugins: [everybody] } })
  broker.connect({ clientId: 'a', userName: 'ann', peer: { address: '192.0.2.1' } })
  broker.connect({ clientId: 'b', userName: 'bob', version: 4, peer: { address: '192.0.2.2', listener: 'other' } })
  broker.connect({ clientId: 'c', userName: 'ann', ...KEPT }).drop()
  const { admin } = broker.broker
  const ids = async (page: Promise<{ items: readonly { clientId: string }[] }>) =>
    (await settled(broker, page)).items.map(({ clientId }) => clientId).toSorted()
  assert.deepEqual(await ids(admin.clients()), ['a', 'b'])
  assert.deepEqual(await ids(admin.clients({ userName: 'ann' })), ['a'])
  assert.deepEqual(await ids(admin.clients({ listener: 'other' })), ['b'])
  assert.deepEqual(await ids(admin.clients({ address: '192.0.2.1' })), ['a'])
  assert.deepEqual(await ids(admin.clients({ protocolVersion: 4 })), ['b'])
  assert.deepEqual(await ids(admin.clients({ protocolVersion: 4, userName: 'ann' })), [])
  assert.deepEqual(await ids(admin.sessions()), ['a', 'b', 'c'])
  assert.deepEqual(await ids(admin.sessions({ userName: 'ann' })), ['a', 'c'])
  assert.deepEqual(await ids(admin.sessions({ connected: false })), ['c'])
  const few = await settled(broker, admin.clients({ fields: ['clientId', 'sendQuota'], userName: 'ann' }))
  assert.deepEqual(few, { items: [{ clientId: 'a', sendQuota: 1000 }], cursor: undefined })
  assert.equal((await settled(broker, admin.client({ clientId: 'a' })))?.userName, 'ann')
  assert.equal(await settled(broker, admin.client({ clientId: 'c' })), undefined)
  assert.equal((await settled(broker, admin.session({ clientId: 'c' })))?.connected, false)
  await broker.close()
})

test('subscriptions are listed once each in full pages, by client, filter, topic, or whether they are shared', async () => {
  const broker = await VirtualBroker.start()
  for (let at = 0; at < 20; at++) {
    broker.connect({ clientId: `c${at}` }).subscribe([`own/${at}`, 'a/+', '$share/g/a/b'], 1)
  }
  const { admin } = broker.broker
  for (const limit of [1, 7, 59, 60, 61]) {
    const { items, pages } = await allOf(broker, (cursor) => admin.subscriptions({ limit, cursor }))
    assert.equal(new Set(items.map(({ clientId, topicFilter }) => `${clientId} ${topicFilter}`)).size, 60)
    assert.equal(items.length, 60)
    assert.equal(pages, Math.ceil(60 / limit))
  }
  const count = async (query: Parameters<typeof admin.subscriptions>[0]): Promise<number> =>
    (await allOf(broker, (cursor) => admin.subscriptions({ ...query, limit: 3, cursor }))).items.length
  assert.equal(await count({ clientId: 'c7' }), 3)
  assert.equal(await count({ clientId: 'nobody' }), 0)
  assert.equal(await count({ topicFilter: 'own/7' }), 1)
  assert.equal(await count({ topic: 'a/b' }), 40)
  assert.equal(await count({ topic: 'a/b', isShared: false }), 20)
  assert.equal(await count({ isShared: true }), 20)
  const [one] = (await settled(broker, admin.subscriptions({ clientId: 'c7', topicFilter: '$share/g/a/b' }))).items
  assert.deepEqual(one, {
    clientId: 'c7',
    topicFilter: '$share/g/a/b',
    isShared: true,
    qos: 1,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    subscriptionIdentifiers: [],
  })
  for (const cursor of ['x', Buffer.from('{}').toString('base64url'), Buffer.from('["a"]').toString('base64url')]) {
    await assert.rejects(settled(broker, admin.subscriptions({ cursor })), {
      code: 'ERR_USAGE',
      message: / is not a cursor/,
    })
  }
  await broker.close()
})

test('a session with very many subscriptions is listed once each, a window of them at a time', async () => {
  const broker = await VirtualBroker.start({ 'max-subscriptions': 5_000, 'max-filters-per-packet': 5_000 })
  const client = broker.connect({ clientId: 'many' })
  client.subscribe(Array.from({ length: 5_000 }, (_, at) => `a/${at}`))
  await broker.settle()
  const { admin } = broker.broker
  for (const query of [{}, { clientId: 'many' }]) {
    const { items } = await allOf(broker, (cursor) => admin.subscriptions({ ...query, limit: 1000, cursor }))
    assert.equal(items.length, 5_000)
    assert.equal(new Set(items.map(({ topicFilter }) => topicFilter)).size, 5_000)
  }
  const found = await allOf(broker, (cursor) => admin.subscriptions({ topicFilter: 'a/4999', cursor }))
  assert.equal(found.items.length, 1)
  await broker.close()
})

test('a page of subscriptions goes on where the one before ended, though its session or its filter is gone', async () => {
  const broker = await VirtualBroker.start()
  const clients = Array.from({ length: 10 }, (_, at) => broker.connect({ clientId: `c${at}` }))
  for (const client of clients) client.subscribe(['a', 'b', 'c'], 1)
  const { admin } = broker.broker
  const { items: all } = await settled(broker, admin.subscriptions())
  const names = (items: readonly { clientId: string; topicFilter: string }[]): string[] =>
    items.map(({ clientId, topicFilter }) => `${clientId} ${topicFilter}`)
  const { items, cursor } = await settled(broker, admin.subscriptions({ limit: 14 }))
  const last = items.at(-1)!
  const client = clients[Number(last.clientId.slice(1))]!
  client.unsubscribe(last.topicFilter)
  assert.deepEqual(names((await settled(broker, admin.subscriptions({ cursor }))).items), names(all.slice(14)))
  client.disconnect()
  const left = all.slice(14).filter(({ clientId }) => clientId !== last.clientId)
  assert.deepEqual(names((await settled(broker, admin.subscriptions({ cursor }))).items), names(left))
  await broker.close()
})

test('retained messages are listed by filter, a page at a time, each once', async () => {
  const broker = await VirtualBroker.start()
  const sensor = broker.connect({ clientId: 'sensor' })
  const receivedAtMs = Math.round(broker.clock.wallNow())
  for (let at = 0; at < 30; at++) sensor.publish(`value/${at}`, 'x'.repeat(at + 1), 1, { retain: true })
  sensor.publish('brief', 'x', 2, { retain: true, properties: { messageExpiryInterval: 60 } })
  void broker.broker.publish('$SYS/own', 'x', { retain: true })
  const { admin } = broker.broker
  for (const limit of [1, 10, 30, 31, 100]) {
    const { items, pages } = await allOf(broker, (cursor) => admin.retained({ limit, cursor }))
    assert.equal(new Set(items.map(({ topic }) => topic)).size, 31)
    assert.equal(items.length, 31)
    assert.equal(pages, Math.ceil(31 / limit))
  }
  assert.equal((await settled(broker, admin.retained({ topicFilter: 'value/+' }))).items.length, 30)
  assert.equal((await settled(broker, admin.retained({ topicFilter: '$SYS/#' }))).items.length, 1)
  assert.deepEqual((await settled(broker, admin.retained({ topicFilter: 'brief' }))).items, [
    {
      topic: 'brief',
      qos: 2,
      payloadBytes: 1,
      publisher: 'sensor',
      receivedAtMs,
      expiresAtMs: receivedAtMs + 60_000,
    },
  ])
  await assert.rejects(settled(broker, admin.retained({ topicFilter: 'a/#/b' })), {
    code: 'ERR_USAGE',
    message: /^"a\/#\/b" is no topic filter/,
  })
  await assert.rejects(settled(broker, admin.retained({ cursor: 'not ours!' })), { code: 'ERR_USAGE' })
  await broker.close()
})

test('drops are counted by cause, with what each means', async () => {
  const broker = await VirtualBroker.start({ 'max-queued-messages': 1 })
  broker.connect({ clientId: 'meter', ...KEPT }).subscribe('#', 1)
  await broker.broker.disconnect('meter')
  const sensor = broker.connect({ clientId: 'sensor' })
  for (const qos of [0, 1, 1, 1] as const) sensor.publish('a', 'x', qos)
  const drops = await settled(broker, broker.broker.admin.drops())
  assert.deepEqual(
    drops.filter(({ messages }) => messages > 0).map(({ cause, messages }) => [cause, messages]),
    [
      ['not connected', 1],
      ['queue full', 2],
    ],
  )
  assert.ok(drops.every(({ description }) => description.endsWith('.')))
  await broker.close()
})

test('slow subscribers are the connected clients with the most that they have not taken', async () => {
  const broker = await VirtualBroker.start({ 'max-inflight-messages': 1, 'max-outgoing-bytes': 65_536 })
  broker.connect({ clientId: 'good' }).subscribe('a/#', 0)
  for (const [clientId, topicFilter] of [
    ['slow', 'a/small'],
    ['slower', 'a/+'],
  ] as const) {
    broker.connect({ clientId }).subscribe(topicFilter, 1)
  }
  const frozen = broker.connect({ clientId: 'frozen' })
  frozen.subscribe('a/big', 0)
  frozen.isFrozen = true
  broker.connect({ clientId: 'away', ...KEPT }).subscribe('a/#', 1)
  await broker.broker.disconnect('away')
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let count = 0; count < 3; count++) sensor.publish('a/small', 'x', 1)
  for (let count = 0; count < 3; count++) sensor.publish('a/big', 'x'.repeat(10_000), 1)
  const { admin } = broker.broker
  const slow = await settled(broker, admin.slowSubscribers())
  const facts = slow.map(({ clientId, queuedMessages }) => `${clientId} ${queuedMessages}`)
  assert.deepEqual(facts, ['slower 5', 'frozen 0', 'slow 2'])
  assert.ok(slow[1]!.unsentBytes > 30_000)
  assert.deepEqual(
    (await settled(broker, admin.slowSubscribers({ limit: 1 }))).map(({ clientId }) => clientId),
    ['slower'],
  )
  await broker.close()
})

test('the configuration is shown as it is resolved, without secrets', async () => {
  const plugin: Plugin = { name: 'mine', authenticate: () => ({ decision: 'allow' }) }
  const secret = 'eivohSh7'
  const config = {
    'max-qos': 1 as const,
    listeners: {},
    auth: {
      plugins: [plugin, 'auth.http'],
      http: { url: 'https://auth.example/login', headers: { 'x-key': secret } },
    },
  }
  const broker = await VirtualBroker.start(config)
  const shown = await settled(broker, broker.broker.admin.configuration())
  const text = JSON.stringify(shown)
  assert.ok(!text.includes(secret), text)
  assert.deepEqual(JSON.parse(text), shown)
  assert.deepEqual([shown['maxQos'], shown['maxPacketSize']], [1, broker.broker.options.maxPacketSize])
  const auth = shown['auth'] as { readonly plugins: unknown; readonly http: Record<string, unknown> }
  assert.deepEqual(auth.plugins, ['mine', 'auth.http'])
  assert.deepEqual([auth.http['url'], auth.http['headers']], ['https://auth.example/login', '(hidden)'])
  await broker.close()
})

test('lists that find little among very many take little of a turn, and others are served meanwhile', async () => {
  const broker = await VirtualBroker.start(MANY)
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let at = 0; at < 20_000; at++) {
    broker.connect({ clientId: `c${at}`, properties: { sessionExpiryInterval: 100 } }).disconnect()
  }
  for (let at = 0; at < 20_000; at++) sensor.publish(`value/${at}/x`, 'x', 0, { retain: true })
  const { admin } = broker.broker
  const counted = broker.broker.metrics as { mostTurnWork: number }
  for (const [name, ask] of Object.entries({
    clients: () => admin.clients({ userName: 'nobody' }),
    sessions: () => admin.sessions({ userName: 'nobody' }),
    subscriptions: () => admin.subscriptions({ topic: 'nothing' }),
    retained: () => admin.retained({ topicFilter: 'value/+/y' }),
    slowSubscribers: () => admin.slowSubscribers(),
  })) {
    counted.mostTurnWork = 0
    const { turns } = broker.broker.metrics
    const answer = await settled<object>(broker, ask())
    const { items = answer } = answer as { readonly items?: unknown }
    assert.deepEqual(items, [], name)
    if (name === 'retained') assert.ok(broker.broker.metrics.turns > turns, name)
    assert.ok(counted.mostTurnWork < 130_000, `${name}: ${counted.mostTurnWork} units in one turn`)
  }
  await broker.close()
})

test('a page of a thousand clients is gathered in slices, so that others are served meanwhile', async () => {
  const broker = await VirtualBroker.start()
  for (let number = 0; number < 1000; number++) broker.connect({ clientId: `client-${number}` })
  let turns = 0
  let isThere = false
  const page = broker.broker.admin.clients({ limit: 1000 }).finally(() => (isThere = true))
  // The first waits for the module.
  await broker.broker.admin.drops()
  while (!isThere) {
    broker.clock.runTurns()
    turns++
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  assert.equal((await page).items.length, 1000)
  assert.ok(turns >= 2, `${turns} turns after the first`)
  await broker.close()
})
