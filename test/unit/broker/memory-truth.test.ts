/**
 * What accounts say against what the heap and its buffers take: a process of its own fills a broker with one kind of
 * thing, and compares what was charged with what is in use after a collection. Estimates are right within a factor.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../../../tools/main.ts'

/**
 * Charged for each byte in use: less would let Clients take more than the limit, and more would refuse them too early.
 */
const LEAST = 0.5
const MOST = 2
const MOST_ATTEMPTS = 4

/** What fills `broker`, as statements. `b` is a number that makes a text differ from others. */
const shapes: Readonly<Record<string, string>> = {
  'retained messages with short topics': `
    const client = broker.connect()
    for (let b = 0; b < 8000; b++) client.publish('t/' + b, 'x'.repeat(64), 0, { retain: true })
    client.disconnect()`,
  'retained messages with User Properties': `
    const client = broker.connect()
    const userProperties = Array.from({ length: 200 }, () => ['', ''])
    for (let b = 0; b < 2000; b++) client.publish('t/' + b, 'x', 0, { retain: true, properties: { userProperties } })
    client.disconnect()`,
  'retained messages with large payloads': `
    const client = broker.connect()
    for (let b = 0; b < 100; b++) client.publish('t/' + b, Buffer.alloc(100_000), 0, { retain: true })
    client.disconnect()`,
  'retained topics of 199 levels': `
    const client = broker.connect()
    for (let b = 0; b < 500; b++) client.publish(b + '/a'.repeat(198), 'x', 0, { retain: true })
    client.disconnect()`,
  'replays that wait for their Clients in topics of 150 levels': `
    const sensor = broker.connect({ clientId: 'sensor' })
    for (let b = 0; b < 40; b++) sensor.publish('a/'.repeat(150) + b, 'x', 1, { retain: true })
    for (let level = 0; level < 150; level++) {
      for (let b = 0; b < 2; b++) sensor.publish('a/'.repeat(level) + 'b' + b, 'x', 1, { retain: true })
    }
    sensor.disconnect()
    for (let b = 0; b < 400; b++) {
      const reader = broker.connect({ clientId: 'reader ' + b, ...kept })
      reader.subscribe('#', 1)
      reader.drop()
      forget(reader)
    }`,
  'retained messages, while others came and went below a replay that waits': `
    const sensor = broker.connect({ clientId: 'sensor' })
    for (let b = 0; b < 100; b++) sensor.publish('t/' + b, Buffer.alloc(100_000), 0, { retain: true })
    for (let b = 0; b < 40; b++) sensor.publish('x/' + b, 'x', 1, { retain: true })
    const reader = broker.connect({ clientId: 'reader', ...kept })
    reader.subscribe('x/+', 1)
    reader.drop()
    for (let b = 1; b < 40; b++) sensor.publish('x/' + b, '', 1, { retain: true })
    for (let round = 0; round < 20; round++) {
      const topics = Array.from({ length: 80 }, (_, at) => 'x/' + round + '-' + at + 'z'.repeat(20_000))
      for (const payload of ['1', '']) for (const topic of topics) sensor.publish(topic, payload, 0, { retain: true })
      forget(sensor)
    }
    sensor.disconnect()`,
  'queued messages': `
    const away = broker.connect({ clientId: 'away', ...kept })
    away.subscribe('#', 1)
    away.drop()
    const client = broker.connect({ clientId: 'sensor' })
    for (let b = 0; b < 4000; b++) client.publish('t/' + (b % 10), 'x'.repeat(200), 1)
    client.disconnect()`,
  Sessions: `
    for (let b = 0; b < 2500; b++) broker.connect({ clientId: 'client number ' + b, ...kept }).drop()`,
  'Wills that are delayed': `
    const will = { topicName: 'w', payload: Buffer.alloc(5000), properties: { willDelayInterval: 500 } }
    for (let b = 0; b < 1000; b++) broker.connect({ clientId: 'c' + b, will, ...kept }).drop()`,
  subscriptions: `
    for (let c = 0; c < 10; c++) {
      const client = broker.connect({ clientId: 'c' + c, ...kept })
      for (let b = 0; b < 1000; b += 100) client.subscribe(Array.from({ length: 100 }, (_, n) => 'site/' + c + '/' + (b + n) + '/+'))
      client.drop()
    }`,
  'messages in flight, each of them the only one left of many': `
    const slow = broker.connect({ clientId: 'slow' })
    slow.subscribe('t', 1)
    const client = broker.connect({ clientId: 'sensor' })
    for (let b = 0; b < 800; b++) {
      for (let n = 0; n < 8; n++) client.publish('t', 'x'.repeat(2000), 1)
      for (const { packetIdentifier } of slow.take().slice(1)) slow.acknowledge(4, packetIdentifier)
      forget(slow, client)
    }`,
  'retained messages that were sent in every layout': `
    const client = broker.connect({ clientId: 'sensor', version: 4 })
    for (let b = 0; b < 60; b++) client.publish('t/' + b, Buffer.alloc(100_000), 1, { retain: true })
    client.disconnect()
    for (const version of [4, 5]) {
      for (const qos of [0, 1]) {
        const reader = broker.connect({ clientId: 'reader', version })
        for (let b = 0; b < 60; b++) {
          reader.subscribe('t/' + b, qos)
          reader.receiveAll()
          forget(reader)
        }
        reader.disconnect()
      }
    }`,
  'Packet Identifiers of QoS 2, drawn far apart': `
    for (let b = 0; b < 500; b++) {
      const client = broker.connect({ clientId: 'c' + b, ...kept })
      for (const packetIdentifier of [1, 32_769]) client.publish('t', 'x', 2, { packetIdentifier })
      client.drop()
    }`,
  'windows that were full once': `
    const client = broker.connect({ clientId: 'sensor' })
    for (let b = 0; b < 60; b++) {
      const slow = broker.connect({ clientId: 'c' + b, ...kept })
      slow.subscribe('t', 1)
      client.send(...Array.from({ length: 600 }, (_, n) => ({ ...publish, packetIdentifier: n + 1 })))
      slow.send(...slow.take().slice(1).map(({ packetIdentifier }) => ({ ...puback, packetIdentifier })))
      slow.unsubscribe('t')
      slow.drop()
      forget(slow, client)
    }`,
  'deliveries with thousands of Subscription Identifiers': `
    const away = broker.connect({ clientId: 'away', ...kept })
    for (let b = 0; b < 1024; b++) {
      const levels = Array.from({ length: 10 }, (_, at) => ((b >> at) & 1 ? '+' : 'a'))
      away.subscribe(levels.join('/'), 1, {}, { subscriptionIdentifiers: [b + 1] })
    }
    away.drop()
    const client = broker.connect({ clientId: 'sensor' })
    for (let b = 0; b < 200; b++) {
      // Each message gets a list of its own: the routes are made anew.
      client.subscribe('a/a/a/a/a/a/a/a/a/a')
      client.publish('a/a/a/a/a/a/a/a/a/a', 'x', 1)
      forget(client)
    }`,
}

/** With little room, so that a replay waits for its reader. */
const NARROW = { 'max-queued-messages': 10, 'max-inflight-messages': 5 }

const limits: Readonly<Record<string, object>> = {
  'replays that wait for their Clients in topics of 150 levels': NARROW,
  'retained messages, while others came and went below a replay that waits': NARROW,
}

interface Measured {
  readonly charged: number
  readonly used: number
}

/** One process for all of them: most of what a process costs is its start. */
function measure(names: readonly string[]): Readonly<Record<string, Measured>> {
  const fills = names.map(
    (name) => `[${JSON.stringify(name)}, (broker) => {${shapes[name]!}}, ${JSON.stringify(limits[name] ?? {})}]`,
  )
  const script = `
    import { VirtualBroker } from ${JSON.stringify(join(root, 'build/test/support/virtual-broker.js'))}
    const use = async () => {
      for (let round = 0; round < 4; round++) {
        await new Promise((resolve) => setImmediate(resolve))
        gc()
      }
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      return heapUsed + arrayBuffers
    }
    const measure = async (fill, limits) => {
      const broker = await VirtualBroker.start({ 'max-memory': 0, ...limits })
      const before = await use()
      fill(broker)
      await broker.settle()
      const measured = { used: (await use()) - before, charged: broker.broker.memory.bytes }
      await broker.close()
      return measured
    }
    const kept = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } }
    const publish = { type: 3, dup: false, qos: 1, retain: false, topicName: 't', properties: {}, payload: Buffer.from('x') }
    const puback = { type: 4, reasonCode: 0, properties: {} }
    const forget = (...clients) => {
      for (const client of clients) {
        client.bytes = Buffer.alloc(0)
        client.take()
      }
    }
    const fills = [${fills.join(',')}]
    // Code is compiled, and caches are filled, before anything counts.
    await measure(fills[0][1])
    const results = {}
    for (const [name, fill, limits] of fills) results[name] = await measure(fill, limits)
    console.log(JSON.stringify(results))`
  const flags = ['--expose-gc', '--input-type=module', '--eval', script]
  const { status, stdout, stderr } = spawnSync(process.execPath, flags, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout) as Record<string, Measured>
}

test('what is charged is what things take on the heap and in buffers, within a factor', () => {
  // What the collector has not reached yet counts as used, so that a share may be wrong once, but not each time.
  let wrong = Object.keys(shapes)
  const said: string[] = []
  for (let attempt = 0; attempt < MOST_ATTEMPTS && wrong.length > 0; attempt++) {
    const shares = Object.entries(measure(wrong)).filter(([, { charged, used }]) => {
      const share = charged / used
      return !(share >= LEAST && share <= MOST)
    })
    wrong = shares.map(([name]) => name)
    for (const [name, { charged, used }] of shares) said.push(`${name}: ${charged} bytes are charged for ${used}`)
  }
  assert.deepEqual(wrong, [], said.join('\n'))
})
