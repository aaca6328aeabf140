import assert from 'node:assert/strict'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { bytesOf, received, scene, takeHex } from './scene.ts'

const WILL = { topicName: 'will' }

scene(
  'After 1.5 times the Keep Alive of silence the Connection is cut, and the Will fires [3.1.1 MQTT-3.1.2-24]',
  (stage) => {
    const witness = stage.subscriber('witness', 'will')
    for (const seconds of [1, 10, 65_535]) {
      const client = stage.client('id', { keepAlive: seconds, will: WILL })
      stage.broker.advance(1500 * seconds - 1)
      assert.deepEqual([client.isClosed, received(witness)], [false, []])
      stage.broker.advance(1)
      assert.deepEqual([client.isClosed, takeHex(client), received(witness)], [true, '', ['will gone']])
    }
  },
)

scene('Every Control Packet of the Client starts the time anew [3.1.1 MQTT-3.1.2-24]', (stage) => {
  const client = stage.client('id', { keepAlive: 10 })
  const packets = ['c0 00', '30 * "a"', '32 * "a" 0001', '40 * 0009', '82 * 0001 "b" 00', 'a2 * 0001 "b"', '62 * 0001']
  for (const packet of packets) {
    stage.broker.advance(14_999)
    assert.equal(client.isClosed, false, packet)
    client.sendBytes(bytesOf(packet))
  }
  stage.broker.advance(15_000)
  assert.equal(client.isClosed, true)
})

scene('What the Server sends does not start the time anew [3.1.1 MQTT-3.1.2-24]', (stage) => {
  const client = stage.client('id', { keepAlive: 10 })
  client.subscribe('a')
  const sensor = stage.client('sensor')
  for (let second = 0; second < 15; second++) {
    assert.equal(client.isClosed, false)
    sensor.publish('a', 'x')
    stage.broker.advance(1000)
  }
  assert.equal(client.isClosed, true)
})

scene(
  'Half a packet is no packet: it keeps a Client only as long as the packet is not late [3.1.1 MQTT-3.1.2-24]',
  (stage) => {
    const client = stage.client('id', { keepAlive: 10 })
    stage.broker.advance(14_000)
    client.sendBytes(bytesOf('30 7f 0001'))
    stage.broker.advance(5_000)
    assert.equal(client.isClosed, false)
    stage.broker.advance(1_000)
    assert.equal(client.isClosed, true)
  },
  { 'packet-timeout': 5, 'min-packet-rate': 100 },
)

scene('Keep Alive 0 switches the watch off [U311-3.1.2.10-1]', (stage) => {
  const client = stage.client('id', { keepAlive: 0 })
  stage.broker.advance(30 * 86_400_000)
  assert.equal(client.isClosed, false)
  client.send({ type: PacketType.PINGREQ })
  assert.equal(takeHex(client), 'd000')
})

scene(
  'A Keep Alive above max-keep-alive, which 3.1.1 cannot be told of, is refused with 0x02; one within it holds as it is [3.1.1 MQTT-3.1.2-24]',
  (stage) => {
    for (const keepAlive of [0, 11, 65_535]) {
      assert.equal(stage.broker.connect({ version: 4, keepAlive }).connack?.reasonCode, 2)
    }
    const client = stage.client('id', { keepAlive: 10 })
    stage.broker.advance(14_999)
    assert.equal(client.isClosed, false)
    stage.broker.advance(1)
    assert.equal(client.isClosed, true)
  },
  { 'max-keep-alive': 10 },
)
