import assert from 'node:assert/strict'
import type { Plugin } from '../../../src/access/plugin.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { auth, counted, COUNTING, data } from './counting.ts'
import { answer, assertEnded, assertEnds, received, scene } from './stage.ts'

const { AUTH } = PacketType

scene(
  'Re-authentication with another method ends the Connection [5.0 MQTT-4.12.1-1]',
  (stage) => {
    for (const method of ['OTHER', 'count', 'COUNT ', '']) {
      assertEnds(counted(stage), `f0 * 19 {15 "${method}" 16 "1"}`, 0x82)
      const client = counted(stage)
      auth(client, 0x19, data('1'))
      assertEnds(client, `f0 * 18 {15 "${method}" 16 "2"}`, 0x82)
    }
  },
  COUNTING,
)

scene(
  'A re-authentication that fails: DISCONNECT 0x87, and the close [5.0 MQTT-4.12.1-2]',
  (stage) => {
    const first = counted(stage)
    first.send({ type: AUTH, reasonCode: 0x19, properties: data('7') })
    assertEnded(first, 0x87)
    const second = counted(stage)
    auth(second, 0x19, data('1'))
    second.send({ type: AUTH, reasonCode: 0x18, properties: data('7') })
    assertEnded(second, 0x87)
    assert.deepEqual(stage.ends, ['a: authentication failed', 'a: authentication failed'])
  },
  COUNTING,
)

scene(
  'Re-authentication: AUTH 0x19 is answered by AUTH 0x18 to go on, 0x00 when it is done [U-4.12.1-1]',
  (stage) => {
    const client = counted(stage)
    for (let round = 0; round < 3; round++) {
      assert.deepEqual(auth(client, 0x19, data('1')), [[AUTH, 0x18, 'COUNT', '2?']])
      assert.deepEqual(auth(client, 0x18, data('2')), [[AUTH, 0x18, 'COUNT', '3?']])
      assert.deepEqual(auth(client, 0x18, data('3')), [[AUTH, 0x00, 'COUNT', 'well done']])
    }
  },
  COUNTING,
)

scene(
  'Meanwhile other packets flow, both ways [U-4.12.1-2]',
  (stage) => {
    const client = counted(stage)
    client.subscribe('a', 1)
    auth(client, 0x19, data('1'))
    assert.equal(answer(client, 'c0 00'), 'd000')
    assert.equal(answer(client, '32 * "nobody" 0001 {}'), '4003000110')
    stage.client('sensor').publish('a', 'x', 1)
    assert.deepEqual(received(client), ['a x q1'])
    auth(client, 0x18, data('2'))
    assert.deepEqual(auth(client, 0x18, data('3')), [[AUTH, 0x00, 'COUNT', 'well done']])
  },
  COUNTING,
)

let name = 'first'
const renaming: Plugin = { name: 'renaming', authenticate: () => ({ decision: 'allow', userName: name }) }

scene(
  'A re-authentication under another User Name is refused [U-4.12.1-3]',
  (stage) => {
    const client = stage.open()
    client.connect({ clientId: 'a', properties: data('1') })
    assert.equal(client.connack?.reasonCode, 0)
    assert.deepEqual(auth(client, 0x19, data('1')), [[AUTH, 0x00, 'COUNT']])
    name = 'second'
    client.send({ type: AUTH, reasonCode: 0x19, properties: data('1') })
    assertEnded(client, 0x87)
  },
  { auth: { plugins: [renaming] } },
)
