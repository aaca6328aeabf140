import assert from 'node:assert/strict'
import type { Plugin } from '../../../src/access/plugin.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import type { TestClient } from '../../support/test-client.ts'
import { auth, begun, counted, COUNTING, data, said } from './counting.ts'
import { answer, assertEnded, assertEnds, scene } from './stage.ts'

const { AUTH, CONNACK } = PacketType

scene(
  'An Authentication Method that nobody speaks: CONNACK 0x8C, and the close [5.0 MQTT-4.12.0-1]',
  (stage) => {
    const client = stage.open()
    client.connect({ properties: data('1', 'count') })
    assert.deepEqual([said(client), client.isClosed], [[], true])
    assert.equal(client.connack?.reasonCode, 0x8c)
  },
  COUNTING,
)

scene(
  'Asking for more, the Server sends AUTH 0x18 with the method, before CONNACK and after [5.0 MQTT-4.12.0-2]',
  (stage) => {
    const client = counted(stage)
    assert.deepEqual(auth(client, 0x19, data('1')), [[AUTH, 0x18, 'COUNT', '2?']])
    assert.deepEqual(auth(client, 0x18, data('2')), [[AUTH, 0x18, 'COUNT', '3?']])
  },
  COUNTING,
)

scene(
  'The Client’s AUTH in reply has code 0x18; with another it is a Protocol Error [5.0 MQTT-4.12.0-3]',
  (stage) => {
    for (const code of [0x00, 0x19, 0x01, 0x80, 0xff]) {
      const client = begun(stage)
      client.send({ type: AUTH, reasonCode: code, properties: data('2') })
      assert.deepEqual([said(client), client.isClosed], [[[CONNACK, 0x82]], true], `0x${code.toString(16)}`)
      const connected = counted(stage)
      assert.deepEqual(auth(connected, 0x19, data('1')), [[AUTH, 0x18, 'COUNT', '2?']])
      connected.send({ type: AUTH, reasonCode: code, properties: data('2') })
      assertEnded(connected, 0x82)
    }
  },
  COUNTING,
)

scene(
  'AUTH uses 0x00 from the Server, 0x18 from both, 0x19 from the Client, and no other code [5.0 MQTT-3.15.2-1]',
  (stage) => {
    for (let code = 0; code < 256; code++) {
      if (code === 0x19) continue
      assertEnds(counted(stage), `f0 * ${code.toString(16).padStart(2, '0')} {15 "COUNT" 16 "1"}`, 0x82)
    }
    const client = counted(stage)
    assert.deepEqual(auth(client, 0x19, data('1')), [[AUTH, 0x18, 'COUNT', '2?']])
    auth(client, 0x18, data('2'))
    assert.deepEqual(auth(client, 0x18, data('3')), [[AUTH, 0x00, 'COUNT', 'well done']])
  },
  COUNTING,
)

scene(
  'Refused at any step: CONNACK of 0x80 or more, and the close [5.0 MQTT-4.12.0-4]',
  (stage) => {
    const refused = (client: TestClient, code = 0x86): void => {
      stage.broker.advance(60_000)
      assert.equal(client.isClosed, true)
      const codes = [client.connack?.reasonCode, ...said(client).map(([, reasonCode]) => reasonCode)]
      assert.deepEqual(
        codes.filter((one) => one !== undefined),
        [code],
      )
      assert.equal(stage.hasSession('a'), false)
    }
    const first = stage.open()
    first.connect({ clientId: 'a', properties: data('7') })
    refused(first)
    const second = begun(stage)
    second.send({ type: AUTH, reasonCode: 0x18, properties: data('7') })
    refused(second)
    const third = begun(stage)
    auth(third, 0x18, data('2'))
    third.send({ type: AUTH, reasonCode: 0x18, properties: data('7') })
    refused(third)
  },
  { ...COUNTING, 'connect-timeout': 3600 },
)

scene(
  'Every AUTH and the CONNACK carry the method of CONNECT [5.0 MQTT-4.12.0-5]',
  (stage) => {
    // `said` shows the method of each packet of both exchanges.
    const client = counted(stage)
    assert.deepEqual(
      [auth(client, 0x19, data('1')), auth(client, 0x18, data('2')), auth(client, 0x18, data('3'))].flat(),
      [
        [AUTH, 0x18, 'COUNT', '2?'],
        [AUTH, 0x18, 'COUNT', '3?'],
        [AUTH, 0x00, 'COUNT', 'well done'],
      ],
    )
    const other = begun(stage)
    other.send({ type: AUTH, reasonCode: 0x18, properties: data('2', 'OTHER') })
    assert.deepEqual([said(other), other.isClosed], [[[CONNACK, 0x82]], true])
  },
  COUNTING,
)

/** Answers as though everybody had named a method. */
const pushy: Plugin = {
  name: 'pushy',
  authenticate: ({ clientId }) =>
    clientId === 'asked'
      ? { decision: 'continue', authenticationData: Buffer.from('?') }
      : { decision: 'allow', authenticationData: Buffer.from('!') },
}

for (const version of [5, 4, 3] as const) {
  scene(
    `CONNECT of version ${version} without a method: no AUTH and no method, whatever a plugin wants [5.0 MQTT-4.12.0-6]`,
    (stage) => {
      const asked = stage.broker.open(version)
      asked.connect({ clientId: 'asked' })
      assert.deepEqual([said(asked), asked.isClosed], [[], true])
      assert.equal(asked.connack?.reasonCode, version === 5 ? 0x87 : 5)
      const told = stage.broker.connect({ clientId: 'told', version })
      const { authenticationMethod, authenticationData } = told.connack!.properties
      assert.deepEqual([told.connack!.reasonCode, authenticationMethod, authenticationData], [0, undefined, undefined])
    },
    { auth: { plugins: [pushy] } },
  )
}

scene(
  'CONNECT without a method: an AUTH of the Client is a Protocol Error [5.0 MQTT-4.12.0-7]',
  (stage) => {
    for (const packet of ['f0 * 19 {15 "COUNT"}', 'f0 * 18 {15 "COUNT" 16 "2"}', 'f0 * 19 {15 ""}']) {
      assertEnds(stage.client('a'), packet, 0x82)
    }
  },
  COUNTING,
)

scene(
  'AUTH with flags other than 0000 is malformed [5.0 MQTT-3.15.1-1]',
  (stage) => {
    for (let flags = 1; flags < 16; flags++) {
      assertEnds(counted(stage), `f${flags.toString(16)} * 19 {15 "COUNT" 16 "1"}`, 0x81)
      const early = begun(stage)
      assert.match(answer(early, `f${flags.toString(16)} * 18 {15 "COUNT" 16 "2"}`), /^20..0081/)
      assert.equal(early.isClosed, true)
    }
  },
  COUNTING,
)

scene(
  'A small Maximum Packet Size: AUTH is sent without Reason String and User Property [5.0 MQTT-3.15.2-2, MQTT-3.15.2-3]',
  (stage) => {
    const client = stage.open()
    client.connect({ properties: { ...data('1'), maximumPacketSize: 18 } })
    assert.equal(client.bytes.toString('hex'), 'f00f180d' + '150005434f554e54' + '160002323f')
  },
  COUNTING,
)

scene('Enhanced authentication is optional, for the Server and for the Client [U-4.12-2]', (stage) => {
  const without = stage.open()
  without.connect({ properties: data('1') })
  assert.equal(without.connack?.reasonCode, 0x8c)
  stage.client('plain')
})

scene(
  'The exchange: CONNECT, AUTH in turn, CONNACK; the Server says nothing by itself between [U-4.12-3]',
  (stage) => {
    const client = begun(stage)
    stage.broker.advance(1000)
    assert.deepEqual(client.take(), [])
    assert.equal(stage.hasSession('a'), false)
    assert.deepEqual(auth(client, 0x18, data('2')), [[AUTH, 0x18, 'COUNT', '3?']])
    assert.deepEqual(auth(client, 0x18, data('3')), [[CONNACK, 0x00, 'COUNT', 'well done']])
    assert.deepEqual(client.subscribe('a').reasonCodes, [0])
  },
  COUNTING,
)

scene(
  'AUTH without the method, with another, or with method or data twice is a Protocol Error [U-3.15-1]',
  (stage) => {
    for (const packet of [
      'f0 00',
      'f0 01 19',
      'f0 * 19 {}',
      'f0 * 19 {16 "1"}',
      'f0 * 19 {15 "OTHER" 16 "1"}',
      'f0 * 19 {15 "COUNT" 15 "COUNT" 16 "1"}',
      'f0 * 19 {15 "COUNT" 16 "1" 16 "1"}',
      'f0 * 19 {15 "COUNT" 16 "1" 1f "a" 1f "b"}',
    ]) {
      assertEnds(counted(stage), packet, 0x82)
    }
  },
  COUNTING,
)

scene(
  'A Client may give up at any step, by DISCONNECT or by a close [U-4.12-4]',
  (stage) => {
    for (const leave of [(client: TestClient) => client.disconnect(), (client: TestClient) => client.drop()]) {
      const first = begun(stage)
      leave(first)
      const second = begun(stage)
      auth(second, 0x18, data('2'))
      leave(second)
      assert.deepEqual([first.isClosed, second.isClosed, said(first), said(second)], [true, true, [], []])
      assert.equal(stage.hasSession('a'), false)
    }
    counted(stage)
  },
  COUNTING,
)
