/** Fixed header and Packet Identifiers (§2.1.3, §2.2.1). @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType, packetTypes } from '../../../src/codec/packet-types.ts'
import { noProperties } from '../../../src/codec/properties.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { endOf, publishes } from './support.ts'
import { sessionsOf } from '../../support/sessions.ts'

/** A good body for each packet that a Client may send after CONNECT, in hex. */
const bodies: Partial<Record<PacketType, string>> = {
  [PacketType.PUBACK]: '0001',
  [PacketType.PUBREC]: '0001',
  [PacketType.PUBREL]: '0001',
  [PacketType.PUBCOMP]: '0001',
  [PacketType.SUBSCRIBE]: '0001 00 0001 74 00',
  [PacketType.UNSUBSCRIBE]: '0001 00 0001 74',
  [PacketType.PINGREQ]: '',
  [PacketType.DISCONNECT]: '00',
}

for (const { name, value, flags } of packetTypes) {
  const body = bodies[value]
  if (body === undefined) continue
  test(`${name}: of the 16 values of the fixed header flags, all but one are malformed [5.0 MQTT-2.1.3-1]`, async () => {
    for (let wrong = 0; wrong < 16; wrong++) {
      const broker = await VirtualBroker.start()
      const client = broker.connect()
      const bytes = Buffer.from(body.replaceAll(' ', ''), 'hex')
      client.sendBytes(Buffer.concat([Uint8Array.of((value << 4) | wrong, bytes.length), bytes]))
      if (wrong !== flags) assert.equal(endOf(client), 0x81, `flags ${wrong}`)
      else assert.ok(!client.isClosed || value === PacketType.DISCONNECT)
    }
  })
}

test('What the Server sends has the reserved flags of its type [5.0 MQTT-2.1.3-1]', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect()
  const firstBytes = (send: () => void): number[] => {
    client.bytes = Buffer.alloc(0)
    send()
    const found: number[] = []
    for (let at = 0; at < client.bytes.length; at += 2 + client.bytes[at + 1]!) found.push(client.bytes[at]!)
    return found
  }
  assert.equal(client.bytes[0], 0x20, 'CONNACK')
  assert.deepEqual(
    firstBytes(() => client.subscribe('t', 2)),
    [0x90],
    'SUBACK',
  )
  assert.deepEqual(
    firstBytes(() => client.publish('other', '', 1)),
    [0x40],
    'PUBACK',
  )
  assert.deepEqual(
    firstBytes(() => client.publish('t', '', 2)),
    [0x34, 0x50],
    'PUBLISH, PUBREC',
  )
  const { packetIdentifier } = publishes(client)[0]!
  assert.deepEqual(
    firstBytes(() => client.acknowledge(PacketType.PUBREC, packetIdentifier)),
    [0x62],
    'PUBREL',
  )
  assert.deepEqual(
    firstBytes(() => client.acknowledge(PacketType.PUBREL, 2)),
    [0x70],
    'PUBCOMP',
  )
  assert.deepEqual(
    firstBytes(() => client.unsubscribe('t')),
    [0xb0],
    'UNSUBACK',
  )
  assert.deepEqual(
    firstBytes(() => client.send({ type: PacketType.PINGREQ })),
    [0xd0],
    'PINGRESP',
  )
  assert.deepEqual(
    firstBytes(() => client.sendHex('0000')),
    [0xe0],
    'DISCONNECT',
  )
})

test('A QoS 0 PUBLISH from the Server has no Packet Identifier, whatever it came with [5.0 MQTT-2.2.1-2]', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect()
  client.subscribe('t', 0)
  for (const qos of [0, 1, 2] as const) {
    client.bytes = Buffer.alloc(0)
    client.publish('t', 'x', qos)
    // Type, Remaining Length, topic, Property Length, payload.
    assert.equal(client.bytes.subarray(0, 7).toString('hex'), '30050001740078')
    assert.equal(publishes(client)[0]?.packetIdentifier, 0)
  }
})

for (const [name, hex] of [
  ['SUBSCRIBE', '82 07 0000 00 0001 74 00'],
  ['UNSUBSCRIBE', 'A2 06 0000 00 0001 74'],
  ['PUBLISH QoS 1', '32 07 0001 74 0000 00 78'],
  ['PUBLISH QoS 2', '34 07 0001 74 0000 00 78'],
] as const) {
  test(`${name} with Packet Identifier 0 ends the connection [5.0 MQTT-2.2.1-3]`, async () => {
    const broker = await VirtualBroker.start()
    const client = broker.connect()
    client.sendHex(hex)
    assert.equal(endOf(client), 0x82)
  })
}

test('The Server gives each new PUBLISH an identifier that is not 0 and not in use, all the way round [5.0 MQTT-2.2.1-4]', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect({ clientId: 'c' })
  client.subscribe('t', 2)
  const publisher = broker.connect({ clientId: 'publisher' })
  const batch = Array.from({ length: 500 }, (_, at): PublishPacket => {
    const fields = { type: PacketType.PUBLISH, dup: false, retain: false, topicName: 't', properties: noProperties }
    return { ...fields, qos: 1, packetIdentifier: at + 1, payload: Buffer.alloc(0) }
  })
  publisher.publish('t', '', 1)
  publisher.publish('t', '', 2)
  publisher.publish('t', '', 2)
  const open = publishes(client)
  client.acknowledge(PacketType.PUBREC, open[1]!.packetIdentifier)
  client.take()
  const inUse = open.map(({ packetIdentifier }) => packetIdentifier)
  for (let count = 0; count < 66_000; count += batch.length) {
    publisher.send(...batch)
    const identifiers = publishes(client).map(({ packetIdentifier }) => packetIdentifier)
    assert.equal(new Set([...identifiers, ...inUse]).size, batch.length + 3)
    assert.ok(identifiers.every((identifier) => identifier >= 1 && identifier <= 65_535))
    client.send(
      ...identifiers.map((packetIdentifier) => ({
        type: PacketType.PUBACK,
        packetIdentifier,
        reasonCode: 0,
        properties: noProperties,
      })),
    )
    for (const one of [client, publisher]) one.bytes = Buffer.alloc(0)
  }
  const session = sessionsOf(broker.broker).find(({ clientId }) => clientId === 'c')
  assert.equal(session?.inflightMessages, inUse.length, 'every identifier was the one that its message had')
})

test('Client and Server number on their own: the same identifier both ways is no clash [5.0 MQTT-2.2.1-4, MQTT-2.2.1-5]', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect()
  client.subscribe('t', 2)
  client.publish('t', 'x', 2, { packetIdentifier: 1 })
  const [publish, pubrec] = client.take()
  assert.equal(publish?.type === PacketType.PUBLISH && publish.packetIdentifier, 1)
  assert.equal(pubrec?.type === PacketType.PUBREC && pubrec.packetIdentifier, 1)
  client.acknowledge(PacketType.PUBREC, 1)
  client.acknowledge(PacketType.PUBREL, 1)
  client.acknowledge(PacketType.PUBCOMP, 1)
  assert.deepEqual(client.take(), [
    { type: PacketType.PUBREL, packetIdentifier: 1, reasonCode: 0, properties: noProperties },
    { type: PacketType.PUBCOMP, packetIdentifier: 1, reasonCode: 0, properties: noProperties },
  ])
})

test('PUBACK, PUBREC, PUBREL and PUBCOMP repeat the identifier of their PUBLISH, at both ends of its range [5.0 MQTT-2.2.1-5]', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect()
  const identifiers = (): number[] =>
    client.take().map((packet) => ('packetIdentifier' in packet ? packet.packetIdentifier : 0))
  for (const packetIdentifier of [1, 0x0100, 0x1234, 65_535]) {
    client.publish('t', '', 1, { packetIdentifier })
    client.publish('t', '', 2, { packetIdentifier })
    client.acknowledge(PacketType.PUBREL, packetIdentifier)
    assert.deepEqual(identifiers(), [packetIdentifier, packetIdentifier, packetIdentifier])
    client.acknowledge(PacketType.PUBREC, packetIdentifier)
    assert.deepEqual(identifiers(), [packetIdentifier], 'PUBREL 0x92')
  }
})

test('SUBACK and UNSUBACK repeat the identifier of their request [5.0 MQTT-2.2.1-6]', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect()
  for (const identifier of ['0001', '0100', '1234', 'FFFF']) {
    client.bytes = Buffer.alloc(0)
    client.sendHex(`82 07 ${identifier} 00 0001 74 00`)
    client.sendHex(`A2 06 ${identifier} 00 0001 74`)
    assert.equal(client.bytes.toString('hex').toUpperCase(), `9004${identifier}0000B004${identifier}0000`)
  }
})

test('An empty property set is a Property Length of 0 in CONNACK, PUBLISH, SUBACK and UNSUBACK [5.0 MQTT-2.2.2-1]', async () => {
  const broker = await VirtualBroker.start({
    'receive-maximum': 65_535,
    'topic-alias-maximum': 0,
    'max-packet-size': 268_435_460,
  })
  const client = broker.connect()
  client.subscribe('t')
  client.publish('t', '')
  client.unsubscribe('t')
  const expected = ['2003000000', '900400010000', '300400017400', 'b00400020000']
  assert.equal(client.bytes.toString('hex'), expected.join(''))
})
