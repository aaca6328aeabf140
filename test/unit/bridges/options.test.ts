import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readBridgeSettings } from '../../../src/bridges/bridge-settings.ts'
import { resolveOptions, type ConfigInput } from '../../../src/config/options.ts'
import { BridgedBrokers, type BridgesInput } from '../../support/bridged.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { messageAt } from '../broker/options-support.ts'

type Bridge = BridgesInput[string]

const NEEDED: Bridge = { url: 'mqtt://far', clientId: 'plant' }

function optionsOf(more: Bridge) {
  return resolveOptions({ listeners: {}, bridges: { cloud: { ...NEEDED, ...more } } }).bridges[0]!
}

/** Two brokers with a bridge between them, and what arrives at the other one. */
async function connected(more: Bridge) {
  const net = new BridgedBrokers()
  const far = await net.start('far')
  const near = await net.start('near', { cloud: { ...NEEDED, ...more } })
  const watcher = far.connect({ clientId: 'watcher' })
  watcher.subscribe('#', 2)
  return { net, far, near, watcher, sensor: near.connect({ clientId: 'sensor' }) }
}

test('addresses are tried in order, beginning with the first again; round-robin goes on with the next', async () => {
  for (const [addresses, again] of [
    ['in-order', 'far'],
    ['round-robin', 'second'],
  ] as const) {
    const net = new BridgedBrokers()
    await net.start('far')
    await net.start('second')
    await net.start('near', { cloud: { ...NEEDED, addresses, url: ['mqtt://far', 'mqtt://second'] } })
    net.cut()
    net.reconnect()
    assert.deepEqual(net.dialled, ['far', again])
    await net.close()
  }
})

test('user-name, password-file, certfile, keyfile, cafile, alpn, headers and proxy reach the client', async () => {
  const folder = scratchFolder()
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const files = {
    passwordFile: file('password', 'secret\nmore'),
    certfile: file('crt', 'C'),
    keyfile: file('key', 'K'),
    cafile: file('ca', 'A'),
  }
  const more = { userName: 'ann', alpn: 'mqtt', headers: { 'x-a': 'b' }, proxy: 'socks5h://hop:1', ...files }
  const { addresses, client } = await readBridgeSettings(optionsOf({ ...more, url: 'wss://far/x' }))
  assert.deepEqual([client.userName, client.password], ['ann', Buffer.from('secret')])
  assert.deepEqual(addresses, [
    {
      transport: 'wss',
      host: 'far',
      port: 443,
      path: '/x',
      headers: { 'x-a': 'b' },
      tls: { cert: 'C', key: 'K', ca: ['A'], alpn: ['mqtt'] },
      proxy: { kind: 'socks5', host: 'hop', port: 1 },
    },
  ])
  await assert.rejects(
    readBridgeSettings(optionsOf({ cafile: join(folder, 'none') })),
    /bridges\.cloud\.cafile: cannot/,
  )
})

test('protocol, bridge-bit, client-id, keep-alive, connect-timeout, max-reconnect-delay and session-expiry reach the client', async () => {
  const old = await readBridgeSettings(
    optionsOf({ protocol: '3.1.1', bridgeBit: false, keepAlive: 7, connectTimeout: 2, maxReconnectDelay: 9 }),
  )
  const { protocolVersion, bridge, clientId, keepAlive, connectTimeoutMs, backOff } = old.client
  assert.deepEqual([protocolVersion, bridge, clientId, keepAlive, connectTimeoutMs], [4, false, 'plant', 7, 2000])
  assert.deepEqual(backOff, { firstMs: 1000, longestMs: 9000 })
  assert.equal(optionsOf({ protocol: '3.1.1' }).maxInflightMessages, 20)
  const now = await readBridgeSettings(optionsOf({ sessionExpiry: 60, maxInflightMessages: 5 }))
  assert.deepEqual(now.client.properties, { sessionExpiryInterval: 60, receiveMaximum: 5 })
})

test('max-inflight-messages limits what is in flight to the other broker', async () => {
  const { net, near, sensor } = await connected({ maxInflightMessages: 2, out: [{ filter: '#' }] })
  assert.equal((await near.broker.client('$bridge/cloud'))!.receiveMaximum, 2)
  sensor.publish('a', 'x', 1)
  assert.equal(near.bridges.views[0]!.out.messages, 1)
  await net.close()
})

test('max-message-rate lets as many go as for a second, and the rest later', async () => {
  const { net, sensor, watcher } = await connected({ maxMessageRate: 10, out: [{ filter: '#' }] })
  for (let at = 0; at < 40; at++) sensor.publish('a', String(at), 1)
  const first = watcher.receiveAll().length
  assert.ok(first >= 10 && first < 20, `${first} at once`)
  net.clock.advance(10_000)
  assert.equal(first + watcher.receiveAll().length, 40)
  await net.close()
})

test('max-hops ends the way of a message', async () => {
  const hops = (count: number) => ({
    userProperties: Array.from({ length: count }, (_, at) => ['via', `b${at}`] as const),
  })
  const { net, near, sensor, watcher } = await connected({ maxHops: 3, out: [{ filter: '#' }] })
  for (const count of [2, 3]) sensor.publish('a', String(count), 1, { properties: hops(count) })
  const [message, ...others] = watcher.receiveAll()
  assert.deepEqual(message!.properties.userProperties, [...hops(2).userProperties, ['via', 'plant']])
  assert.equal(others.length, 0)
  assert.deepEqual(near.bridges.views[0]!.out.dropped, { 'too many hops': 1 })
  await net.close()
})

test('retain off clears RETAIN, which is kept otherwise', async () => {
  for (const retain of [true, false]) {
    const { net, far, sensor } = await connected({ retain, out: [{ filter: '#' }] })
    sensor.publish('a', 'x', 1, { retain: true })
    const late = far.connect({ clientId: 'late' })
    late.subscribe('a', 1)
    assert.equal(late.receiveAll().length, retain ? 1 : 0)
    await net.close()
  }
})

test('a paused bridge stays disconnected and collects', async () => {
  const { net, near, sensor } = await connected({ paused: true, out: [{ filter: '#' }] })
  sensor.publish('a', 'x', 1)
  assert.deepEqual(net.dialled, [])
  const [view] = near.bridges.views
  assert.deepEqual([view!.state, view!.queuedMessages], ['paused', 1])
  near.bridges.setPaused('cloud', false)
  net.clock.runTurns()
  assert.deepEqual([near.bridges.views[0]!.state, near.bridges.views[0]!.queuedMessages], ['connected', 0])
  await net.close()
})

test('queue: max-messages, max-bytes and when-full', async () => {
  for (const [queue, expected] of [
    [{ maxMessages: 2 }, ['3', '4']],
    [{ maxMessages: 2, whenFull: 'drop-newest' }, ['0', '1']],
    [{ maxBytes: '1 KiB' }, 2],
  ] as const) {
    const { net, near, sensor, watcher } = await connected({ paused: true, queue, out: [{ filter: '#' }] })
    for (let at = 0; at < 5; at++) sensor.publish('a', String(at).padEnd(typeof expected === 'number' ? 300 : 1), 1)
    near.bridges.setPaused('cloud', false)
    net.clock.runTurns()
    const payloads = watcher.receiveAll().map(({ payload }) => Buffer.from(payload).toString())
    if (typeof expected === 'number') assert.ok(payloads.length < 5 && payloads.length > 0, `${payloads.length}`)
    else assert.deepEqual(payloads, expected)
    await net.close()
  }
})

test('mistakes name their place', () => {
  const at = (bridge: Record<string, unknown>, key: string): string =>
    messageAt(
      { listeners: {}, bridges: { cloud: { url: 'mqtt://a', 'client-id': 'c', ...bridge } } },
      `bridges.cloud${key}`,
    )
  assert.match(at({ url: 'mqtt://ann:secret@a' }, '.url.0'), /must not contain a user name/)
  assert.match(at({ url: undefined }, ''), /requires `url`/)
  assert.match(at({ 'client-id': undefined }, ''), /requires `client-id`/)
  assert.match(at({ certfile: 'x' }, '.certfile'), /requires `keyfile`/)
  assert.match(at({ proxy: 'ftp://x' }, '.proxy'), /socks5h:/)
  assert.match(at({ out: [{ filter: 'a/#/b' }] }, '.out.0.filter'), /topic filter/)
  assert.match(
    at({ 'max-packet-size': 20_000_000 }, '.max-packet-size'),
    /must not exceed `max-packet-size` of the broker, 16777216/,
  )
  const twice = { a: { url: 'mqtt://x', clientId: 'c' }, b: { url: 'mqtt://x', clientId: 'c' } }
  assert.match(messageAt({ listeners: {}, bridges: twice } satisfies ConfigInput, 'bridges.b.client-id'), /bridges\.a/)
})

test('queue: expiry drops what has waited that long, and nothing earlier', async () => {
  const { net, near, sensor, watcher } = await connected({
    paused: true,
    queue: { expiry: 640 },
    out: [{ filter: '#', qos: 2 }],
  })
  const view = () => near.bridges.views[0]!
  sensor.publish('a', 'old', 1)
  net.clock.advance(600_000)
  sensor.publish('a', 'new', 2)
  sensor.receiveAll()
  net.clock.advance(39_000)
  assert.equal(view().queuedMessages, 2)
  net.clock.advance(12_000)
  assert.deepEqual([view().queuedMessages, view().out.dropped], [1, { expired: 1 }])
  assert.equal(near.broker.metrics.dropped.expired, 1)
  near.bridges.setPaused('cloud', false)
  net.clock.runTurns()
  assert.deepEqual(
    watcher.receiveAll().map(({ payload }) => Buffer.from(payload).toString()),
    ['new'],
  )
  await net.close()
})

test('queue: expiry 0 sets no limit, and the default is a week', async () => {
  assert.equal(optionsOf({}).queue.expiry, 604_800)
  const { net, near, sensor } = await connected({ paused: true, queue: { expiry: 0 }, out: [{ filter: '#' }] })
  sensor.publish('a', 'x', 1)
  net.clock.advance(20 * 86_400_000)
  assert.equal(near.bridges.views[0]!.queuedMessages, 1)
  await net.close()
})

test('queue: expiry goes on over a reload that changes the bridge', async () => {
  const bridge: Bridge = { ...NEEDED, paused: true, queue: { expiry: 64 }, out: [{ filter: '#' }] }
  const { net, near, sensor } = await connected(bridge)
  const queued = (): number => near.bridges.views[0]!.queuedMessages
  for (const payload of ['one', 'two', 'three']) sensor.publish('a', payload, 1)
  net.clock.advance(60_000)
  await near.apply({ cloud: { ...bridge, queue: { expiry: 62 } } })
  net.clock.advance(4000)
  // The first has been sent to the connection that took up the session: what is in flight stays.
  assert.equal(queued(), 1)
  await net.close()
})

test('queue: expiry of a thousand messages and more goes on in slices', async () => {
  const { net, near, sensor } = await connected({ paused: true, queue: { expiry: 64 }, out: [{ filter: '#' }] })
  for (let at = 0; at < 2500; at++) sensor.publish('a', String(at), 1)
  net.clock.advance(70_000)
  assert.deepEqual([near.bridges.views[0]!.queuedMessages, near.bridges.views[0]!.out.dropped], [0, { expired: 2500 }])
  await net.close()
})
