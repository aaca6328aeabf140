import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverOf } from '../../../src/broker/broker.ts'
import { listLogger } from '../../support/list-logger.ts'
import { BridgedBrokers } from '../../support/bridged.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { settled } from '../admin/support.ts'

test('broker.admin lists bridges, pauses one and resumes it; a reload that removes it ends its session', async () => {
  const cloud = { url: 'mqtt://127.0.0.1:1', clientId: 'plant', out: [{ filter: 'a/#' }] }
  const near = await VirtualBroker.start({ bridges: { cloud: { ...cloud, paused: true } } })
  const { admin } = near.broker
  const states = async (): Promise<unknown> => (await admin.bridges()).map(({ name, state }) => [name, state])
  assert.deepEqual(await states(), [['cloud', 'paused']])
  near.connect({ clientId: 'sensor' }).publish('a/b', 'x', 1)
  assert.equal((await admin.bridges())[0]!.queuedMessages, 1)
  assert.equal(await admin.pauseBridge({ name: 'cloud' }), true)
  assert.equal(await admin.pauseBridge({ name: 'none' }), false)
  assert.equal(await admin.resumeBridge({ name: 'cloud' }), true)
  assert.deepEqual(await states(), [['cloud', 'connecting']])
  assert.equal((await near.broker.session('$bridge/cloud'))!.userName, '$bridge/cloud')
  await near.broker.reload({ listeners: {}, sysInterval: 0 })
  near.clock.runTurns()
  assert.deepEqual(await states(), [])
  assert.equal(await near.broker.session('$bridge/cloud'), undefined)
  await near.close()
})

test('a bridge that a reload removes while it is connected is no longer counted as connected', async () => {
  const net = new BridgedBrokers()
  await net.start('far')
  const near = await net.start('near', { cloud: { url: 'mqtt://far', clientId: 'plant', out: [{ filter: 'a/#' }] } })
  const { metrics } = serverOf(near.broker)
  assert.equal(metrics.bridgesConnected, 1)
  await near.apply({})
  assert.equal(metrics.bridgesConnected, 0)
  await net.close()
})

test('why the session of a bridge is not connected: what the bridge says about it comes first', async () => {
  const net = new BridgedBrokers()
  const near = await net.start('near', { cloud: { url: 'mqtt://far', clientId: 'plant', out: [{ filter: 'a/#' }] } })
  const first = async (topic?: string): Promise<unknown> => {
    const query = { clientId: '$bridge/cloud', ...(topic !== undefined && { topic }) }
    const { facts } = await settled(near, near.broker.admin.why(query))
    return [facts[0]!.certainty, facts[0]!.cause, facts[0]!.text]
  }
  const [view] = await near.broker.admin.bridges()
  assert.ok(Number.isInteger(view!.nextAttemptAtMs), String(view!.nextAttemptAtMs))
  const text = `The bridge "cloud" to mqtt://far:1883 is waiting: ${view!.reason}. \`sluice bridge test cloud\` shows at which step.`
  assert.deepEqual(await first(), ['derived', 'bridge not connected', text])
  await near.broker.admin.pauseBridge({ name: 'cloud' })
  const paused = 'The bridge "cloud" to mqtt://far:1883 is paused; `sluice resume-bridge cloud` lets it connect.'
  assert.deepEqual(await first(), ['derived', 'bridge not connected', paused])
  await net.close()
})

test('the log says of a bridge, in a sentence each, where it connects, why it waits and until when, and nothing of its session', async () => {
  const log = listLogger()
  const cloud = { url: 'mqtt://127.0.0.1:1', clientId: 'plant', out: [{ filter: 'a/#' }] }
  const near = await VirtualBroker.start({ bridges: { cloud: { ...cloud, paused: true } } }, { logger: log })
  await near.broker.admin.resumeBridge({ name: 'cloud' })
  assert.deepEqual(log.lines, [
    'bridge cloud: paused; messages for mqtt://127.0.0.1:1 wait',
    'bridge cloud: connecting to mqtt://127.0.0.1:1; messages for it wait until it is connected',
  ])
  await near.close()

  const lines = listLogger()
  const logged = { logger: lines }
  const net = new BridgedBrokers()
  await net.start('near', { gone: { url: 'mqtt://nowhere', clientId: 'plant', out: [{ filter: 'a/#' }] } }, {}, logged)
  await net.start('far')
  await net.start('other', { far: { url: 'mqtt://far', clientId: 'plant', out: [{ filter: 'a/#' }] } }, {}, logged)
  const ofBridges = lines.lines.filter((line) => /bridge/.test(line))
  assert.match(ofBridges[0]!, /^bridge gone: connecting to mqtt:\/\/nowhere:1883; messages for it wait until/)
  assert.match(ofBridges[1]!, /^bridge gone: not connected to mqtt:\/\/nowhere:1883: .*; the next attempt is in \d+ s$/)
  assert.deepEqual(ofBridges.slice(-2), [
    'bridge far: connecting to mqtt://far:1883; messages for it wait until it is connected',
    'bridge far: connected to mqtt://far:1883',
  ])
  await net.close()
})

test('other clients may not use the client identifier of a bridge', async () => {
  const near = await VirtualBroker.start()
  const client = near.open()
  client.connect({ clientId: '$bridge/cloud' })
  assert.equal(client.connack?.reasonCode, 0x85)
  await near.close()
})

test('a bridge needs no login and no permission', async () => {
  const cloud = { url: 'mqtt://127.0.0.1:1', clientId: 'plant', paused: true, out: [{ filter: 'a/#' }] }
  const near = await VirtualBroker.start({
    bridges: { cloud },
    auth: { plugins: [{ name: 'closed', authenticate: () => ({ decision: 'deny' }) }] },
    topicCheck: { plugins: [{ name: 'none', mayReceive: () => false, maySubscribe: () => false }] },
  } as never)
  await near.broker.publish('a/b', 'x', { qos: 1 })
  assert.equal((await near.broker.admin.bridges())[0]!.queuedMessages, 1)
  await near.close()
})

test('the health check bridges names a bridge that is out for longer than outage-warning, since when, and why', async () => {
  const net = new BridgedBrokers()
  net.unreachable.add('far')
  const bridge = { url: 'mqtt://far', clientId: 'plant', out: [{ filter: '#' }] }
  const quiet = { ...bridge, clientId: 'quiet', outageWarning: 0 }
  const near = await net.start('near', { cloud: bridge, quiet, idle: { ...bridge, clientId: 'idle', paused: true } })
  const check = async () => (await near.broker.admin.healthChecks()).find(({ name }) => name === 'bridges')
  const since = new Date(net.clock.wallNow()).toISOString()
  net.clock.advance(59_000)
  assert.deepEqual(await check(), { name: 'bridges', healthy: true, detail: '' })
  net.clock.advance(2000)
  const detail = `cloud has not been connected since ${since}: no route to far`
  assert.deepEqual(await check(), { name: 'bridges', healthy: false, detail })
  await net.start('far')
  net.unreachable.delete('far')
  net.reconnect()
  assert.equal((await check())!.healthy, true)
  await near.apply({})
  assert.equal(await check(), undefined)
  await net.close()
})
