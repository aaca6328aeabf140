/**
 * What the hot path reads for each message has a layout that V8 can rely on. An object with a layout of its own (a hash
 * table, as a spread or getters in a literal may make it) is found by a search of names, which took a fifth of a
 * message's time.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInThisContext } from 'node:vm'
import { test } from 'node:test'
import { MemoryAccount } from '../../../src/base/memory-account.ts'
import { WorkBudget } from '../../../src/base/work.ts'
import { serverOf } from '../../../src/broker/broker.ts'
import { routerSideOf } from '../../../src/broker/session-services.ts'
import type { ActiveConfig } from '../../../src/config/active-config.ts'
import type { Subscription } from '../../../src/protocol/subscription.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'

/** Layouts may part only after some have been made. */
const CLIENTS = 50

setFlagsFromString('--allow-natives-syntax')
type Question = (one: object, other?: object) => boolean
const haveSameLayout = runInThisContext('(one, other) => %HaveSameMap(one, other)') as Question
const hasFastProperties = runInThisContext('(one) => %HasFastProperties(one)') as Question

function subscriptionsOf(broker: VirtualBroker): Subscription[] {
  return Array.from(serverOf(broker.broker).sessions.all()).flatMap(({ session }) => [
    ...session.subscriptions.values(),
  ])
}

test('all Subscriptions of Clients have one layout', async () => {
  const broker = await VirtualBroker.start()
  for (let number = 1; number <= CLIENTS; number++) {
    const client = broker.connect({ clientId: `client ${number}`, version: number % 2 === 0 ? 4 : 5 })
    client.subscribe('a', 1)
    client.subscribe('b/#', 2)
  }
  const [first, ...others] = subscriptionsOf(broker)
  assert.equal(others.length, 2 * CLIENTS - 1)
  assert.ok(hasFastProperties(first!))
  for (const other of others) assert.ok(haveSameLayout(first!, other))
})

test('what the Router asks is no hash table', () => {
  const side = routerSideOf({} as ActiveConfig, new WorkBudget(() => 0), () => assert.fail())
  assert.ok(hasFastProperties(side))
})

test('what counts for every message is no hash table', async () => {
  const broker = await VirtualBroker.start()
  const { metrics } = serverOf(broker.broker)
  for (const one of [metrics, metrics.dropped]) assert.ok(hasFastProperties(one))
})

test('an account of memory counts in small integers, even if nothing is returned to it', async () => {
  const account = () => new MemoryAccount('session', 'anybody', 1_000_000, undefined)
  const before = account()
  const broker = await VirtualBroker.start()
  const reader = broker.connect({ clientId: 'reader', cleanStart: false, properties: { sessionExpiryInterval: 60 } })
  reader.subscribe('#', 2)
  const meter = broker.connect({ clientId: 'meter' })
  for (const qos of [0, 1, 2] as const) meter.publish('a', 'x', qos, { retain: true })
  reader.drop()
  meter.publish('a', 'x', 1)
  broker.connect({ clientId: 'reader', cleanStart: false })
  reader.unsubscribe('#')
  meter.disconnect()
  await broker.close()
  assert.ok(haveSameLayout(account(), before))
  // -0 is no small integer: one such amount, and V8 keeps a number with a fraction in every account.
  const charged = new MemoryAccount('session', 'anybody', 1_000_000, account())
  charged.add(-0)
  charged.addShare(-0)
  charged.addStored(-0)
  const held = { size: 10, holders: 0, released: () => {} }
  for (let holder = 0; holder < 2; holder++) charged.hold(held, 0)
  for (let holder = 0; holder < 2; holder++) charged.release(held, 0)
  assert.ok(haveSameLayout(account(), before))
})
