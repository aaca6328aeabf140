/** CONNACK: codes, order, what it tells and what it leaves out (§3.2). @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plugin } from '../../../src/access/plugin.ts'
import { type ConnackPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { noProperties } from '../../../src/codec/properties.ts'
import { ReasonCode, reasonCodes } from '../../../src/codec/reason-code.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { endOf, resume, typesOf } from './support.ts'
import { clientsOf } from '../../support/sessions.ts'

const loginBy = (authenticate: NonNullable<Plugin['authenticate']>) => ({
  auth: { plugins: [{ name: 'login', authenticate }] },
})
const refusedWith = (reasonCode: ReasonCode) => loginBy(() => ({ decision: 'deny', reasonCode, cause: 'secret cause' }))

/** Table 3-1. */
const CONNACK_CODES = [
  0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b,
  0x9c, 0x9d, 0x9f,
]

test('CONNACK goes before everything that waits for a resumed Session [5.0 MQTT-3.2.0-1]', async () => {
  const broker = await VirtualBroker.start()
  const client = resume(broker, 'c', 60)
  client.subscribe('t', 2)
  const publisher = broker.connect({ clientId: 'publisher' })
  publisher.publish('t', 'in flight', 2)
  client.drop()
  publisher.publish('t', 'waits', 1)
  const again = broker.open()
  const types: number[] = []
  broker.broker.on('packetSent', ({ packet }) => types.push(packet.type))
  again.connect({ clientId: 'c', cleanStart: false })
  assert.deepEqual(types, [PacketType.CONNACK, PacketType.PUBLISH, PacketType.PUBLISH])
  assert.equal(again.connack?.sessionPresent, true)
})

test('A retained message and a live one follow CONNACK where SUBSCRIBE came with CONNECT [5.0 MQTT-3.2.0-1]', async () => {
  const broker = await VirtualBroker.start()
  broker.connect({ clientId: 'publisher' }).publish('t', 'retained', 0, { retain: true })
  const client = broker.open()
  const connect = '10 0D 0004 4D515454 05 02 0000 00 0000'
  client.sendHex(`${connect} 82 07 0001 00 0001 74 00 30 05 0001 74 00 78`)
  assert.deepEqual(typesOf(client.take()), [
    PacketType.CONNACK,
    PacketType.SUBACK,
    PacketType.PUBLISH,
    PacketType.PUBLISH,
  ])
})

test('There is one CONNACK, also where the log-in takes time and a second CONNECT comes meanwhile [5.0 MQTT-3.2.0-2]', async () => {
  const broker = await VirtualBroker.start(loginBy(() => Promise.resolve({ decision: 'allow' })))
  const client = broker.open()
  client.connect()
  client.connect()
  await broker.settle()
  assert.deepEqual(typesOf(client.take()), [PacketType.CONNACK, PacketType.DISCONNECT])
})

test('Every refusal has Session Present 0 although a Session exists, and the close behind it [5.0 MQTT-3.2.2-6, MQTT-3.2.2-7]', async () => {
  const broker = await VirtualBroker.start(
    loginBy(({ password }) => ({ decision: password === undefined ? 'allow' : 'deny', reasonCode: ReasonCode.Banned })),
  )
  resume(broker, 'c', 60).drop()
  const refused = broker.connect({ clientId: 'c', cleanStart: false, password: 'x' })
  assert.deepEqual([refused.connack?.reasonCode, refused.connack?.sessionPresent], [ReasonCode.Banned, false])
  assert.equal(refused.isClosed, true)
  assert.equal(resume(broker, 'c', 60).connack?.sessionPresent, true, 'the Session is as it was')
})

test('CONNACK has no code but those of table 3-1, whatever a plugin would say [5.0 MQTT-3.2.2-8]', async () => {
  for (const { code } of reasonCodes) {
    const broker = await VirtualBroker.start(refusedWith(code))
    const client = broker.connect()
    const isRefusal = code >= 0x80 && CONNACK_CODES.includes(code)
    assert.equal(client.connack?.reasonCode, isRefusal ? code : ReasonCode.NotAuthorized)
    assert.equal(client.isClosed, true)
  }
})

test('A refusal does not tell its true reason beyond the code [5.0 U-3.2.2.2-1]', async () => {
  const broker = await VirtualBroker.start(refusedWith(ReasonCode.UnspecifiedError))
  const { connack } = broker.connect()
  assert.deepEqual(connack, { type: PacketType.CONNACK, sessionPresent: false, reasonCode: 0x80, properties: {} })
})

test('SUBSCRIBE asking for QoS 0, 1 or 2 is accepted by a Server of Maximum QoS 0 or 1, granting less [5.0 MQTT-3.2.2-10]', async () => {
  for (const maximum of [0, 1] as const) {
    const broker = await VirtualBroker.start({ 'max-qos': maximum })
    const client = broker.connect()
    assert.equal(client.connack?.properties.maximumQoS, maximum)
    const wishes = [0, 1, 2].map((qos) => ({ topicFilter: `t/${qos}`, qos: qos as 0 | 1 | 2 }))
    assert.deepEqual(client.subscribe(wishes).reasonCodes, [0, maximum, maximum])
  }
})

test('A Will above Maximum QoS is refused with 0x9B, one within it is taken [5.0 MQTT-3.2.2-12]', async () => {
  const broker = await VirtualBroker.start({ 'max-qos': 1 })
  const connect = (qos: 0 | 1 | 2) => broker.connect({ will: { topicName: 'will', qos } })
  assert.deepEqual(
    [0, 1, 2].map((qos) => connect(qos as 0 | 1 | 2).connack?.reasonCode),
    [0, 0, ReasonCode.QoSNotSupported],
  )
})

test('A Server that serves everything says nothing of it [5.0 MQTT-3.2.2-9]', async () => {
  const broker = await VirtualBroker.start()
  const { properties } = broker.connect().connack!
  assert.deepEqual(properties, { receiveMaximum: 1000, maximumPacketSize: 16_777_216, topicAliasMaximum: 32 })
})

for (const [reasonCode, what] of [
  [ReasonCode.UseAnotherServer, 'for now'],
  [ReasonCode.ServerMoved, 'for good'],
] as const) {
  test(`Another Server ${what}: 0x${reasonCode.toString(16)}, with the Server Reference as it is configured [5.0 U-4.11-1, U-4.11-2]`, async () => {
    const reference = 'one.example:1884 [2001:db8::1]:1883 two.example'
    const broker = await VirtualBroker.start({ ...refusedWith(reasonCode), 'server-reference': reference })
    const { connack } = broker.connect()
    assert.equal(connack?.reasonCode, reasonCode)
    assert.equal(connack.properties.serverReference, reference)
  })
}

test('A Server Reference is not needed, and stands beside no other code [5.0 U-4.11-2]', async () => {
  const without = await VirtualBroker.start(refusedWith(ReasonCode.ServerMoved))
  assert.equal(without.connect().connack?.properties.serverReference, undefined)
  const other = await VirtualBroker.start({ ...refusedWith(ReasonCode.Banned), 'server-reference': 'one.example' })
  assert.equal(other.connect().connack?.properties.serverReference, undefined)
})

test('A CONNACK has neither Reason String nor User Property, so that it is never the larger for them [5.0 MQTT-3.2.2-19, MQTT-3.2.2-20]', async () => {
  for (const config of [{}, refusedWith(ReasonCode.Banned)]) {
    for (const maximumPacketSize of [undefined, 20]) {
      const broker = await VirtualBroker.start(config)
      const { connack } = broker.connect({ properties: { maximumPacketSize } })
      assert.ok(connack !== undefined)
      assert.equal(connack.properties.reasonString, undefined)
      assert.equal(connack.properties.userProperties, undefined)
    }
  }
})

test('Where a Server Reference bursts the Client’s Maximum Packet Size no CONNACK is sent, only the close [5.0 MQTT-3.1.2-24]', async () => {
  const broker = await VirtualBroker.start({
    ...refusedWith(ReasonCode.ServerMoved),
    'server-reference': 'one.example',
  })
  const client = broker.connect({ properties: { maximumPacketSize: 10 } })
  assert.equal(endOf(client), 'close')
})

test('A Client whose Maximum Packet Size is below the CONNACK is refused with its Session as it was [5.0 MQTT-3.1.2-24, MQTT-3.2.0-1]', async () => {
  const broker = await VirtualBroker.start()
  resume(broker, 'c', 60)
  const small = broker.connect({ clientId: 'c', properties: { maximumPacketSize: 5 } })
  assert.equal((small.connack as ConnackPacket).reasonCode, ReasonCode.ImplementationSpecificError)
  assert.equal(small.isClosed, true)
  assert.deepEqual(small.connack?.properties, noProperties)
  assert.equal(clientsOf(broker.broker).length, 1)
})

test('A listener that does not serve 5.0 answers 0x84 and closes [5.0 MQTT-3.1.2-2]', async () => {
  const broker = await VirtualBroker.start({ 'protocol-versions': ['3.1.1'] })
  const client = broker.connect()
  assert.equal(client.connack?.reasonCode, ReasonCode.UnsupportedProtocolVersion)
  assert.equal(client.isClosed, true)
})
