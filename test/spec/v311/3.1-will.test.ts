import assert from 'node:assert/strict'
import type { TestClient } from '../../support/test-client.ts'
import { ACCEPTED, assertCloses, bytesOf, received, scene, takeHex, type Scene } from './scene.ts'

const WILL = { topicName: 'will', payload: Buffer.from('gone') }

/** Every way a Connection ends without DISCONNECT. */
const ENDS: readonly [how: string, end: (client: TestClient, stage: Scene) => void][] = [
  ['the network fails', (client) => client.drop(new Error('ECONNRESET'))],
  ['the Client closes without DISCONNECT', (client) => client.drop()],
  ['Keep Alive runs out', (_, stage) => stage.broker.advance(15_000)],
  ['the Server closes over a protocol error', (client) => client.sendBytes(bytesOf('82 * 0001'))],
  ['the Server closes over a malformed packet', (client) => client.sendBytes(bytesOf('c1 00'))],
  ['another Connection takes over', (_, stage) => void stage.broker.connect({ version: 4, clientId: 'id' })],
]

for (const [how, end] of ENDS) {
  scene(`The Will goes out when ${how} [3.1.1 MQTT-3.1.2-8] [U311-3.1.2.5-1]`, (stage) => {
    const witness = stage.subscriber('witness', '#', 2)
    const client = stage.client('id', { keepAlive: 10, will: WILL })
    assert.deepEqual(received(witness), [], 'not before the end')
    end(client, stage)
    assert.deepEqual(received(witness), ['will gone'])
  })
}

scene(
  'The Will goes out promptly, at the very end of the Connection [U311-3.1.2.5-2] [3.1.1 MQTT-3.1.2-8]',
  (stage) => {
    const witness = stage.subscriber('witness', '#')
    const durable = stage.durable('id', { will: WILL })
    durable.drop()
    assert.deepEqual(received(witness), ['will gone'], 'although the Session is kept')
  },
)

scene(
  'A Will waits with nobody connected as well: it can be retained and queued [3.1.1 MQTT-3.1.2-8, MQTT-3.1.2-17]',
  (stage) => {
    const meter = stage.durable('meter')
    meter.subscribe('will', 1)
    meter.drop()
    stage.client('id', { will: { ...WILL, qos: 1, retain: true } }).drop()
    assert.deepEqual(received(stage.broker.connect({ version: 4, clientId: 'meter', cleanStart: false })), [
      'will gone q1',
    ])
    assert.deepEqual(stage.retained(), ['will=gone'])
  },
)

scene(
  'After DISCONNECT the Will is gone, however the byte stream ends [3.1.1 MQTT-3.1.2-10, MQTT-3.14.4-3]',
  (stage) => {
    const witness = stage.subscriber('witness', '#')
    for (const cleanStart of [true, false]) {
      const client = stage.client('id', { cleanStart, keepAlive: 10, will: WILL })
      client.disconnect()
      client.drop(new Error('ECONNRESET'))
      stage.broker.advance(100_000)
      assert.deepEqual(received(witness), [])
    }
    stage.client('id', { cleanStart: false }).drop()
    assert.deepEqual(received(witness), [], 'nor does it come back with the next Connection')
  },
)

scene(
  'A Will is published once: the next Connection of the Session has only its own [3.1.1 MQTT-3.1.2-10]',
  (stage) => {
    const witness = stage.subscriber('witness', '#')
    stage.durable('id', { will: WILL }).drop()
    assert.deepEqual(received(witness), ['will gone'])
    stage.durable('id').drop()
    assert.deepEqual(received(witness), [])
    stage.durable('id', { will: { topicName: 'other' } }).drop()
    assert.deepEqual(received(witness), ['other gone'])
    stage.client('id').disconnect()
    assert.deepEqual(received(witness), [], 'nor when the Session ends at last')
  },
)

scene('Will Flag 1 needs Will Topic and Will Message in the payload [3.1.1 MQTT-3.1.2-9]', (stage) => {
  for (const payload of ['', '"will"', '"will" 00', '"will" 0005 31323334', '0009 77']) {
    assertCloses(stage.broker.open(4), `10 * "MQTT" 04 06 0000 "id" ${payload}`)
  }
  assert.equal(takeHex(stage.raw('10 * "MQTT" 04 06 0000 "id" "will" 0000')), ACCEPTED, 'the message may be empty')
})

for (const qos of [0, 1, 2] as const) {
  for (const retain of [false, true]) {
    const flags = ((0x06 | (qos << 3) | (retain ? 0x20 : 0)) & 0xff).toString(16).padStart(2, '0')
    const rule = retain ? 'MQTT-3.1.2-17' : 'MQTT-3.1.2-16'
    scene(
      `Will QoS ${qos} and Will Retain ${Number(retain)} are honoured [3.1.1 MQTT-3.1.2-9, MQTT-3.1.2-14, ${rule}]`,
      (stage) => {
        const witness = stage.subscriber('witness', 'will', 2)
        const client = stage.raw(`10 * "MQTT" 04 ${flags} 0000 "id" "will" 0003 ff0080`)
        assert.equal(takeHex(client), ACCEPTED)
        client.drop()
        const packetIdentifier = qos > 0 ? '0001' : ''
        const firstByte = (0x30 | (qos << 1)).toString(16)
        assert.equal(
          takeHex(witness),
          Buffer.from(bytesOf(`${firstByte} * "will" ${packetIdentifier} ff0080`)).toString('hex'),
        )
        assert.equal(stage.retained().length, retain ? 1 : 0)
      },
    )
  }
}

scene('A Will without Will Retain leaves the retained message as it is [3.1.1 MQTT-3.1.2-16]', (stage) => {
  stage.client('sensor').publish('will', 'kept', 0, { retain: true })
  stage.client('id', { will: WILL }).drop()
  assert.deepEqual(stage.retained(), ['will=kept'])
})

scene(
  'A retained Will takes the place of the retained message, an empty one erases it [3.1.1 MQTT-3.1.2-17]',
  (stage) => {
    stage.client('sensor').publish('will', 'kept', 0, { retain: true })
    stage.client('id', { will: { ...WILL, retain: true } }).drop()
    assert.deepEqual(stage.retained(), ['will=gone'])
    stage.client('id', { will: { topicName: 'will', payload: new Uint8Array(), retain: true } }).drop()
    assert.deepEqual(stage.retained(), [])
  },
)

scene('Will Flag 0: the payload has no Will, and a Will there is a surplus [3.1.1 MQTT-3.1.2-11]', (stage) => {
  assertCloses(stage.broker.open(4), '10 * "MQTT" 04 02 0000 "id" "will" 0000')
  assert.equal(stage.hasSession('id'), false)
})

scene('Will Flag 0 with a Will QoS ends the Connection [3.1.1 MQTT-3.1.2-11, MQTT-3.1.2-13]', (stage) => {
  for (const flags of ['0a', '12', '1a']) assertCloses(stage.broker.open(4), `10 * "MQTT" 04 ${flags} 0000 "id"`)
})

scene('Will Flag 0 with Will Retain 1 ends the Connection [3.1.1 MQTT-3.1.2-11, MQTT-3.1.2-15]', (stage) => {
  assertCloses(stage.broker.open(4), '10 * "MQTT" 04 22 0000 "id"')
})

scene('Will QoS 3 ends the Connection [3.1.1 MQTT-3.1.2-14]', (stage) => {
  const witness = stage.subscriber('witness', '#')
  for (const flags of ['1e', '3e']) assertCloses(stage.broker.open(4), `10 * "MQTT" 04 ${flags} 0000 "id" "will" 0000`)
  assert.deepEqual(received(witness), [], 'and its Will is nobody’s')
})

scene('Will Flag 0: no way to end publishes anything [3.1.1 MQTT-3.1.2-12]', (stage) => {
  const witness = stage.subscriber('witness', '#')
  for (const [, end] of ENDS) {
    const client = stage.client('id', { keepAlive: 10 })
    end(client, stage)
    assert.equal(client.isClosed, true)
    assert.deepEqual(received(witness), [])
  }
})
