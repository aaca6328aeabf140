/** Whose sessions give way at a limit: their holder’s own, never another’s. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConfigInput } from '../../../src/config/options.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { sessionsOf } from '../../support/sessions.ts'

const everyone: Plugin = {
  name: 'everyone',
  authenticate: ({ userName }) =>
    userName === undefined ? { decision: 'allow', anonymous: true } : { decision: 'allow' },
}
const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const
const [HOME, AWAY] = ['192.0.2.1', '198.51.100.9']

const start = (config: ConfigInput): Promise<VirtualBroker> =>
  VirtualBroker.start({ auth: { plugins: [everyone] }, ...config })

function open(
  broker: VirtualBroker,
  clientId: string,
  userName?: string,
  address = HOME,
  version: 4 | 5 = 5,
): TestClient {
  const name = userName === undefined ? {} : { userName }
  return broker.connect({ ...KEPT, ...name, clientId, version, peer: { address } })
}

const left = (broker: VirtualBroker): string[] => sessionsOf(broker.broker).map(({ clientId }) => clientId)

test('sessions of anonymous clients, however many, end no session of a user', async () => {
  const broker = await start({ 'max-sessions': 100 })
  const ann = open(broker, 'ann', 'ann')
  ann.subscribe('letters', 1)
  ann.drop()
  broker.connect({ clientId: 'post', userName: 'post' }).publish('letters', 'dear ann', 1)
  for (let n = 0; n < 150; n++) open(broker, `nobody-${n}`, undefined, AWAY).drop()
  assert.equal(sessionsOf(broker.broker).length, 101, 'the publisher has one that is not kept')
  assert.deepEqual(open(broker, 'ann', 'ann').takePayloads(), ['dear ann'])
  assert.equal(broker.broker.metrics.sessionsEndedAtLimit, 51)
  await broker.close()
})

test('a newcomer whose holder has nothing to give is refused with 0x97, in 3.1.1 with 3, and nothing ends', async () => {
  const broker = await start({ 'max-sessions': 2 })
  open(broker, 'a', 'ann').drop()
  open(broker, 'b', 'bob')
  for (const [version, code] of [
    [5, ReasonCode.QuotaExceeded],
    [4, 3],
  ] as const) {
    assert.equal(open(broker, 'e', 'eve', AWAY, version).connack?.reasonCode, code)
    assert.equal(open(broker, 'b2', 'bob', HOME, version).connack?.reasonCode, code, 'its only session is connected')
  }
  assert.deepEqual(left(broker), ['a', 'b'])
  assert.equal(broker.broker.metrics.sessionsRefusedAtLimit, 4)
  assert.equal(broker.connect({ clientId: 'short', userName: 'eve' }).connack?.reasonCode, 0, 'it is not kept')
  assert.equal(open(broker, 'a', 'ann').connack?.sessionPresent, true)
  await broker.close()
})

test('max-sessions-per-user: the oldest one away gives way; anonymous clients count by their network', async () => {
  const broker = await start({ 'max-sessions-per-user': 2 })
  for (const clientId of ['a', 'b', 'c']) open(broker, clientId, 'ann').drop()
  for (const [n, address] of ['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8:0:1::1'].entries()) {
    open(broker, `v6-${n}`, undefined, address).drop()
  }
  assert.deepEqual(left(broker), ['b', 'c', 'v6-1', 'v6-2', 'v6-3'])
  await broker.close()
})

test('the user `anonymous` and clients without a name are two holders', async () => {
  const broker = await start({ 'max-sessions-per-user': 1 })
  open(broker, 'a', 'anonymous').drop()
  open(broker, 'b').drop()
  open(broker, 'c', `@${HOME}`).drop()
  assert.deepEqual(left(broker), ['a', 'b', 'c'])
  await broker.close()
})

test('a session that is resumed, taken over, or begun anew by its client needs no more room', async () => {
  const broker = await start({ 'max-sessions': 1 })
  open(broker, 'a', 'ann')
  assert.equal(open(broker, 'a', 'ann').connack?.reasonCode, 0)
  assert.equal(broker.connect({ ...KEPT, cleanStart: true, clientId: 'a', userName: 'ann' }).connack?.reasonCode, 0)
  assert.equal(broker.connect({ clientId: 'a', userName: 'ann' }).connack?.reasonCode, 0, 'as one that is not kept')
  assert.equal(open(broker, 'b', 'bob').connack?.reasonCode, 0, 'which made room')
  await broker.close()
})

test('what was stored counts for its user after a restart', async () => {
  const disk = new MemoryDisk()
  const config = { listeners: {}, persistence: {}, auth: { plugins: [everyone] }, 'max-sessions': 2 }
  const before = await VirtualBroker.start(config, { disk })
  open(before, 'a', 'ann').drop()
  open(before, 'b', 'bob').drop()
  await before.settle()
  await before.close()
  const broker = await VirtualBroker.start(config, { disk })
  for (const [userName, code] of [
    ['eve', ReasonCode.QuotaExceeded],
    ['ann', 0],
  ] as const) {
    const client = open(broker, `${userName}-2`, userName)
    await broker.settle()
    const connack = client.connack ?? client.take()[0]
    assert.equal((connack as { reasonCode: number }).reasonCode, code)
  }
  assert.deepEqual(left(broker).sort(), ['ann-2', 'b'])
  await broker.close()
})
