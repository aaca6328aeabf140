import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'

test('a message goes from one Client to another, at every QoS and in every version', async () => {
  for (const version of [3, 4, 5] as const) {
    for (const qos of [0, 1, 2] as const) {
      const broker = await VirtualBroker.start()
      const sensor = broker.connect({ clientId: 'sensor', version })
      const meter = broker.connect({ clientId: 'meter', version })
      assert.equal(sensor.connack?.reasonCode, 0)
      assert.deepEqual(meter.subscribe('power/+', qos).reasonCodes, [qos])
      sensor.publish('power/l1', '230', qos)
      const [message, ...others] = meter.receiveAll()
      assert.equal(Buffer.from(message!.payload).toString(), '230')
      assert.equal(message!.qos, qos)
      assert.deepEqual(others, [])
      await broker.close()
    }
  }
})

test('Keep Alive: after 1.5 × K of silence the Server says 0x8D and closes [5.0 MQTT-3.1.2-22]', async () => {
  const broker = await VirtualBroker.start()
  const sensor = broker.connect({ keepAlive: 10 })
  broker.advance(14_999)
  assert.equal(sensor.isClosed, false)
  broker.advance(1)
  assert.equal(sensor.isClosed, true)
  const [last] = sensor.take()
  assert.equal(last?.type, PacketType.DISCONNECT)
  await broker.close()
})
