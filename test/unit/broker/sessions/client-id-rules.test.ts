import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientIdProblem } from '../../../../src/broker/sessions/client-id-rules.ts'
import type { ConfigInput } from '../../../../src/config/options.ts'
import type { Plugin } from '../../../../src/access/plugin.ts'
import { VirtualBroker } from '../../../support/virtual-broker.ts'

const NONE = { listener: { clientId: 'any', clientIdPrefix: '' }, auth: { clientIds: {} } } as const
const isFine = (
  clientId: string,
  userName: string | undefined,
  rules: Parameters<typeof clientIdProblem>[2],
): boolean => clientIdProblem(clientId, userName, rules) === undefined

test('without a rule every Client Identifier is fine', () => {
  for (const [clientId, userName] of [
    ['', undefined],
    ['a', undefined],
    ['a', 'ann'],
  ] as const) {
    assert.ok(isFine(clientId, userName, NONE))
  }
})

test('client-id: user-name', () => {
  const rules = { ...NONE, listener: { clientId: 'user-name', clientIdPrefix: '' } } as const
  assert.ok(isFine('ann', 'ann', rules))
  for (const [clientId, userName] of [
    ['Ann', 'ann'],
    ['', 'ann'],
    ['ann', undefined],
    ['anonymous', undefined],
    ['', undefined],
    ['', ''],
  ] as const) {
    assert.ok(!isFine(clientId, userName, rules), `${clientId} of ${userName}`)
  }
})

test('client-id-prefix: as it stands, and with the user name in it', () => {
  const plain = { ...NONE, listener: { clientId: 'any', clientIdPrefix: 'plant-' } } as const
  assert.deepEqual(
    ['plant-1', 'plant-', 'plan', ''].map((clientId) => isFine(clientId, 'ann', plain)),
    [true, true, false, false],
  )
  const named = { ...NONE, listener: { clientId: 'any', clientIdPrefix: '%u-' } } as const
  assert.ok(isFine('ann-1', 'ann', named))
  assert.ok(isFine('$&-1', '$&', named), 'a name is text, whatever it looks like')
  for (const [clientId, userName] of [
    ['bob-1', 'ann'],
    ['ann', 'ann'],
    ['-1', undefined],
    ['-1', ''],
    ['%u-1', 'ann'],
  ] as const) {
    assert.ok(!isFine(clientId, userName, named), `${clientId} of ${userName}`)
  }
})

test('auth.client-ids: of single users, exactly or by their beginning; of others nothing is demanded', () => {
  const rules = { ...NONE, auth: { clientIds: { ann: ['phone', 'ann/*'], bob: [] } } }
  assert.deepEqual(
    ['phone', 'ann/1', 'phone2', 'ann', ''].map((clientId) => isFine(clientId, 'ann', rules)),
    [true, true, false, false, false],
  )
  assert.ok(!isFine('bob', 'bob', rules))
  for (const userName of ['eve', undefined, 'constructor']) assert.ok(isFine('phone', userName, rules))
})

test('a mismatch is 0x85, in 3.1.1 code 2; it touches no session and is no wrong login', async () => {
  const everyone: Plugin = { name: 'everyone', authenticate: () => ({ decision: 'allow' }) }
  const config: ConfigInput = {
    auth: { plugins: [everyone], 'client-ids': { ann: ['ann-*'] } },
  }
  const broker = await VirtualBroker.start(config)
  const kept = { cleanStart: false, properties: { sessionExpiryInterval: 100 } } as const
  const owner = broker.connect({ clientId: 'ann-1', userName: 'ann', ...kept })
  for (let n = 0; n < 5; n++) {
    assert.equal(broker.connect({ clientId: 'bob-1', userName: 'ann' }).connack?.reasonCode, 0x85)
    assert.equal(broker.connect({ clientId: 'bob-1', userName: 'ann', version: 4 }).connack?.reasonCode, 2)
  }
  assert.ok(!owner.isClosed)
  assert.equal(broker.broker.metrics.loginsSlowed, 0)
  await broker.close()
})
