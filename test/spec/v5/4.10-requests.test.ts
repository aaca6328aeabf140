import assert from 'node:assert/strict'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { answer, assertEnds, GUARDED, scene, taken } from './stage.ts'

scene('Request Problem and Request Response Information: once, and 0 or 1 [U-3.1.2.11.7-1]', (stage) => {
  for (const properties of [
    '17 02',
    '17 ff',
    '17 00 17 00',
    '17 01 17 00',
    '19 02',
    '19 80',
    '19 00 19 00',
    '19 01 17 01 19 01',
  ]) {
    const client = stage.open()
    assert.match(answer(client, `10 * "MQTT" 05 02 0000 {${properties}} "a"`), /^20..0082/, properties)
    assert.equal(client.isClosed, true)
  }
})

scene(
  'Reason Strings may go where they are asked for; without the wish only in CONNACK and DISCONNECT [U-3.1.2.11.7-2]',
  (stage) => {
    for (const requestProblemInformation of [undefined, 1, 0]) {
      const client = stage.client('a', { properties: { requestProblemInformation } })
      client.subscribe(['denied/x', 'a'])
      client.unsubscribe('b')
      client.publish('denied/x', '', 1)
      client.publish('denied/x', '', 2)
      client.acknowledge(PacketType.PUBREL, 9)
      client.acknowledge(PacketType.PUBREC, 9)
      const packets = client.take()
      assert.equal(packets.length, 4)
      for (const packet of packets) {
        const { reasonString, userProperties } = 'properties' in packet ? packet.properties : {}
        if (requestProblemInformation === 0) assert.deepEqual([reasonString, userProperties], [undefined, undefined])
      }
      client.sendHex('d0 00')
      const [disconnect] = taken(client, PacketType.DISCONNECT)
      assert.equal(disconnect?.properties.reasonString !== undefined, requestProblemInformation !== 0)
    }
  },
  GUARDED,
)

scene('Response Topic and Correlation Data pass as they are; the Server takes no part [U-4.10-1]', (stage) => {
  const responder = stage.subscriber('responder', 'request', 1)
  const requester = stage.subscriber('requester', 'answers/7', 1)
  const correlationData = Uint8Array.of(0, 1, 0xff)
  const properties = { responseTopic: 'answers/7', correlationData, userProperties: [['a', 'b']] as const }
  requester.publish('request', 'q', 1, { properties })
  const [request] = taken(responder, PacketType.PUBLISH)
  assert.equal(request?.properties.responseTopic, 'answers/7')
  assert.deepEqual(request.properties.correlationData, correlationData)
  assert.deepEqual(request.properties.userProperties, [['a', 'b']])
  responder.publish(request.properties.responseTopic, 'a', 1, {
    properties: { correlationData: request.properties.correlationData },
  })
  const [response] = taken(requester, PacketType.PUBLISH)
  assert.deepEqual(response?.properties, { correlationData })
  assertEnds(stage.client('bad'), '30 * "request" {08 "a/#"}', 0x82)
})

scene(
  'A payload that claims to be text passes unchecked: to look is allowed, not demanded [U-3.3.2.3.2-1]',
  (stage) => {
    const meter = stage.subscriber('meter', 'a', 1)
    const sensor = stage.client('sensor')
    assert.equal(answer(sensor, '32 * "a" 0001 {01 01} ff'), '40020001')
    const [message] = taken(meter, PacketType.PUBLISH)
    assert.equal(message?.properties.payloadFormatIndicator, 1)
    assert.deepEqual(message.payload, Uint8Array.of(0xff))
  },
)
