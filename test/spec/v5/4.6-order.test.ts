import assert from 'node:assert/strict'
import { type PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import type { TestClient } from '../../support/test-client.ts'
import { received, scene, taken } from './stage.ts'

const text = ({ payload }: PublishPacket): string => Buffer.from(payload).toString()

scene(
  'A message enters the Session of every Client with a matching Subscription, here or away [5.0 MQTT-4.5.0-1]',
  (stage) => {
    const filters = ['a/b', 'a/+', 'a/#', '#', '+/b', '$share/group/a/b']
    const clients = filters.flatMap((filter, at) => {
      const [here, away] = [`here ${at}`, `away ${at}`].map((name) => stage.durable(name))
      here!.subscribe(filter, 1)
      if (filter.startsWith('$share')) return [here!]
      away!.subscribe(filter, 1)
      away!.drop()
      return [here!]
    })
    const elsewhere = stage.durable('elsewhere')
    elsewhere.subscribe(['a', 'a/b/c', 'a/B', '+', 'b/#'])
    const sensor = stage.client('sensor')
    for (const qos of [1, 2] as const) sensor.publish('a/b', String(qos), qos)
    for (const client of clients) assert.deepEqual(received(client), ['a/b 1 q1', 'a/b 2 q1'])
    for (const at of filters.keys()) {
      if (filters[at]!.startsWith('$share')) continue
      assert.deepEqual(received(stage.durable(`away ${at}`)), ['a/b 1 q1', 'a/b 2 q1'], filters[at])
    }
    assert.deepEqual(received(elsewhere), [])
  },
)

scene('A full window delays messages of a Session and loses none [5.0 MQTT-4.5.0-1]', (stage) => {
  const meter = stage.durable('meter', { receiveMaximum: 2 })
  meter.subscribe('a', 2)
  const sensor = stage.client('sensor')
  for (let at = 0; at < 500; at++) sensor.publish('a', String(at), 1)
  assert.deepEqual(
    meter.receiveAll().map(text),
    Array.from({ length: 500 }, (_, at) => String(at)),
  )
})

/** Publishes numbers in turn to each topic at each QoS. */
function publishNumbers(sensors: readonly TestClient[], from: number, to: number): void {
  for (let at = from; at < to; at++) {
    for (const [who, sensor] of sensors.entries()) {
      for (const qos of [0, 1, 2] as const)
        sensor.publish(`t/${qos}`, `${who}:${at}`, qos, { packetIdentifier: at * 3 + qos + 1 })
    }
  }
}

function assertOrdered(messages: readonly PublishPacket[], publishers: number, count: number): void {
  for (const topic of ['t/1', 't/2']) {
    for (let who = 0; who < publishers; who++) {
      const numbers = messages
        .filter((message) => message.topicName === topic && text(message).startsWith(`${who}:`) && !message.dup)
        .map((message) => Number(text(message).slice(2)))
      assert.deepEqual(
        numbers,
        Array.from({ length: count }, (_, at) => at),
        `${topic} of ${who}`,
      )
    }
  }
}

for (const filter of ['t/#', 't/+', '#']) {
  scene(`Each publisher’s messages of a topic and QoS arrive in order, for ${filter} [5.0 MQTT-4.6.0-5]`, (stage) => {
    const meter = stage.client('meter', { properties: { receiveMaximum: 5 } })
    meter.subscribe(filter, 2)
    publishNumbers(
      ['p', 'q', 'r'].map((name) => stage.client(name)),
      0,
      40,
    )
    assertOrdered(meter.receiveAll(), 3, 40)
  })
}

scene(
  'Order holds across interruptions: unfinished messages first, then those that waited [5.0 MQTT-4.6.0-5]',
  (stage) => {
    const meter = stage.durable('meter', { receiveMaximum: 3 })
    meter.subscribe('t/#', 2)
    const sensors = ['p', 'q'].map((name) => stage.client(name))
    publishNumbers(sensors, 0, 10)
    const messages = taken(meter, PacketType.PUBLISH)
    // The second is acknowledged, the first and the third are not.
    const open = messages.filter(({ qos }) => qos > 0)
    if (open[1]!.qos === 1) meter.acknowledge(PacketType.PUBACK, open[1]!.packetIdentifier)
    messages.push(...taken(meter, PacketType.PUBLISH))
    meter.drop()
    publishNumbers(sensors, 10, 20)
    const again = stage.durable('meter', { receiveMaximum: 3 })
    const rest = again.receiveAll()
    const resent = rest.filter(({ dup }) => dup)
    assert.deepEqual(rest.slice(0, resent.length), resent, 'what was in flight comes first')
    assertOrdered([...messages, ...rest], 2, 20)
  },
)

scene('Every topic is an Ordered Topic, at every QoS by itself, also in one chunk [5.0 MQTT-4.6.0-6]', (stage) => {
  const meters = [0, 1, 2].map((qos) => stage.subscriber(`meter ${qos}`, '#', qos as 0 | 1 | 2))
  const sensor = stage.client('sensor')
  const chunk = Array.from({ length: 50 }, (_, at) => ({
    ...{ type: PacketType.PUBLISH, dup: false, retain: false, properties: {} },
    topicName: `a/${at % 2}`,
    qos: 1 as const,
    packetIdentifier: at + 1,
    payload: Buffer.from(String(at)),
  }))
  sensor.send(...chunk)
  for (const meter of meters) {
    const messages = meter.receiveAll()
    for (const topic of ['a/0', 'a/1']) {
      const wanted = chunk.filter(({ topicName }) => topicName === topic).map(({ payload }) => String(payload))
      assert.deepEqual(messages.filter(({ topicName }) => topicName === topic).map(text), wanted)
    }
  }
})

scene('An administrator might declare topics unordered; here every one is ordered, $-topics too [U-4.6-1]', (stage) => {
  const meter = stage.subscriber('meter', '$app/#', 2)
  const sensor = stage.client('sensor')
  for (let at = 0; at < 20; at++) sensor.publish('$app/x', String(at), 2)
  assert.deepEqual(
    meter.receiveAll().map(text),
    Array.from({ length: 20 }, (_, at) => String(at)),
  )
})
