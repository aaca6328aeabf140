/**
 * Pages of lists do not take longer the more sessions there are: they are answered with what a number of looks has
 * found.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverOf } from '../../../src/broker/broker.ts'
import type { Page } from '../../../src/broker/host/page.ts'
import { LOOKS } from '../../../src/broker/host/session-pages.ts'
import { LaggingSessions, MAX_NOTED } from '../../../src/broker/sessions/lagging-sessions.ts'
import type { Session } from '../../../src/protocol/session.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { settled } from './support.ts'

const MANY = { 'max-connections': 0, 'max-memory': 0, 'max-sessions': 0, 'max-sessions-per-user': 0 } as const
const COUNT = 2 * LOOKS + 100

/** A broker with very many sessions, the clients of which are away. */
async function withMany(): Promise<VirtualBroker> {
  const broker = await VirtualBroker.start(MANY)
  for (let at = 0; at < COUNT; at++) {
    const client = broker.connect({ clientId: `c${at}`, properties: { sessionExpiryInterval: 100 } })
    if (at % 2 === 0) client.subscribe(`own/${at}`)
    client.disconnect()
  }
  broker.connect({ clientId: 'sensor' }).subscribe('wanted/#')
  return broker
}

async function allPages<Item>(ask: (cursor: string | undefined) => Promise<Page<Item>>): Promise<Page<Item>[]> {
  const pages: Page<Item>[] = []
  let cursor: string | undefined
  do {
    const page = await ask(cursor)
    pages.push(page)
    cursor = page.cursor
  } while (cursor !== undefined)
  return pages
}

test('a page that finds little ends after a number of looks, and its cursor leads to what is left', async () => {
  const broker = await withMany()
  const { admin } = broker.broker
  const { work } = serverOf(broker.broker)
  let units = 0
  let most = 0
  const spend = work.spend.bind(work)
  Object.assign(work, { spend: (count: number) => ((units += count), spend(count)) })
  const measured = async <Item>(ask: () => Promise<Page<Item>>): Promise<Page<Item>> => {
    units = 0
    const page = await settled(broker, ask())
    most = Math.max(most, units)
    return page
  }
  const clients = await allPages((cursor) => measured(() => admin.clients({ cursor })))
  assert.deepEqual(
    clients.flatMap(({ items }) => items).map(({ clientId }) => clientId),
    ['sensor'],
  )
  const nobody = await allPages((cursor) => measured(() => admin.sessions({ userName: 'nobody', cursor })))
  assert.deepEqual(
    nobody.flatMap(({ items }) => items),
    [],
  )
  const wanted = await allPages((cursor) => measured(() => admin.subscriptions({ topic: 'wanted/x', cursor })))
  assert.deepEqual(
    wanted.flatMap(({ items }) => items).map(({ clientId }) => clientId),
    ['sensor'],
  )
  const all = await allPages((cursor) => measured(() => admin.subscriptions({ limit: 1000, cursor })))
  assert.equal(new Set(all.flatMap(({ items }) => items).map(({ topicFilter }) => topicFilter)).size, COUNT / 2 + 1)
  for (const pages of [clients, nobody, wanted]) assert.ok(pages.length >= 2, `${pages.length} pages`)
  assert.ok(most < 100_000, `${most} units, and a turn has 100,000`)
  await broker.close()
})

test('slow subscribers are noted as they fall behind: those that are away or have caught up are not looked at', async () => {
  const broker = await VirtualBroker.start()
  const { lagging } = serverOf(broker.broker).sessionServices
  const sensor = broker.connect({ clientId: 'publisher' })
  const slow = broker.connect({ clientId: 'slow', properties: { receiveMaximum: 1 } })
  slow.subscribe('a', 1)
  for (let at = 0; at < 3; at++) sensor.publish('a', 'x', 1)
  assert.equal(lagging.size, 1)
  const views = await settled(broker, broker.broker.admin.slowSubscribers())
  assert.deepEqual(
    views.map(({ clientId, queuedMessages }) => [clientId, queuedMessages]),
    [['slow', 2]],
  )
  slow.drop()
  assert.deepEqual(await settled(broker, broker.broker.admin.slowSubscribers()), [])
  assert.equal(lagging.size, 0, 'what is over is removed')
  await broker.close()
})

test('a client that comes back to its queue and takes none of it is a slow subscriber', async () => {
  const broker = await VirtualBroker.start()
  const kept = { clientId: 'back', cleanStart: false, properties: { sessionExpiryInterval: 100, receiveMaximum: 1 } }
  const back = broker.connect(kept)
  back.subscribe('a', 1)
  back.drop()
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let at = 0; at < 3; at++) sensor.publish('a', 'x', 1)
  assert.deepEqual(await settled(broker, broker.broker.admin.slowSubscribers()), [])
  broker.connect(kept)
  const views = await settled(broker, broker.broker.admin.slowSubscribers())
  assert.deepEqual(
    views.map(({ clientId, queuedMessages }) => [clientId, queuedMessages]),
    [['back', 2]],
  )
  await broker.close()
})

test('more sessions lag than are noted: the list is bounded, and those noted last are in it', () => {
  const ended = new Set<Session>()
  const lagging = new LaggingSessions((session) => !ended.has(session))
  const sessions = Array.from({ length: MAX_NOTED + 10 }, () => ({ connection: {} }) as Session)
  for (const session of sessions) lagging.add(session)
  assert.equal(lagging.size, MAX_NOTED)
  const noted = new Set(lagging.all())
  assert.ok(noted.size === MAX_NOTED && sessions.slice(-10).every((session) => noted.has(session)))
  for (const session of sessions) ended.add(session)
  // Those that have caught up do not gather: each new one makes room for itself.
  const newcomers = Array.from({ length: MAX_NOTED }, () => ({ connection: {} }) as Session)
  for (const session of newcomers.slice(0, MAX_NOTED / 2)) lagging.add(session)
  assert.equal(lagging.size, MAX_NOTED / 2)
})
