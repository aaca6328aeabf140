import assert from 'node:assert/strict'
import { answer, assertCloses, bytesOf, received, scene, takeHex } from './scene.ts'

scene('PINGREQ is answered by PINGRESP [3.1.1 MQTT-3.12.4-1]', (stage) => {
  const client = stage.client('client')
  assert.equal(answer(client, 'c0 00'), 'd000')
  assert.equal(answer(client, bytesOf('c000 c000 c000')), 'd000d000d000')
})

scene('A PINGREQ with anything behind its header ends the Connection [3.1.1 MQTT-4.8.0-1]', (stage) => {
  assertCloses(stage.client('a'), 'c0 01 00')
})

scene('On DISCONNECT the Server closes, and says nothing [U311-3.14.4-1]', (stage) => {
  const client = stage.client('client')
  assert.equal(answer(client, 'e0 00'), '')
  assert.equal(client.isClosed, true)
  assert.deepEqual(stage.ends, ['client: disconnected by client'])
})

scene('What comes behind DISCONNECT is not looked at [U311-3.14.4-1]', (stage) => {
  const witness = stage.subscriber('witness', '#')
  const client = stage.client('client')
  client.sendBytes(bytesOf('e000 30 03 0001 61'))
  assert.deepEqual([takeHex(client), received(witness)], ['', []])
})

scene('A DISCONNECT with anything behind its header is none: the Will goes out [3.1.1 MQTT-4.8.0-1]', (stage) => {
  const witness = stage.subscriber('witness', '#')
  assertCloses(stage.client('client', { will: { topicName: 'will' } }), 'e0 01 00')
  assert.deepEqual(received(witness), ['will gone'])
})

scene('DISCONNECT drops the Will unpublished, whatever was sent before it [3.1.1 MQTT-3.14.4-3]', (stage) => {
  const witness = stage.subscriber('witness', '#')
  const client = stage.client('client', { will: { topicName: 'will', retain: true, qos: 2 } })
  client.sendBytes(bytesOf('30 04 0001 61 78 e000'))
  assert.deepEqual(received(witness), ['a x'])
  stage.broker.advance(1_000_000)
  assert.deepEqual([received(witness), stage.retained()], [[], []])
})
