/** Keep Alive and Server Keep Alive (§3.1.2.10, §3.2.2.3.14). @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { endOf, SECOND, watch } from './support.ts'

const PINGREQ = { type: PacketType.PINGREQ } as const

for (const keepAlive of [1, 10, 65_535]) {
  test(`Keep Alive ${keepAlive}: ${keepAlive * 1.5} s without a packet end the connection with 0x8D, one ms less does not [5.0 MQTT-3.1.2-22]`, async () => {
    const broker = await VirtualBroker.start()
    const client = broker.connect({ keepAlive })
    broker.advance(keepAlive * 1500 - 1)
    assert.equal(endOf(client), 'open')
    broker.advance(1)
    assert.equal(endOf(client), 0x8d)
  })
}

test('Every packet begins the Keep Alive anew, not PINGREQ alone [5.0 MQTT-3.1.2-22]', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect({ keepAlive: 10 })
  const sends = [
    () => client.send(PINGREQ),
    () => client.publish('t', 'x'),
    () => client.subscribe('t'),
    () => client.acknowledge(PacketType.PUBACK, 77),
  ]
  for (const send of sends) {
    broker.advance(15 * SECOND - 1)
    send()
  }
  broker.advance(15 * SECOND - 1)
  assert.equal(endOf(client), 'open')
  broker.advance(1)
  assert.equal(endOf(client), 0x8d)
})

test('Bytes that make no whole packet count only until it is late, and what the Server sends does not [5.0 MQTT-3.1.2-22]', async () => {
  const broker = await VirtualBroker.start({ 'packet-timeout': 8, 'min-packet-rate': 1000 })
  const client = broker.connect({ keepAlive: 10 })
  client.subscribe('t')
  broker.advance(10 * SECOND)
  client.sendHex('30 20 0001')
  broker.connect({ clientId: 'publisher' }).publish('t', 'x')
  broker.advance(8 * SECOND - 1)
  assert.equal(client.isClosed, false)
  broker.advance(1 * SECOND)
  assert.equal(client.isClosed, true)
})

test('A Keep Alive that ran out is like a network failure: the Will goes out then [5.0 MQTT-3.1.2-22]', async () => {
  const broker = await VirtualBroker.start()
  const watcher = watch(broker, 'will')
  broker.connect({ clientId: 'c', keepAlive: 10, will: { topicName: 'will' } })
  broker.advance(15 * SECOND - 1)
  assert.deepEqual(watcher.take(), [])
  broker.advance(1)
  assert.deepEqual(watcher.takePayloads(), ['gone'])
})

test('Keep Alive 0 switches the watch off [5.0 U-3.1.2.10-1]', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect({ keepAlive: 0 })
  broker.advance(365 * 86_400 * SECOND)
  assert.equal(endOf(client), 'open')
})

test('With Keep Alive 0 the Server may still disconnect for other reasons [5.0 U-3.1.2.10-2]', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect({ keepAlive: 0 })
  assert.equal(await broker.broker.disconnect('client'), true)
  broker.clock.runTurns()
  assert.equal(endOf(client), 0x98)
})

for (const keepAlive of [0, 31, 65_535]) {
  test(`Server Keep Alive 30 in answer to Keep Alive ${keepAlive}: 1.5 times that is watched [5.0 U-3.2.2.3.14-1]`, async () => {
    const broker = await VirtualBroker.start({ 'max-keep-alive': 30 })
    const client = broker.connect({ keepAlive })
    assert.equal(client.connack?.properties.serverKeepAlive, 30)
    broker.advance(45 * SECOND - 1)
    assert.equal(endOf(client), 'open')
    broker.advance(1)
    assert.equal(endOf(client), 0x8d)
  })
}

test('Without Server Keep Alive in CONNACK the Client’s own counts [5.0 MQTT-3.2.2-22]', async () => {
  const broker = await VirtualBroker.start({ 'max-keep-alive': 30 })
  const client = broker.connect({ keepAlive: 20 })
  assert.equal(client.connack?.properties.serverKeepAlive, undefined)
  broker.advance(30 * SECOND - 1)
  assert.equal(endOf(client), 'open')
  broker.advance(1)
  assert.equal(endOf(client), 0x8d)
})
