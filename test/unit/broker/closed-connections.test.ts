import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import type { ClosedConnectionView } from '../../../src/broker/sessions/closed-connections.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'

async function closedOf({ broker }: VirtualBroker, clientId?: string): Promise<readonly ClosedConnectionView[]> {
  return (await broker.closedConnections({ clientId, limit: 1000 })).items
}

test('a connection that has ended is listed with its client, its cause and its figures', async () => {
  const broker = await VirtualBroker.start()
  const connectedAtMs = Math.round(broker.clock.wallNow())
  const meter = broker.connect({ clientId: 'meter', peer: { address: '192.0.2.7', port: 50_312 } })
  meter.publish('a', 'x')
  broker.advance(4000)
  meter.disconnect(ReasonCode.DisconnectWithWillMessage, { reasonString: 'maintenance\u001b[2J' })
  const [{ bytesReceived, bytesSent, ...rest }] = (await closedOf(broker)) as [ClosedConnectionView]
  assert.deepEqual(rest, {
    clientId: 'meter',
    userName: undefined,
    claimedUserName: undefined,
    address: '192.0.2.7',
    port: 50_312,
    listener: 'attached',
    protocolVersion: 5,
    connectedAtMs,
    closedAtMs: connectedAtMs + 4000,
    cause: 'disconnected by client',
    reasonCode: ReasonCode.DisconnectWithWillMessage,
    detail: 'maintenance\\u001b[2J',
    messagesReceived: 1,
    messagesSent: 0,
  })
  assert.ok(bytesReceived > 20)
  assert.equal(bytesSent, meter.bytes.length)
  await broker.close()
})

test('what is remembered is charged to the broker, and given back when it is forgotten', async () => {
  const broker = await VirtualBroker.start({ 'max-closed-connections': 2 })
  const close = (clientId: string): number => {
    broker.connect({ clientId }).drop()
    return broker.broker.memory.bytes
  }
  const [empty, one, two, three] = [broker.broker.memory.bytes, close('a'), close('b'), close('c')]
  assert.deepEqual([empty, one > 300, two - one, three - two], [0, true, one, 0])
  const long = close('x'.repeat(256))
  assert.ok(long - three > 400 && long - three < 600, `${long - three} bytes`)
  await broker.broker.reload({ listeners: {}, 'sys-interval': 0, 'max-closed-connections': 0 })
  assert.equal(broker.broker.memory.bytes, 0)
  await broker.close()
})

test('every cause is seen, the newest first, and by client identifier', async () => {
  const broker = await VirtualBroker.start()
  broker.connect({ clientId: 'a' }).drop()
  broker.connect({ clientId: 'b', version: 4, keepAlive: 1 })
  broker.advance(2000)
  broker.connect({ clientId: 'c', version: 3 }).sendHex('f000')
  broker.connect({ clientId: 'a' })
  broker.connect({ clientId: 'a' })
  await broker.broker.disconnect('a')
  const causes = (closed: readonly ClosedConnectionView[]): string[] =>
    closed.map(({ clientId, protocolVersion, cause }) => `${clientId} ${protocolVersion} ${cause}`)
  assert.deepEqual(causes(await closedOf(broker)), [
    'a 5 disconnected by server',
    'a 5 session taken over',
    'c 3 protocol error',
    'b 4 keep alive timeout',
    'a 5 connection lost',
  ])
  assert.deepEqual(causes(await closedOf(broker, 'b')), ['b 4 keep alive timeout'])
  assert.deepEqual(await closedOf(broker, 'nobody'), [])
  await broker.close()
})

test('a connection that had not logged in is not listed: a flood of them would push the others out', async () => {
  const denier: Plugin = { name: 'denier', authenticate: () => ({ decision: 'deny' }) }
  const broker = await VirtualBroker.start({ auth: { plugins: [denier] } })
  broker.connect()
  broker.open().drop()
  assert.deepEqual(await closedOf(broker), [])
  await broker.close()
})

test('max-closed-connections: beyond it the oldest is forgotten and counted, and a reload lowers it', async () => {
  const config = { listeners: {}, 'sys-interval': 0, 'max-closed-connections': 3 }
  const broker = await VirtualBroker.start(config)
  const leave = (clientId: string): void => broker.connect({ clientId }).disconnect()
  const names = async (): Promise<string[]> => (await closedOf(broker)).map(({ clientId }) => clientId)
  for (const clientId of ['a', 'b', 'c']) leave(clientId)
  assert.equal(broker.broker.metrics.closedConnectionsForgotten, 0)
  leave('d')
  assert.deepEqual(await names(), ['d', 'c', 'b'])
  assert.equal(broker.broker.metrics.closedConnectionsForgotten, 1)
  const reloaded = broker.broker.reload({ ...config, 'max-closed-connections': 1 })
  await broker.settle()
  await reloaded
  assert.deepEqual(await names(), ['d'])
  assert.equal(broker.broker.metrics.closedConnectionsForgotten, 3)
  const none = broker.broker.reload({ ...config, 'max-closed-connections': 0 })
  await broker.settle()
  await none
  leave('e')
  assert.deepEqual(await names(), [])
  await broker.close()
})

test('a cursor stays good while others end, and what it stands on may be forgotten', async () => {
  const broker = await VirtualBroker.start({ 'max-closed-connections': 6 })
  for (const clientId of ['a', 'b', 'c', 'd', 'e', 'f']) broker.connect({ clientId }).disconnect()
  const page = async (limit: number, cursor?: string) => {
    const { items, cursor: next } = await broker.broker.closedConnections({ limit, cursor })
    return [items.map(({ clientId }) => clientId).join(' '), next] as const
  }
  assert.equal((await page(6))[1], undefined)
  const [first, cursor] = await page(2)
  assert.equal(first, 'f e')
  broker.connect({ clientId: 'g' }).disconnect()
  const [second, third] = await page(2, cursor)
  assert.equal(second, 'd c')
  assert.deepEqual(await page(2, third), ['b', undefined])
  for (const clientId of ['h', 'i', 'j', 'k', 'l']) broker.connect({ clientId }).disconnect()
  assert.deepEqual(await page(2, third), ['', undefined])
  for (const wrong of ['', '0', 'x', 7 as unknown as string]) {
    await assert.rejects(broker.broker.closedConnections({ cursor: wrong }), {
      code: 'ERR_USAGE',
      message: / is not a cursor/,
    })
  }
  await broker.close()
})

test('what a peer has said takes a few kilobytes at most', async () => {
  const broker = await VirtualBroker.start()
  const clientId = 'x'.repeat(60_000)
  broker.connect({ clientId }).disconnect(0, { reasonString: 'y'.repeat(60_000) })
  const [closed] = await closedOf(broker, clientId)
  assert.equal(closed!.clientId.length, 256)
  assert.ok(closed!.detail.length < 300)
  await broker.close()
})
