import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CallOptions, TopicsQuery } from '../../../src/broker/host/admin.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { settled } from './support.ts'

const PUBLISHED = ['a/1/x', 'a/1/y', 'a/1/x', 'a/2', 'b', '$own/c']

/** A broker whose views are loaded: real time passes meanwhile, and none afterwards. */
async function start(): Promise<VirtualBroker> {
  const broker = await VirtualBroker.start()
  await settled(broker, broker.broker.admin.drops())
  return broker
}

/** What a count of two seconds finds, while clients publish. */
async function counted(query: TopicsQuery) {
  const broker = await start()
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('a/#')
  const sensor = broker.connect({ clientId: 'sensor' })
  sensor.publish('a/2', 'before')
  const found = broker.broker.admin.topics({ seconds: 2, ...query })
  await broker.settle()
  for (const topic of PUBLISHED) sensor.publish(topic, 'four')
  broker.advance(2000)
  const views = await settled(broker, found)
  assert.equal(broker.clock.waitingTimers, 0)
  await broker.close()
  return views
}

test('topics counts what is published while it is asked, the most first, and not what was before', async () => {
  const views = await counted({})
  assert.deepEqual(
    views.map(({ topic, messages }) => [topic, messages]),
    [
      ['a/1/x', 2],
      ['a/1/y', 1],
      ['a/2', 1],
      ['b', 1],
    ],
  )
  assert.deepEqual(views[0], {
    ...{ topic: 'a/1/x', messages: 2, bytes: 8, receivers: 2, messagesPerSecond: 1, bytesPerSecond: 4 },
  })
})

test('topics counts by level, only what a filter matches, and as many as are asked for', async () => {
  const views = await counted({ topicFilter: 'a/#', depth: 2 })
  assert.deepEqual(
    views.map(({ topic, messages }) => [topic, messages]),
    [
      ['a/1/#', 3],
      ['a/2', 1],
    ],
  )
  assert.equal((await counted({ limit: 1 })).length, 1)
  assert.deepEqual(
    (await counted({ topicFilter: '$own/#' })).map(({ topic }) => topic),
    ['$own/c'],
  )
})

test('topics: a caller has two counts at the same time, all callers six; there is room once one is complete', async () => {
  const broker = await start()
  const { admin } = broker.broker
  const optionsOf = (name: string | undefined): CallOptions =>
    name === undefined ? {} : { caller: { name, role: 'viewer' } }
  const callers = ['a', 'a', 'b', undefined, undefined, 'c']
  const counts = callers.map((name) => admin.topics({ seconds: 1 }, optionsOf(name)))
  await broker.settle()
  const refused = (name: string | undefined, message: RegExp): Promise<void> =>
    assert.rejects(settled(broker, admin.topics({}, optionsOf(name))), { code: 'ERR_BUSY', message })
  await refused('a', /2 counts of yours are under way/)
  await refused(undefined, /2 counts of yours are under way/)
  await refused('b', /: 6 counts are under way/)
  broker.advance(1000)
  for (const count of counts) assert.deepEqual(await settled(broker, count), [])
  const again = admin.topics({ seconds: 1 })
  await broker.settle()
  broker.advance(1000)
  assert.deepEqual(await settled(broker, again), [])
  await broker.close()
})

test('topics ends with the signal of its caller, and makes room for others', async () => {
  const broker = await start()
  const { admin } = broker.broker
  const caller = new AbortController()
  const counts = Array.from({ length: 2 }, () => admin.topics({ seconds: 20 }, { signal: caller.signal }))
  const ended = Promise.allSettled(counts)
  await broker.settle()
  caller.abort(new Error('gone'))
  for (const outcome of await settled(broker, ended)) {
    assert.deepEqual(
      [outcome.status, outcome.status === 'rejected' && outcome.reason],
      ['rejected', caller.signal.reason],
    )
  }
  assert.equal(broker.clock.waitingTimers, 0)
  await assert.rejects(settled(broker, admin.topics({}, { signal: caller.signal })), caller.signal.reason as Error)
  const again = admin.topics({ seconds: 1 })
  await broker.settle()
  broker.advance(1000)
  assert.deepEqual(await settled(broker, again), [])
  await broker.close()
})

test('topics: long names are counted together once all names have 4 MiB', async () => {
  const broker = await start()
  const sensor = broker.connect({ clientId: 'sensor' })
  const found = broker.broker.admin.topics({ seconds: 1 })
  await broker.settle()
  const long = 'x'.repeat(60_000)
  for (let number = 100; number < 180; number++) sensor.publish(`${number}${long}`, '')
  sensor.publish(`100${long}`, '')
  broker.advance(1000)
  const views = await settled(broker, found)
  const others = views.find(({ topic }) => topic === '(other topics)')!
  assert.deepEqual([views.length, others.messages], [70, 11])
  assert.equal(views.find(({ topic }) => topic === `100${long}`)!.messages, 2)
  await broker.close()
})
