import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodePacket } from '../../../src/codec/encode.ts'
import { UsageError } from '../../../src/base/errors.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { reasonCodes } from '../../../src/codec/reason-code.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { answer, assertEnded, assertEnds, bytesOf, KEPT, received, scene, Stage, taken, takeHex } from './stage.ts'

/** Table 3-10, what a Client may send of it (0x9B: §3.3.4 tells it to), and what a Server may. */
const OF_CLIENT = [0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9b]
const OF_SERVER = [
  ...[0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98],
  ...[0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2],
]

const WILL = { will: { topicName: 'will' } }

scene(
  'A Client that was not accepted gets no DISCONNECT: a CONNACK with the code, or a bare close [5.0 MQTT-3.14.0-1]',
  (stage) => {
    for (const [notation, code] of [
      ['10 * "MQTT" 05 03 0000 {} "a"', 0x81],
      ['10 * "MQTT" 05 02 0000 {21 0000} "a"', 0x82],
      ['10 * "MQTT" 06 02 0000 {} "a"', 0x84],
      ['10 * "MQTT" 05 02 0000 {15 "unknown"} "a"', 0x8c],
    ] as const) {
      const client = stage.open()
      client.sendBytes(bytesOf(notation))
      assert.deepEqual(
        client.take().map((packet) => [packet.type, 'reasonCode' in packet ? packet.reasonCode : 0]),
        [[PacketType.CONNACK, code]],
        notation,
      )
      assert.equal(client.isClosed, true)
    }
    for (const notation of ['e0 00', '30 05 0001 61 00 78', '00 00', 'c0 00', '10 * "mqtt" 05 02 0000 {} "a"']) {
      const client = stage.open()
      client.sendBytes(bytesOf(notation))
      assert.deepEqual([client.bytes.length, client.isClosed], [0, true], notation)
    }
  },
)

test('Time runs out, or the Server stops, before CONNACK: no DISCONNECT [5.0 MQTT-3.14.0-1]', async () => {
  const stage = new Stage(await VirtualBroker.start())
  const slow = stage.open()
  stage.broker.advance(10_000)
  assert.deepEqual([slow.bytes.length, slow.isClosed], [0, true])
  const late = stage.open()
  const connected = stage.client('connected')
  await stage.broker.close()
  assert.deepEqual([late.bytes.length, late.isClosed], [0, true])
  assertEnded(connected, 0x8b)
})

scene(
  'DISCONNECT with flags other than 0000 is malformed, and no DISCONNECT: the Will goes out [5.0 MQTT-3.14.1-1]',
  (stage) => {
    const witness = stage.subscriber('witness', 'will')
    for (let flags = 1; flags < 16; flags++) {
      assertEnds(stage.client('a', WILL), `e${flags.toString(16)} 00`, 0x81)
      assert.deepEqual(received(witness), ['will gone'])
    }
  },
)

scene('A Client’s DISCONNECT has a code of table 3-10; any other is a Protocol Error [5.0 MQTT-3.14.2-1]', (stage) => {
  for (let code = 0; code < 256; code++) {
    const client = stage.client('a')
    const packet = `e0 01 ${code.toString(16).padStart(2, '0')}`
    if (!OF_CLIENT.includes(code)) assertEnds(client, packet, 0x82)
    else assert.deepEqual([answer(client, packet), client.isClosed], ['', true], packet)
  }
})

/** Ways to be disconnected, each with its Reason Code. */
const ENDINGS: readonly (readonly [code: number, end: (stage: Stage, client: TestClient) => void])[] = [
  [0x81, (_, client) => client.sendHex('82 07 0001 00 0001 61 40')],
  [0x82, (_, client) => client.sendHex('10 0d 0004 4d515454 05 02 0000 00 0000')],
  [0x8d, ({ broker }) => broker.advance(15_000)],
  [0x8e, ({ broker }) => broker.connect({ clientId: 'a' })],
  [0x93, (_, client) => ['1', '2', '3'].forEach((id) => client.sendHex(`34 06 0001 61 000${id} 00`))],
  [0x94, (_, client) => client.sendHex('30 07 0001 61 03 23 ffff')],
  [0x95, (_, client) => client.sendHex('30 ffff01')],
  [0x98, ({ broker }) => void broker.broker.disconnect('a')],
  [0x9a, (_, client) => client.sendHex('31 04 0001 61 00')],
  [0x9b, (_, client) => client.sendHex('34 06 0001 61 0001 00')],
  [0x9e, (_, client) => client.subscribe('$share/group/a')],
  [0xa1, (_, client) => client.sendHex('82 09 0001 02 0b01 0001 61 00')],
  [0xa2, (_, client) => client.subscribe('#')],
]

const LIMITED = {
  'receive-maximum': 2,
  'max-packet-size': 1000,
  retain: false,
  'shared-subscriptions': false,
  'subscription-identifiers': false,
  'wildcard-subscriptions': false,
} as const

for (const [code, end] of ENDINGS) {
  const name = `0x${code.toString(16).toUpperCase()}`
  const config = code === 0x9b ? { ...LIMITED, 'max-qos': 1 as const } : LIMITED

  scene(
    `The Server’s DISCONNECT ${name} is of table 3-10 and has no Session Expiry Interval [5.0 MQTT-3.14.2-1, MQTT-3.14.2-2]`,
    (stage) => {
      const client = stage.client('a', { keepAlive: 10, properties: KEPT })
      client.take()
      end(stage, client)
      const [disconnect, ...others] = taken(client, PacketType.DISCONNECT)
      assert.equal(disconnect?.reasonCode, code)
      assert.ok(OF_SERVER.includes(code))
      assert.deepEqual(Object.keys(disconnect?.properties ?? {}), ['reasonString'])
      assert.deepEqual(others, [])
    },
    config,
  )

  scene(
    `DISCONNECT ${name} loses its Reason String where that would be too large [5.0 MQTT-3.14.2-3, MQTT-3.14.2-4]`,
    (stage) => {
      const [full, shortest] = [1000, 32].map((maximumPacketSize) => {
        const client = stage.client('a', { keepAlive: 10, properties: { maximumPacketSize } })
        client.take()
        end(stage, client)
        return encodePacket(taken(client, PacketType.DISCONNECT)[0]!, 5)
      })
      assert.deepEqual(shortest, full!.length <= 32 ? full : Buffer.of(0xe0, 1, code))
    },
    config,
  )
}

scene(
  'After a Client’s DISCONNECT the Server sends nothing more, whatever it still owed [5.0 MQTT-3.14.4-1]',
  (stage) => {
    const client = stage.subscriber('a', 'a')
    assert.equal(answer(client, 'e0 00  c0 00  30 05 0001 61 00 78  82 07 0001 00 0001 62 00'), '')
    stage.client('sensor').publish('a', 'x')
    assert.equal(takeHex(client), '')
    assert.deepEqual(stage.ends, ['a: disconnected by client'])
  },
)

scene('After its own DISCONNECT the Server sends nothing more and works nothing off [5.0 MQTT-3.14.4-1]', (stage) => {
  const witness = stage.subscriber('witness', '#')
  const client = stage.subscriber('a', 'a')
  assertEnds(client, bytesOf('d0 00  c0 00  30 05 0001 61 00 78  32 07 0001 61 0001 00 78'.replaceAll(' ', '')), 0x82)
  witness.publish('a', 'late')
  assert.deepEqual([client.take(), received(witness)], [[], ['a late']])
})

scene('Whoever sent DISCONNECT: the Server closes the Network Connection [5.0 MQTT-3.14.4-2] [U-3.14.4-1]', (stage) => {
  const leaving = stage.client('leaving')
  leaving.disconnect()
  assert.equal(leaving.isClosed, true)
  const told = stage.client('told')
  void stage.broker.broker.disconnect('told')
  assertEnded(told, 0x98)
})

scene('DISCONNECT 0x00 takes the Will away, at once and for good [5.0 MQTT-3.14.4-3]', (stage) => {
  const witness = stage.subscriber('witness', 'will')
  for (const packet of ['e0 00', 'e0 01 00', 'e0 02 00 00', 'e0 * 00 {1f "bye"}', 'e0 * 00 {11 00000005}']) {
    const client = stage.client('a', { ...WILL, properties: KEPT })
    assert.equal(answer(client, packet), '')
    stage.broker.advance(10_000)
    assert.deepEqual(received(witness), [], packet)
  }
})

scene('DISCONNECT with any other code leaves the Will to be published [5.0 MQTT-3.14.4-3]', (stage) => {
  const witness = stage.subscriber('witness', 'will')
  for (const code of OF_CLIENT.slice(1)) {
    stage.client('a', WILL).disconnect(code)
    assert.deepEqual(received(witness), ['will gone'], `0x${code.toString(16)}`)
  }
})

scene('Before every close by the Server comes a DISCONNECT that says why [U-3.14-1]', (stage) => {
  for (const [code, end] of ENDINGS.slice(0, 4)) {
    const client = stage.client('a', { keepAlive: 10 })
    end(stage, client)
    assertEnded(client, code)
  }
})

scene(
  'Nothing ends a Connection with a code that a Server’s DISCONNECT does not have [5.0 MQTT-3.14.2-1]',
  async ({ broker }) => {
    for (const { code: reasonCode } of reasonCodes) {
      const client = broker.connect({ clientId: 'a' })
      if (OF_SERVER.includes(reasonCode)) {
        assert.equal(await broker.broker.disconnect('a', { reasonCode }), true)
        assertEnded(client, reasonCode)
      } else {
        await assert.rejects(broker.broker.disconnect('a', { reasonCode }), UsageError)
        assert.equal(client.isClosed, false)
      }
    }
  },
)
