import assert from 'node:assert/strict'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { inShort, publishes, received, scene, takeHex } from './scene.ts'

scene('PUBACK and PUBREC go out in the order of the PUBLISH packets that they answer [3.1.1 MQTT-3.3.4-1]', (stage) => {
  const client = stage.client('client')
  client.sendHex('3205 0001 61 0003 3405 0001 61 0001 3205 0001 61 0002 3405 0001 61 0009')
  assert.equal(takeHex(client), '40020003500200014002000250020009')
})

scene('PUBRELs go out in the order in which the PUBRECs came [3.1.1 MQTT-4.6.0-4]', (stage) => {
  const meter = stage.subscriber('meter', '#', 2)
  const sensor = stage.client('sensor')
  for (let count = 0; count < 4; count++) sensor.publish('a', '', 2)
  const [one, two, three, four] = publishes(meter).map(({ packetIdentifier }) => packetIdentifier)
  takeHex(meter)
  const order = [three!, one!, four!, two!]
  meter.send(
    ...order.map(
      (packetIdentifier) => ({ type: PacketType.PUBREC, packetIdentifier, reasonCode: 0, properties: {} }) as const,
    ),
  )
  assert.equal(takeHex(meter), order.map((identifier) => `6202000${identifier}`).join(''))
})

scene('After a reconnect the PUBRELs that are owed keep that order [3.1.1 MQTT-4.6.0-4, MQTT-4.6.0-6]', (stage) => {
  const meter = stage.durable('meter')
  meter.subscribe('#', 2)
  const sensor = stage.client('sensor')
  for (let count = 0; count < 3; count++) sensor.publish('a', '', 2)
  for (const { packetIdentifier } of publishes(meter)) meter.acknowledge(PacketType.PUBREC, packetIdentifier)
  meter.drop()
  const again = stage.broker.connect({ version: 4, clientId: 'meter', cleanStart: false })
  assert.equal(again.bytes.subarray(4).toString('hex'), '620200016202000262020003')
})

scene(
  'Resent PUBLISH packets keep the order of their first sending, whatever was acknowledged between [3.1.1 MQTT-4.6.0-1, MQTT-4.6.0-6]',
  (stage) => {
    let meter = stage.durable('meter')
    meter.subscribe('#', 1)
    const sensor = stage.client('sensor')
    for (let at = 0; at < 40; at++) sensor.publish('a', `${at}`, 1)
    const first = publishes(meter)
    for (const { packetIdentifier } of first.filter((_, at) => at % 3 === 0))
      meter.acknowledge(PacketType.PUBACK, packetIdentifier)
    for (let at = 40; at < 60; at++) sensor.publish('a', `${at}`, 1)
    const wanted = Array.from({ length: 60 }, (_, at) => at).filter((at) => at >= 40 || at % 3 !== 0)
    for (let round = 0; round < 2; round++) {
      meter.drop()
      meter = stage.broker.connect({ version: 4, clientId: 'meter', cleanStart: false })
      assert.deepEqual(
        inShort(publishes(meter)),
        wanted.map((at) => `a ${at} q1 dup`),
      )
    }
  },
)

scene(
  'Every topic is an ordered one: each publisher’s messages of a QoS arrive in their order [3.1.1 MQTT-4.6.0-5, MQTT-4.6.0-6]',
  (stage) => {
    const meters = ([0, 1, 2] as const).map((qos) => stage.subscriber(`meter ${qos}`, 'a/#', qos))
    const [p, q] = [stage.client('p'), stage.client('q')]
    for (let at = 0; at < 100; at++) {
      p.publish('a/b', `p${at}`, 1)
      q.publish('a/b', `q${at}`, 1)
    }
    for (const meter of meters) {
      const payloads = meter.receiveAll().map(({ payload }) => Buffer.from(payload).toString())
      for (const who of ['p', 'q']) {
        const own = payloads.filter((payload) => payload.startsWith(who))
        assert.deepEqual(
          own,
          Array.from({ length: 100 }, (_, at) => `${who}${at}`),
        )
      }
    }
  },
  { 'max-inflight-messages': 7 },
)

scene(
  'Order holds while a queue waits behind a window [3.1.1 MQTT-4.6.0-6]',
  (stage) => {
    for (const qos of [1, 2] as const) {
      const meter = stage.subscriber('meter', 'a', qos)
      const sensor = stage.client('sensor')
      for (let at = 0; at < 30; at++) {
        sensor.publish('a', `${at}`, qos)
        if (qos === 2) sensor.acknowledge(PacketType.PUBREL, at + 1)
      }
      const payloads = meter.receiveAll().map(({ payload }) => Buffer.from(payload).toString())
      assert.deepEqual(
        payloads,
        Array.from({ length: 30 }, (_, at) => `${at}`),
      )
    }
  },
  { 'max-inflight-messages': 3 },
)

scene('Order holds while a Client is away [3.1.1 MQTT-4.6.0-6, MQTT-3.1.2-5]', (stage) => {
  const meter = stage.durable('meter')
  meter.subscribe('a', 1)
  meter.drop()
  const sensor = stage.client('sensor')
  for (let at = 0; at < 500; at++) sensor.publish('a', `${at}`, 1)
  assert.deepEqual(
    received(stage.broker.connect({ version: 4, clientId: 'meter', cleanStart: false })),
    Array.from({ length: 500 }, (_, at) => `a ${at} q1`),
  )
})
