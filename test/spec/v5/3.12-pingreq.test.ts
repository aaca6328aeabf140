import assert from 'node:assert/strict'
import { answer, assertEnds, scene } from './stage.ts'

scene('PINGREQ is answered by PINGRESP, each by one [5.0 MQTT-3.12.4-1]', (stage) => {
  const client = stage.client('a')
  assert.equal(answer(client, 'c0 00'), 'd000')
  assert.equal(answer(client, 'c0 00 c0 00 c0 00'), 'd000d000d000')
})

scene('PINGREQ is answered while the send quota is used up and a message waits [5.0 MQTT-3.12.4-1]', (stage) => {
  const client = stage.client('a', { properties: { receiveMaximum: 1 } })
  client.subscribe('a', 1)
  for (const payload of ['1', '2']) stage.client('sensor').publish('a', payload, 1)
  client.take()
  assert.equal(answer(client, 'c0 00'), 'd000')
})

scene(
  'PINGREQ with anything in it or with flags is malformed, PINGRESP a Protocol Error [5.0 MQTT-3.12.4-1]',
  (stage) => {
    assertEnds(stage.client('a'), 'c0 01 00', 0x81)
    for (let flags = 1; flags < 16; flags++) assertEnds(stage.client('a'), `c${flags.toString(16)} 00`, 0x81)
    assertEnds(stage.client('a'), 'd0 00', 0x82)
  },
)
