/** Overlapping Subscriptions and Subscription Identifiers (§3.3.4, §3.8.2.1.2). @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { endOf, onlyPublish, publishes, resume } from './support.ts'
import { sessionsOf } from '../../support/sessions.ts'

async function start(): Promise<{ broker: VirtualBroker; client: TestClient; publisher: TestClient }> {
  const broker = await VirtualBroker.start()
  const client = resume(broker, 'c', 600)
  return { broker, client, publisher: broker.connect({ clientId: 'publisher' }) }
}

const identified = (identifier: number) => ({ subscriptionIdentifiers: [identifier] })

/** All identifiers on all copies, sorted. */
const identifiersOf = (client: TestClient): number[] =>
  publishes(client)
    .flatMap(({ properties }) => properties.subscriptionIdentifiers ?? [])
    .sort((one, other) => one - other)

test('Overlapping Subscriptions: delivery honours the highest QoS among them, and no copy has more than its own [5.0 MQTT-3.3.4-2]', async () => {
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
  ] as const) {
    const { client, publisher } = await start()
    const filters = ['t', '+', '#'] as const
    for (const [at, filter] of filters.entries()) client.subscribe(filter, order[at]!)
    for (const qos of [0, 1, 2] as const) {
      publisher.publish('t', 'x', qos)
      const copies = client.receiveAll()
      assert.equal(Math.max(...copies.map((copy) => copy.qos)), qos)
      assert.ok(copies.length === 1 || copies.length === 3, 'one for all or one for each')
    }
  }
})

test('Overlapping Subscriptions: further copies are a MAY, the exchange of each is finished on its own [5.0 U-3.3.4-9]', async () => {
  const { broker, client, publisher } = await start()
  client.subscribe(['t', '#'], 1)
  publisher.publish('t', 'x', 1)
  const copies = client.receiveAll()
  assert.equal(new Set(copies.map(({ packetIdentifier }) => packetIdentifier)).size, copies.length)
  assert.equal(sessionsOf(broker.broker).find(({ clientId }) => clientId === 'c')?.inflightMessages, 0)
})

test('Overlapping Subscriptions with identifiers: all of them go along, those without add none [5.0 MQTT-3.3.4-3, MQTT-3.3.4-4, MQTT-3.3.4-5]', async () => {
  const { client, publisher } = await start()
  client.subscribe('t', 1, {}, identified(1))
  client.subscribe('+', 1, {}, identified(268_435_455))
  client.subscribe('#', 1)
  client.subscribe('u', 1, {}, identified(3))
  for (const qos of [0, 1, 2] as const) {
    publisher.publish('t', 'x', qos)
    const copies = publishes(client)
    const all = copies.flatMap(({ properties }) => properties.subscriptionIdentifiers ?? [])
    assert.deepEqual(
      all.sort((one, other) => one - other),
      [1, 268_435_455],
    )
    if (copies.length > 1) {
      for (const { properties } of copies) assert.ok((properties.subscriptionIdentifiers?.length ?? 0) <= 1)
    }
  }
})

test('A PUBLISH carries its Subscription’s identifier, also retained, queued and sent again [5.0 U-3.3.4-6]', async () => {
  const { broker, client, publisher } = await start()
  publisher.publish('t', 'retained', 1, { retain: true })
  client.subscribe('t', 1, {}, identified(7))
  assert.deepEqual(onlyPublish(client).properties.subscriptionIdentifiers, [7])
  client.drop()
  publisher.publish('t', 'queued', 1)
  const again = publishes(resume(broker, 'c', 600))
  assert.deepEqual(
    again.map(({ dup, properties }) => [dup, properties.subscriptionIdentifiers]),
    [
      [true, [7]],
      [false, [7]],
    ],
  )
})

test('Equal identifiers of several Subscriptions all come, or once on each copy [5.0 U-3.3.4-6]', async () => {
  const { client, publisher } = await start()
  client.subscribe(['t', '+'], 0, {}, identified(4))
  publisher.publish('t', 'x')
  assert.deepEqual(identifiersOf(client), [4, 4])
})

test('No identifier but those of the Subscriptions that matched: not another’s, not another Client’s [5.0 U-3.3.4-7]', async () => {
  const { broker, client, publisher } = await start()
  const other = broker.connect({ clientId: 'other' })
  other.subscribe('t', 0, {}, identified(9))
  client.subscribe('t', 0, {}, identified(1))
  client.subscribe('u', 0, {}, identified(2))
  const plain = broker.connect({ clientId: 'plain' })
  plain.subscribe('t')
  publisher.publish('t', 'x')
  assert.deepEqual(identifiersOf(client), [1])
  assert.deepEqual(identifiersOf(other), [9])
  assert.equal(onlyPublish(plain).properties.subscriptionIdentifiers, undefined)
})

test('A Client’s PUBLISH with a Subscription Identifier is a Protocol Error and goes nowhere [5.0 MQTT-3.3.4-6, U-3.3.4-7]', async () => {
  const { client, publisher } = await start()
  client.subscribe('#')
  publisher.sendHex('30 07 0001 74 02 0B01 78')
  assert.equal(endOf(publisher), 0x82)
  assert.deepEqual(client.take(), [])
})

test('Shared Subscription: only the identifier of the member that receives the message [5.0 U-3.3.4-8]', async () => {
  const { broker, publisher } = await start()
  const members = [11, 12, 13].map((identifier) => {
    const member = broker.connect({ clientId: `member${identifier}` })
    member.subscribe('$share/g/t', 1, {}, identified(identifier))
    return { identifier, member }
  })
  for (let count = 0; count < 30; count++) publisher.publish('t', `${count}`, 1)
  let received = 0
  for (const { identifier, member } of members) {
    for (const { properties } of member.receiveAll()) {
      assert.deepEqual(properties.subscriptionIdentifiers, [identifier])
      received++
    }
  }
  assert.equal(received, 30)
})

test('Shared and plain Subscription of one Client: each copy has its own identifier [5.0 U-3.3.4-8, MQTT-3.3.4-5]', async () => {
  const { client, publisher } = await start()
  client.subscribe('$share/g/t', 0, {}, identified(1))
  client.subscribe('t', 0, {}, identified(2))
  publisher.publish('t', 'x')
  const lists = publishes(client).map(({ properties }) => properties.subscriptionIdentifiers)
  assert.deepEqual(new Set(lists), new Set([[1], [2]]))
})

for (const [what, hex] of [
  ['0', '82 09 0001 02 0B00 0001 74 00'],
  ['twice', '82 0B 0001 04 0B01 0B02 0001 74 00'],
] as const) {
  test(`Subscription Identifier ${what} in SUBSCRIBE is a Protocol Error [5.0 U-3.8.2.1.2-1]`, async () => {
    const { client } = await start()
    client.sendHex(hex)
    assert.equal(endOf(client), 0x82)
  })
}

test('The identifier is stored with every Subscription that its SUBSCRIBE makes or changes; without one, none [5.0 U-3.8.2.1.2-2]', async () => {
  const { client, publisher } = await start()
  client.subscribe('b', 0, {}, identified(1))
  client.subscribe('c', 0, {}, identified(2))
  client.subscribe(['a', 'b'], 0, {}, identified(5))
  client.subscribe('c')
  const received = ['a', 'b', 'c'].map((topic) => {
    publisher.publish(topic, 'x')
    return onlyPublish(client).properties.subscriptionIdentifiers
  })
  assert.deepEqual(received, [[5], [5], undefined])
})

test('The identifier is Session State: kept on resume, gone where CONNACK says Session Present 0 [5.0 U-3.8.4-1]', async () => {
  const { broker, client, publisher } = await start()
  client.subscribe('t', 0, {}, identified(8))
  client.drop()
  const again = resume(broker, 'c', 600)
  publisher.publish('t', 'x')
  assert.deepEqual(onlyPublish(again).properties.subscriptionIdentifiers, [8])
  const fresh = resume(broker, 'c', 600, { cleanStart: true })
  assert.equal(fresh.connack?.sessionPresent, false)
  fresh.subscribe('t')
  publisher.publish('t', 'x')
  assert.equal(onlyPublish(fresh).properties.subscriptionIdentifiers, undefined)
})

test('The identifier is gone with UNSUBSCRIBE [5.0 U-3.8.4-1]', async () => {
  const { client, publisher } = await start()
  client.subscribe('t', 0, {}, identified(8))
  client.unsubscribe('t')
  client.subscribe('t')
  publisher.publish('t', 'x')
  assert.equal(onlyPublish(client).properties.subscriptionIdentifiers, undefined)
})

test('Sent again, a PUBLISH has the identifiers of its first sending or the present ones, and never old ones after new ones [5.0 U-3.8.4-2]', async () => {
  const { broker, client, publisher } = await start()
  client.subscribe('t', 1, {}, identified(1))
  publisher.publish('t', 'x', 1)
  assert.deepEqual(onlyPublish(client).properties.subscriptionIdentifiers, [1])
  client.subscribe('t', 1, {}, identified(2))
  let newest = 1
  for (let again = 0; again < 2; again++) {
    const next = resume(broker, 'c', 600)
    const [identifier] = onlyPublish(next).properties.subscriptionIdentifiers!
    assert.ok(identifier! >= newest && identifier! <= 2)
    newest = identifier!
    next.drop()
  }
})
