import assert from 'node:assert/strict'
import { type PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import type { TestClient } from '../../support/test-client.ts'
import { answer, inShort, received, scene, taken, takeHex } from './stage.ts'
import { sessionsOf } from '../../support/sessions.ts'

const { PUBACK, PUBREC, PUBCOMP, PUBLISH } = PacketType

function identifiers(client: TestClient): number[] {
  return taken(client, PUBLISH).map(({ packetIdentifier }) => packetIdentifier)
}

scene('At QoS 0 the Server sends PUBLISH with QoS 0 and DUP 0, however it came [5.0 MQTT-4.3.1-1]', (stage) => {
  const meter = stage.subscriber('meter', 'a', 0)
  const sensor = stage.client('sensor')
  for (const packet of [
    '30 05 0001 61 00 78',
    '32 07 0001 61 0001 00 78',
    '3a 07 0001 61 0001 00 78',
    '3c 07 0001 61 0002 00 78',
  ]) {
    answer(sensor, packet)
    assert.equal(takeHex(meter), '30050001610078', packet)
  }
})

for (const [qos, id, firstId, sent] of [
  [1, 'MQTT-4.3.2-1', 'MQTT-4.3.2-2', '32'],
  [2, 'MQTT-4.3.3-1', 'MQTT-4.3.3-2', '34'],
] as const) {
  const finish = (meter: TestClient, identifier: number): void => {
    meter.acknowledge(qos === 1 ? PUBACK : PUBREC, identifier)
    if (qos === 2) meter.acknowledge(PUBCOMP, identifier)
  }

  scene(`QoS ${qos}: every new message has an identifier that is not in use [5.0 ${id}]`, (stage) => {
    const meter = stage.client('meter', { properties: { receiveMaximum: 4 } })
    meter.subscribe('a', qos)
    const sensor = stage.client('sensor')
    const inUse: number[] = []
    // The identifiers 1 and 2 stay in use; at QoS 1 until all others were drawn, and are drawn again.
    for (let count = 0; count < (qos === 1 ? 66_000 : 1000); count++) {
      sensor.publish('a', '', qos)
      if (qos === 2) sensor.acknowledge(PacketType.PUBREL, (count % 65_535) + 1)
      for (const identifier of identifiers(meter)) {
        assert.ok(identifier > 0 && !inUse.includes(identifier), `${identifier} is in use`)
        inUse.push(identifier)
      }
      if (inUse.length > 2) finish(meter, inUse.pop()!)
      // Nobody needs what was read.
      meter.bytes = sensor.bytes = Buffer.alloc(0)
      sensor.packets = []
    }
    assert.deepEqual(inUse, [1, 2])
  })

  scene(
    `QoS ${qos}: the first PUBLISH has that QoS and DUP 0, also where the publisher’s had DUP 1 [5.0 ${firstId}]`,
    (stage) => {
      const meter = stage.durable('meter')
      meter.subscribe('a', qos)
      takeHex(meter)
      const sensor = stage.client('sensor')
      const [plain, repeated] = qos === 1 ? ['32', '3a'] : ['34', '3c']
      answer(sensor, `${plain} 07 0001 61 0001 00 78`)
      answer(sensor, `${repeated} 07 0001 61 0002 00 78`)
      assert.equal(takeHex(meter), `${sent}0700016100010078${sent}0700016100020078`)
      meter.drop()
      answer(sensor, `${repeated} 07 0001 61 0003 00 79`)
      assert.deepEqual(received(stage.durable('meter')), [`a x q${qos} dup`, `a x q${qos} dup`, `a y q${qos}`])
    },
  )
}

scene('QoS 1: a PUBLISH counts as unacknowledged until its PUBACK [5.0 MQTT-4.3.2-3]', (stage) => {
  const meter = stage.durable('meter')
  meter.subscribe('a', 1)
  const sensor = stage.client('sensor')
  for (const payload of ['1', '2', '3']) sensor.publish('a', payload, 1)
  const [first, second, third] = identifiers(meter)
  // Neither an acknowledgement of the wrong kind nor one of another identifier ends it.
  for (const packet of [`50 02 000${first}`, `70 02 000${first}`, '40 02 0009']) answer(meter, packet)
  meter.acknowledge(PUBACK, second!)
  meter.drop()
  const again = stage.durable('meter')
  assert.deepEqual(identifiers(again), [first, third])
  for (const identifier of [first, third]) again.acknowledge(PUBACK, identifier!)
  again.drop()
  assert.equal(takeHex(stage.durable('meter')), '')
})

scene(
  'QoS 1: the Server owns the message before it says PUBACK, under the same identifier [5.0 MQTT-4.3.2-4]',
  (stage) => {
    const away = stage.durable('away')
    away.subscribe('a', 1)
    away.drop()
    const sensor = stage.client('sensor')
    for (const id of ['0001', '7fff', 'ffff', '0001']) {
      assert.equal(answer(sensor, `32 07 0001 61 ${id} 00 78`), `4002${id}`)
    }
    sensor.drop()
    assert.deepEqual(received(stage.durable('away')), ['a x q1', 'a x q1', 'a x q1', 'a x q1'])
  },
)

scene('QoS 1: after PUBACK the identifier is that of a new message, whatever DUP says [5.0 MQTT-4.3.2-5]', (stage) => {
  const meter = stage.subscriber('meter', 'a', 0)
  const sensor = stage.client('sensor')
  for (const [firstByte, payload] of [
    ['32', '31'],
    ['3a', '32'],
    ['3a', '32'],
    ['32', '33'],
  ]) {
    assert.equal(answer(sensor, `${firstByte} 07 0001 61 0005 00 ${payload}`), '40020005')
  }
  assert.deepEqual(received(meter), ['a 1', 'a 2', 'a 2', 'a 3'])
})

/** A Client with one QoS 2 message in flight, and the publisher. */
function inFlight(stage: Parameters<Parameters<typeof scene>[1]>[0], payload = 'x', interval?: number) {
  const meter = stage.durable('meter')
  meter.subscribe('a', 2)
  const sensor = stage.client('sensor')
  sensor.publish('a', payload, 2, interval === undefined ? {} : { properties: { messageExpiryInterval: interval } })
  const [message] = taken(meter, PUBLISH)
  assert.equal(message?.packetIdentifier, 1)
  takeHex(meter)
  return { meter, sensor }
}

scene('QoS 2: a PUBLISH counts as unacknowledged until its PUBREC [5.0 MQTT-4.3.3-3]', (stage) => {
  const { meter } = inFlight(stage)
  for (const packet of ['40 02 0001', '70 02 0001']) assert.equal(answer(meter, packet), '')
  meter.drop()
  const again = stage.durable('meter')
  assert.deepEqual(received(again), ['a x q2 dup'])
  assert.equal(answer(again, '50 02 0001'), '62020001')
  again.drop()
  assert.deepEqual(received(stage.durable('meter')), [])
})

scene('QoS 2: a PUBREC below 0x80 is answered by PUBREL with the same identifier [5.0 MQTT-4.3.3-4]', (stage) => {
  const { meter, sensor } = inFlight(stage)
  assert.equal(answer(meter, '50 02 0001'), '62020001')
  sensor.publish('a', 'y', 2)
  assert.equal(answer(meter, '50 03 0002 00'), '62020002')
  sensor.publish('a', 'z', 2)
  assert.equal(answer(meter, '50 03 0003 80'), '')
})

scene('QoS 2: PUBREL counts as unacknowledged until its PUBCOMP [5.0 MQTT-4.3.3-5]', (stage) => {
  const { meter } = inFlight(stage)
  answer(meter, '50 02 0001')
  meter.drop()
  const again = stage.durable('meter')
  assert.equal(again.connack?.sessionPresent, true)
  assert.deepEqual(
    again.take().map((packet) => [packet.type, 'packetIdentifier' in packet && packet.packetIdentifier]),
    [[PacketType.PUBREL, 1]],
  )
  again.acknowledge(PUBCOMP, 1)
  again.drop()
  assert.deepEqual(stage.durable('meter').take(), [])
})

scene('QoS 2: after PUBREL the PUBLISH is not sent again [5.0 MQTT-4.3.3-6]', (stage) => {
  const { meter } = inFlight(stage)
  answer(meter, '50 02 0001')
  assert.equal(answer(meter, '50 02 0001'), '62020001')
  for (let round = 0; round < 3; round++) {
    meter.drop()
    const again = stage.durable('meter')
    assert.deepEqual(
      again.take().map(({ type }) => type),
      [PacketType.PUBREL],
    )
    assert.equal(answer(again, '50 02 0001'), '62020001')
    again.drop()
  }
})

scene('QoS 2: a PUBLISH that was sent expires no more [5.0 MQTT-4.3.3-7]', (stage) => {
  const { meter, sensor } = inFlight(stage, 'x', 5)
  meter.drop()
  sensor.publish('a', 'unsent', 2, { properties: { messageExpiryInterval: 5 } })
  stage.broker.advance(60_000)
  const again = stage.durable('meter')
  assert.deepEqual(received(again), ['a x q2 dup'])
  assert.equal(answer(again, '50 02 0001'), '62020001')
})

scene(
  'QoS 2: the Server owns the message before it says PUBREC, under the same identifier [5.0 MQTT-4.3.3-8]',
  (stage) => {
    const away = stage.durable('away')
    away.subscribe('a', 2)
    away.drop()
    const sensor = stage.client('sensor')
    for (const id of ['0001', '7fff', 'ffff']) assert.equal(answer(sensor, `34 07 0001 61 ${id} 00 78`), `5002${id}`)
    sensor.drop()
    assert.deepEqual(received(stage.durable('away')), ['a x q2', 'a x q2', 'a x q2'])
  },
)

scene(
  'QoS 2: after a PUBREC of 0x80 or more the identifier is that of a new message [5.0 MQTT-4.3.3-9]',
  (stage) => {
    const meter = stage.subscriber('meter', '#')
    const sensor = stage.client('sensor')
    for (let round = 0; round < 3; round++) assert.equal(answer(sensor, '34 * "1/2/3" 0001 {} 78'), '5003000190')
    assert.equal(answer(sensor, '34 * "a" 0001 {} 78'), '50020001')
    assert.equal(answer(sensor, '62 02 0001'), '70020001')
    assert.deepEqual(received(meter), ['a x'])
  },
  { 'max-topic-levels': 2, 'receive-maximum': 1 },
)

scene('QoS 2: until PUBREL a repeat gets PUBREC again and reaches nobody [5.0 MQTT-4.3.3-10]', (stage) => {
  const meter = stage.subscriber('meter', 'a')
  const sensor = stage.durable('sensor')
  takeHex(sensor)
  for (const firstByte of ['34', '3c', '34']) {
    assert.equal(answer(sensor, `${firstByte} 07 0001 61 0007 00 78`), '50020007')
  }
  sensor.drop()
  const again = stage.durable('sensor')
  assert.equal(answer(again, '3c 07 0001 61 0007 00 78'), '50020007')
  assert.deepEqual(received(meter), ['a x'])
})

scene('QoS 2: PUBREL is answered by PUBCOMP with the same identifier [5.0 MQTT-4.3.3-11]', (stage) => {
  const sensor = stage.durable('sensor')
  for (const id of ['0001', '1234', 'ffff']) {
    answer(sensor, `34 07 0001 61 ${id} 00 78`)
    assert.equal(answer(sensor, `62 02 ${id}`), `7002${id}`)
  }
  answer(sensor, '34 07 0001 61 0009 00 78')
  sensor.drop()
  assert.equal(answer(stage.durable('sensor'), '62 02 0009'), '70020009')
})

scene('QoS 2: once PUBCOMP went out the identifier is that of a new message [5.0 MQTT-4.3.3-12]', (stage) => {
  const meter = stage.subscriber('meter', 'a')
  const sensor = stage.client('sensor')
  for (const payload of ['31', '32', '32']) {
    assert.equal(answer(sensor, `3c 07 0001 61 0007 00 ${payload}`), '50020007')
    assert.equal(answer(sensor, '62 02 0007'), '70020007')
  }
  assert.deepEqual(received(meter), ['a 1', 'a 2', 'a 2'])
})

scene('QoS 2: that a message expires does not break off the exchange, on either side [5.0 MQTT-4.3.3-13]', (stage) => {
  const { meter, sensor } = inFlight(stage, 'x', 1)
  stage.broker.advance(60_000)
  assert.equal(answer(sensor, '3c 0c 0001 61 0001 05 0200000001 78'), '50020001')
  assert.equal(answer(sensor, '62 02 0001'), '70020001')
  assert.equal(answer(meter, '50 02 0001'), '62020001')
  assert.equal(answer(meter, '70 02 0001'), '')
  assert.deepEqual(
    sessionsOf(stage.broker.broker).map(({ inflightMessages }) => inflightMessages),
    [0, 0],
  )
})

scene(
  'What can refuse a message is asked before the Server owns it: a refused one goes nowhere [U-4.3.2-1]',
  (stage) => {
    const meter = stage.subscriber('meter', '#', 1)
    const sensor = stage.client('sensor')
    assert.equal(answer(sensor, '33 * "1/2/3" 0001 {} 78'), '4003000190')
    assert.equal(answer(sensor, '35 * "1/2/3" 0002 {} 78'), '5003000290')
    assert.equal(answer(sensor, '62 02 0002'), '7003000292')
    stage.client('late').subscribe('#')
    assert.deepEqual(received(meter), [])
  },
  { 'max-topic-levels': 2 },
)

scene(
  'Overlapping Subscriptions: one copy at the highest QoS, or a copy each; never less than that QoS [U-3.3.4-9]',
  (stage) => {
    const meter = stage.client('meter')
    meter.subscribe(['a/#', { topicFilter: 'a/+', qos: 2 }, { topicFilter: 'a/b', qos: 1 }])
    meter.subscribe('+/b', 1, { retainAsPublished: true })
    stage.client('sensor').publish('a/b', 'x', 2, { retain: true })
    const messages: PublishPacket[] = meter.receiveAll()
    assert.deepEqual(new Set(inShort(messages)), new Set(['a/b x q2', 'a/b x q1 retain']))
    assert.equal(messages.length, 2)
  },
)
