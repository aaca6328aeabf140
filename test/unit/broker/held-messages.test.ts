import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { PacketType, type ProtocolVersion } from '../../../src/codec/packet-types.ts'
import { waitTable, type HeldMessageView } from '../../../src/broker/sessions/held-message-view.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { root } from '../../../tools/main.ts'

const KEPT = { clientId: 'meter', cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const

async function heldBy(broker: VirtualBroker, clientId = 'meter'): Promise<readonly HeldMessageView[]> {
  const page = await broker.broker.heldMessages(clientId)
  assert.ok(page !== undefined)
  return page.items
}

/** `state reason ahead topic` of each. */
async function pictures(broker: VirtualBroker): Promise<string[]> {
  return (await heldBy(broker)).map(({ state, waitsFor, ahead, topic }) =>
    [state, waitsFor, ahead, topic].filter((part) => part !== undefined).join(' '),
  )
}

test('what waits for a client that is away has all that is known of it, except its payload', async () => {
  const broker = await VirtualBroker.start()
  broker.connect(KEPT).subscribe('#', 1)
  broker.connect({ ...KEPT, cleanStart: false }).drop()
  broker.advance(5000)
  const receivedAtMs = Math.round(broker.clock.wallNow())
  broker.connect({ clientId: 'sensor' }).publish('power/l1', '12345', 2, { properties: { messageExpiryInterval: 60 } })
  assert.deepEqual(await heldBy(broker), [
    {
      state: 'queued',
      waitsFor: 'connection',
      ahead: 0,
      packetIdentifier: undefined,
      topic: 'power/l1',
      qos: 1,
      retain: false,
      publisher: 'sensor',
      payloadBytes: 5,
      isLoaded: true,
      receivedAtMs,
      expiresAtMs: receivedAtMs + 60_000,
      sharedSubscription: undefined,
    },
  ])
  await broker.close()
})

for (const version of [3, 4, 5] as const satisfies readonly ProtocolVersion[]) {
  test(`version ${version}: each message says what it is waiting for, from the queue to the end of its exchange`, async () => {
    const broker = await VirtualBroker.start({ 'max-inflight-messages': 2 })
    const meter = broker.connect({ clientId: 'meter', version, cleanStart: false, properties: KEPT.properties })
    meter.subscribe([
      { topicFilter: 'one', qos: 1 },
      { topicFilter: 'two', qos: 2 },
    ])
    const sensor = broker.connect({ clientId: 'sensor' })
    sensor.publish('one', 'a', 1)
    const publish = sensor.publish('two', 'b', 2)
    sensor.acknowledge(PacketType.PUBREL, publish)
    sensor.publish('one', 'c', 1)
    sensor.publish('one', 'd', 1)
    assert.deepEqual(await pictures(broker), [
      'sent PUBACK one',
      'sent PUBREC two',
      'queued send quota 0 one',
      'queued send quota 1 one',
    ])
    assert.deepEqual(
      (await heldBy(broker)).map(({ packetIdentifier }) => packetIdentifier),
      [1, 2, undefined, undefined],
    )
    meter.acknowledge(PacketType.PUBREC, 2)
    assert.equal((await pictures(broker))[1], 'released PUBCOMP two')
    meter.drop()
    assert.deepEqual(await pictures(broker), [
      'sent connection one',
      'released connection two',
      'queued connection 0 one',
      'queued connection 1 one',
    ])
    const back = broker.connect({ clientId: 'meter', version, cleanStart: false, properties: KEPT.properties })
    assert.deepEqual((await pictures(broker)).slice(0, 2), ['sent PUBACK one', 'released PUBCOMP two'])
    back.receiveAll()
    assert.deepEqual(await pictures(broker), [])
    await broker.close()
  })
}

test('a client that does not read is waited for because of its output', async () => {
  const broker = await VirtualBroker.start({ 'max-outgoing-bytes': 1024 })
  const meter = broker.connect({ clientId: 'meter' })
  meter.subscribe('#', 1)
  meter.isFrozen = true
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let count = 0; count < 4; count++) sensor.publish('a', 'x'.repeat(900), 1)
  assert.deepEqual((await pictures(broker)).at(-1), 'queued output 1 a')
  await broker.close()
})

test('a session whose CONNACK waits for the store says so', async () => {
  const disk = new MemoryDisk()
  const broker = await VirtualBroker.start({ persistence: { path: '/store' } }, { disk })
  const meter = broker.connect(KEPT)
  await broker.settle()
  meter.subscribe('#', 1)
  meter.drop()
  broker.connect({ clientId: 'sensor' }).publish('a', 'x', 1)
  await broker.settle()
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  disk.options.before = (operation) => (operation === 'append' ? held : undefined)
  broker.connect({ ...KEPT, properties: { sessionExpiryInterval: 2000 } })
  assert.deepEqual(await pictures(broker), ['queued CONNACK 0 a'])
  assert.equal((await broker.broker.client('meter'))?.state, 'accepted')
  delete disk.options.before
  release()
  await broker.settle()
  assert.deepEqual(await pictures(broker), ['sent PUBACK a'])
  await broker.close()
})

test('a payload that is in the store only is seen as such', async () => {
  const persistence = { path: '/store', 'max-session-ram-bytes': 0 }
  const broker = await VirtualBroker.start({ persistence }, { disk: new MemoryDisk() })
  const meter = broker.connect(KEPT)
  await broker.settle()
  meter.subscribe('$share/group/#', 1)
  meter.drop()
  await broker.settle()
  broker.connect({ clientId: 'sensor' }).publish('a', 'x', 1)
  await broker.settle()
  const [shared] = await heldBy(broker)
  assert.deepEqual([shared!.sharedSubscription, shared!.isLoaded], ['$share/group/#', true])
  const plain = broker.connect({ ...KEPT, clientId: 'plain' })
  await broker.settle()
  plain.subscribe('#', 1)
  plain.drop()
  await broker.settle()
  broker.connect({ clientId: 'sensor' }).publish('a', '12345', 1)
  await broker.settle()
  const [parked] = await heldBy(broker, 'plain')
  assert.deepEqual([parked!.isLoaded, parked!.payloadBytes, parked!.receivedAtMs], [false, 5, undefined])
  await broker.close()
})

test('the pages have every message once, in order, while messages come and go', async () => {
  const broker = await VirtualBroker.start({ 'max-inflight-messages': 20 })
  const meter = broker.connect({ clientId: 'meter' })
  meter.subscribe('#', 1)
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let at = 0; at < 50; at++) sensor.publish(`t/${at}`, 'x', 1)
  for (const limit of [1, 7, 20, 49, 50, 1000]) {
    const topics: string[] = []
    const ahead: (number | undefined)[] = []
    let pages = 0
    let cursor: string | undefined
    do {
      const page = (await broker.broker.heldMessages('meter', { limit, cursor }))!
      topics.push(...page.items.map(({ topic }) => topic))
      ahead.push(...page.items.map((item) => item.ahead))
      cursor = page.cursor
      pages++
    } while (cursor !== undefined)
    assert.deepEqual(
      topics,
      Array.from({ length: 50 }, (_, at) => `t/${at}`),
    )
    assert.deepEqual(
      ahead,
      Array.from({ length: 50 }, (_, at) => (at < 20 ? undefined : at - 20)),
    )
    assert.equal(pages, Math.ceil(50 / limit))
  }
  const first = (await broker.broker.heldMessages('meter', { limit: 10 }))!
  meter.acknowledge(PacketType.PUBACK, 10)
  meter.acknowledge(PacketType.PUBACK, 15)
  const second = (await broker.broker.heldMessages('meter', { limit: 5, cursor: first.cursor }))!
  assert.deepEqual(
    second.items.map(({ topic }) => topic),
    ['t/10', 't/11', 't/12', 't/13', 't/15'],
  )
  await broker.close()
})

test('a session that there is not, and a limit or cursor that is not valid', async () => {
  const broker = await VirtualBroker.start()
  broker.connect(KEPT)
  assert.equal(await broker.broker.heldMessages('nobody'), undefined)
  assert.deepEqual(await broker.broker.heldMessages('meter'), { items: [], cursor: undefined })
  await assert.rejects(broker.broker.heldMessages('meter', { limit: 0 }), { code: 'ERR_USAGE', message: /^limit must/ })
  for (const cursor of ['', '0', '-1', '1.5', 'x', '12345678901234567', 7 as unknown as string]) {
    await assert.rejects(broker.broker.heldMessages('meter', { cursor }), {
      code: 'ERR_USAGE',
      message: / is not a cursor/,
    })
  }
  await broker.close()
})

test('the manual has every reason for which a message waits', () => {
  const page = readFileSync(join(root, 'docs/sessions.md'), 'utf8').replaceAll(/ +/g, ' ')
  for (const [reason, meaning] of Object.entries(waitTable))
    assert.ok(page.includes(`| \`${reason}\` | ${meaning} |`), reason)
})
