import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BridgedBrokers, type BridgedBroker, type BridgesInput } from '../../support/bridged.ts'
import type { TestClient } from '../../support/test-client.ts'

const EVERYTHING = [{ filter: '#', qos: 1 as const }]

function bridgeTo(name: string, more: BridgesInput[string] = { out: EVERYTHING, in: EVERYTHING }): BridgesInput {
  return { [name]: { url: `mqtt://${name}`, clientId: `to-${name}-${JSON.stringify(more).length}`, ...more } }
}

function watch(broker: BridgedBroker): TestClient {
  const watcher = broker.connect({ clientId: 'watcher' })
  watcher.subscribe('#', 1)
  return watcher
}

function texts(client: TestClient): string[] {
  return client.receiveAll().map(({ payload }) => Buffer.from(payload).toString())
}

for (const protocol of ['5.0', '3.1.1'] as const) {
  test(`${protocol}: nothing comes back over a bridge that takes everything both ways`, async () => {
    const net = new BridgedBrokers()
    const far = await net.start('far')
    const both = { out: EVERYTHING, in: EVERYTHING, protocol }
    const near = await net.start('near', bridgeTo('far', both))
    const [here, there] = [watch(near), watch(far)]
    here.publish('a', 'from here', 1)
    there.publish('a', 'from there', 1)
    assert.deepEqual(texts(here).toSorted(), ['from here', 'from there'])
    assert.deepEqual(texts(there).toSorted(), ['from here', 'from there'])
    await net.close()
  })
}

test('two bridges both ways between two brokers: a message crosses each once, and that is the end', async () => {
  const net = new BridgedBrokers()
  const one = await net.start('one')
  const two = await net.start('two', bridgeTo('one'))
  await one.apply(bridgeTo('two'))
  const [here, there] = [watch(one), watch(two)]
  here.publish('a', 'x', 1)
  net.clock.advance(10_000)
  assert.deepEqual([texts(here).length <= 2, texts(there).length], [true, 2])
  const crossed = [one, two].flatMap(({ bridges }) => bridges.views).map((view) => view.out.messages + view.in.messages)
  assert.ok(crossed.reduce((sum, count) => sum + count) <= 4, crossed.join())
  await net.close()
})

test('a ring of three: each broker gets each message once', async () => {
  const net = new BridgedBrokers()
  const brokers = [await net.start('a'), await net.start('b'), await net.start('c')]
  for (const [at, next] of ['b', 'c', 'a'].entries()) await brokers[at]!.apply(bridgeTo(next, { out: EVERYTHING }))
  const watchers = brokers.map(watch)
  for (const [at, watcher] of watchers.entries()) watcher.publish('t', String(at), 1)
  net.clock.advance(10_000)
  for (const watcher of watchers) assert.deepEqual(texts(watcher).toSorted(), ['0', '1', '2'])
  for (const { broker } of brokers) assert.equal(broker.metrics.bridgeMessagesReturned, 1)
  await net.close()
})

test('a bridge to this very broker says so, and moves nothing', async () => {
  const net = new BridgedBrokers()
  const near = await net.start('near', bridgeTo('near'))
  const here = watch(near)
  here.publish('a', 'x', 1)
  net.clock.advance(10_000)
  assert.deepEqual(texts(here), ['x'])
  const [view] = near.bridges.views
  assert.equal(view!.state, 'waiting')
  assert.match(view!.reason!, /The other broker is this one/)
  await net.close()
})
