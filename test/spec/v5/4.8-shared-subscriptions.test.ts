import assert from 'node:assert/strict'
import { PacketType, type QoS } from '../../../src/codec/packet-types.ts'
import type { TestClient } from '../../support/test-client.ts'
import { answer, assertEnds, received, scene, taken, takeHex, type Stage } from './stage.ts'

const JOBS = '$share/group/jobs/+'

function member(stage: Stage, clientId: string, qos: QoS = 0, filter = JOBS): TestClient {
  const client = stage.durable(clientId)
  assert.deepEqual(client.subscribe(filter, qos).reasonCodes, [qos])
  return client
}

function publish(stage: Stage, payloads: readonly string[], qos: QoS = 0): void {
  const sensor = stage.client('sensor')
  for (const payload of payloads) sensor.publish('jobs/a', payload, qos)
  sensor.disconnect()
}

for (const [id, filters] of [
  ['MQTT-4.8.2-1', ['$share/', '$share//a', '$share//', '$share//#']],
  ['MQTT-4.8.2-2', ['$share/a', '$share/a/', '$share/a+/b', '$share/+/b', '$share/#', '$share/#/b', '$share/a#b/c']],
] as const) {
  scene(`A shared filter without a right ShareName and a Topic Filter ends the Connection [5.0 ${id}]`, (stage) => {
    for (const filter of filters) {
      assertEnds(stage.client('a'), `82 * 0001 {} "${filter}" 00`, 0x82)
      assertEnds(stage.client('a'), `a2 * 0001 {} "${filter}"`, 0x82)
    }
  })
}

scene(
  'A ShareName is any text of one character or more; $share alone is a plain filter [5.0 MQTT-4.8.2-1, MQTT-4.8.2-2]',
  (stage) => {
    const client = stage.client('a')
    const names = ['x', '$', ' ', 'ä', '$share', 'x'.repeat(60_000)]
    assert.deepEqual(client.subscribe(names.map((name) => `$share/${name}/a`)).reasonCodes, Array(6).fill(0))
    stage.client('sensor').publish('a', '')
    assert.equal(received(client).length, 6)
    const plain = stage.subscriber('plain', '$share')
    stage.client('sensor').publish('$share', '')
    assert.deepEqual(received(plain), ['$share '])
  },
)

scene('Shared delivery keeps to the QoS of the member that gets it [5.0 MQTT-4.8.2-3] [U-4.8.2-5]', (stage) => {
  const members = ([0, 1, 2] as const).map((qos) => member(stage, `m${qos}`, qos))
  publish(stage, ['1', '2', '3', '4', '5', '6'], 2)
  for (const [qos, client] of members.entries()) {
    assert.deepEqual(new Set(client.receiveAll().map((message) => message.qos)), new Set([qos]))
  }
})

scene('A QoS 2 delivery cut off midway is finished with the same Client [5.0 MQTT-4.8.2-4]', (stage) => {
  const one = member(stage, 'one', 2)
  publish(stage, ['unknown', 'half'], 2)
  assert.deepEqual(received(one), ['jobs/a unknown q2', 'jobs/a half q2'])
  assert.equal(answer(one, '50 02 0002'), '62020002')
  const other = member(stage, 'other', 2)
  one.drop()
  stage.broker.advance(500_000)
  assert.deepEqual(received(other), [])
  const again = stage.durable('one')
  assert.deepEqual(
    again.take().map((packet) => [packet.type, 'packetIdentifier' in packet && packet.packetIdentifier]),
    [
      [PacketType.PUBLISH, 1],
      [PacketType.PUBREL, 2],
    ],
  )
  assert.deepEqual(received(other), [])
})

scene('If that Client’s Session ends first, its QoS 2 message goes to nobody else [5.0 MQTT-4.8.2-5]', (stage) => {
  for (const end of ['expiry', 'clean start']) {
    const one = member(stage, 'one', 2)
    publish(stage, ['x'], 2)
    assert.deepEqual(received(one), ['jobs/a x q2'])
    const other = member(stage, `other ${end}`, 2)
    one.drop()
    if (end === 'expiry') stage.broker.advance(1_000_000)
    else stage.client('one').disconnect()
    assert.equal(stage.hasSession('one'), false)
    assert.deepEqual(received(other), [])
    other.unsubscribe(JOBS)
  }
})

for (const [qos, type, name] of [
  [1, PacketType.PUBACK, 'PUBACK'],
  [2, PacketType.PUBREC, 'PUBREC'],
] as const) {
  scene(`A member answers ${name} of 0x80 or more: nobody else gets the message [5.0 MQTT-4.8.2-6]`, (stage) => {
    const members = ['one', 'other'].map((clientId) => member(stage, clientId, qos))
    publish(stage, ['1', '2'], qos)
    for (const client of members) {
      const [message] = taken(client, PacketType.PUBLISH)
      client.acknowledge(type, message!.packetIdentifier, 0x83)
    }
    for (const client of members) assert.deepEqual(client.take(), [])
    members[0]!.disconnect(0, { sessionExpiryInterval: 0 })
    assert.deepEqual(members[1]!.take(), [])
  })
}

scene('Only what stands behind the ShareName takes part in matching, a leading slash too [U-4.8.2-1]', (stage) => {
  const client = stage.client('a')
  client.subscribe(['$share/jobs//a', '$share/x/b', '$share/y/+/c'])
  const sensor = stage.client('sensor')
  for (const name of ['/a', 'a', 'jobs//a', 'b', 'x/b', '$share/x/b', 'y/c', 'z/c']) sensor.publish(name, '')
  assert.deepEqual(received(client), ['/a ', 'b ', 'y/c ', 'z/c '])
})

scene('Equal ShareName and filter are one Shared Subscription; another filter is another one [U-4.8.2-2]', (stage) => {
  const [one, two, three] = [JOBS, JOBS, '$share/group/jobs/#'].map((filter, at) => member(stage, `m${at}`, 0, filter))
  publish(stage, ['1', '2', '3', '4'])
  assert.equal(received(one!).length + received(two!).length, 4)
  assert.equal(received(three!).length, 4)
})

scene('Each message goes to exactly one member; this Server lets them take turns [U-4.8.2-3]', (stage) => {
  const members = ['a', 'b', 'c'].map((clientId) => member(stage, clientId, 1))
  publish(stage, ['1', '2', '3', '4', '5', '6'], 1)
  assert.deepEqual(
    members.map((client) => client.takePayloads()),
    [
      ['1', '4'],
      ['2', '5'],
      ['3', '6'],
    ],
  )
})

scene('Shared Subscriptions and others that match are each served, also at one Client [U-4.8.2-4]', (stage) => {
  const client = stage.client('a')
  client.subscribe(['jobs/a', '$share/x/jobs/a', '$share/y/jobs/a', '$share/x/jobs/#'])
  publish(stage, ['1'])
  assert.deepEqual(received(client), Array(4).fill('jobs/a 1'))
})

scene('Nothing retained on subscribing to a shared filter, whatever Retain Handling says [U-3.8.4-3]', (stage) => {
  stage.client('sensor').publish('jobs/a', 'kept', 1, { retain: true })
  for (const retainHandling of [0, 1, 2] as const) {
    for (const clientId of ['first', 'second', 'first']) {
      const client = stage.client(clientId)
      client.subscribe(JOBS, 1, { retainHandling })
      client.subscribe(JOBS, 1, { retainHandling })
      assert.equal(taken(client, PacketType.PUBLISH).length, 0)
    }
  }
})

scene('Subscribing twice does not join twice: one UNSUBSCRIBE leaves [U-4.8.2-5]', (stage) => {
  const one = member(stage, 'one')
  for (let again = 0; again < 3; again++) one.subscribe(JOBS)
  const other = member(stage, 'other')
  publish(stage, ['1', '2', '3', '4'])
  assert.deepEqual([received(one).length, received(other).length], [2, 2])
  assert.deepEqual(one.unsubscribe(JOBS, JOBS).reasonCodes, [0x00, 0x11])
  publish(stage, ['5', '6'])
  assert.deepEqual([received(one).length, received(other).length], [0, 2])
})

scene(
  'UNSUBSCRIBE and the end of a Session leave; with the last one goes what was not delivered [U-4.8.2-6]',
  (stage) => {
    const client = stage.durable('one', { receiveMaximum: 1 })
    client.subscribe(JOBS, 1)
    publish(stage, ['1', '2', '3'], 1)
    assert.deepEqual(client.unsubscribe('jobs/+').reasonCodes, [0x11])
    assert.deepEqual(client.unsubscribe(JOBS).reasonCodes, [0x00])
    assert.deepEqual(
      client.receiveAll().map(({ payload }) => Buffer.from(payload).toString()),
      ['1'],
    )
    const last = member(stage, 'last', 1)
    last.drop()
    publish(stage, ['4'], 1)
    stage.broker.advance(1_000_000)
    assert.equal(takeHex(member(stage, 'new', 1)).slice(0, 4), '9004')
    publish(stage, ['5'], 0)
    const { dropped } = stage.broker.broker.metrics
    assert.deepEqual([dropped['no member'], dropped['session ended']], [2, 1])
  },
)

scene('QoS 1 in flight when a member’s Connection breaks: this Server waits for it [U-4.8.2-7]', (stage) => {
  const one = member(stage, 'one', 1)
  publish(stage, ['1'], 1)
  assert.deepEqual(received(one), ['jobs/a 1 q1'])
  const other = member(stage, 'other', 1)
  one.drop()
  assert.deepEqual(received(other), [])
  assert.deepEqual(received(stage.durable('one')), ['jobs/a 1 q1 dup'])
})

scene('If that member’s Session ends first, another member gets the QoS 1 message [U-4.8.2-8]', (stage) => {
  const one = member(stage, 'one', 1)
  publish(stage, ['1'], 1)
  const other = member(stage, 'other', 1)
  one.drop()
  stage.broker.advance(1_000_000)
  assert.deepEqual(received(other), ['jobs/a 1 q1'])
})
