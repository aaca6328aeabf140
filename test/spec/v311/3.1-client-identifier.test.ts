import assert from 'node:assert/strict'
import { ACCEPTED, everyone, received, RESUMED, scene, takeHex } from './scene.ts'
import { sessionsOf } from '../../support/sessions.ts'

scene('The Client Identifier is the key of the Session, and nothing else is [3.1.1 MQTT-3.1.3-2]', (stage) => {
  for (const clientId of ['a', 'b', 'A', 'a ']) {
    const client = stage.durable(clientId)
    client.subscribe(`for/${clientId}`, 1)
    client.drop()
  }
  const sensor = stage.client('sensor')
  for (const clientId of ['b', 'A', 'a ', 'a']) {
    sensor.publish(`for/${clientId}`, clientId, 1)
    const client = stage.broker.connect({ version: 4, clientId, cleanStart: false })
    assert.equal(client.connack?.sessionPresent, true)
    assert.deepEqual(received(client), [`for/${clientId} ${clientId} q1`])
  }
  assert.equal(takeHex(stage.raw('10 * "MQTT" 04 00 0000 "B"')), ACCEPTED, 'no Session is kept under B')
})

scene('Identifiers of 1 to 23 bytes of letters and digits are let in [3.1.1 MQTT-3.1.3-5]', (stage) => {
  const all = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
  for (const character of all) assert.equal(takeHex(stage.raw(`10 * "MQTT" 04 02 0000 "${character}"`)), ACCEPTED)
  for (let length = 1; length <= 23; length++) {
    const clientId = all.slice(length, 2 * length)
    assert.equal(clientId.length, length)
    assert.equal(takeHex(stage.raw(`10 * "MQTT" 04 02 0000 "${clientId}"`)), ACCEPTED, clientId)
    assert.ok(stage.hasSession(clientId))
  }
})

scene(
  'Longer identifiers and other characters are let in as well [U311-3.1.3.1-1]',
  (stage) => {
    for (const clientId of ['x'.repeat(24), 'x'.repeat(65_535), 'a/b c', '+#$', 'zähler-ß', '電']) {
      assert.equal(takeHex(stage.raw(`10 * "MQTT" 04 02 0000 "${clientId}"`)), ACCEPTED, clientId)
      assert.ok(stage.hasSession(clientId))
    }
  },
  { 'max-connect-packet-size': 131_072 },
)

scene(
  'An empty identifier gets one that nobody else has, and is served as though it had chosen it [3.1.1 MQTT-3.1.3-6]',
  (stage) => {
    const clients = Array.from({ length: 50 }, () => stage.raw('10 * "MQTT" 04 02 0000 ""'))
    assert.ok(clients.every((client) => takeHex(client) === ACCEPTED && !client.isClosed))
    const named = sessionsOf(stage.broker.broker).map(({ clientId }) => clientId)
    assert.equal(new Set(named).size, 50)
    assert.ok(named.every((clientId) => clientId !== ''))

    const [first] = clients
    first!.subscribe('a', 1)
    clients[1]!.publish('a', 'x', 1)
    assert.deepEqual(received(first!), ['a x q1'])
    const taken = stage.raw(`10 * "MQTT" 04 02 0000 "${named[0]}"`)
    assert.equal(takeHex(taken), ACCEPTED)
    assert.equal(first!.isClosed, true, 'the identifier is a real one: its takeover cuts the older Connection')
  },
)

scene(
  'An empty identifier with CleanSession 0 gets CONNACK 0x02 and the close [3.1.1 MQTT-3.1.3-8] [U311-3.2.2.3-1]',
  (stage) => {
    const client = stage.raw('10 * "MQTT" 04 00 0000 ""')
    assert.deepEqual([takeHex(client), client.isClosed], ['20020002', true])
    assert.deepEqual(sessionsOf(stage.broker.broker), [])
  },
)

scene(
  'An identifier whose Session belongs to somebody else gets CONNACK 0x02 and the close [3.1.1 MQTT-3.1.3-9, MQTT-3.2.2-4]',
  (stage) => {
    const owner = stage.raw('10 * "MQTT" 04 80 0000 "id" "owner"')
    assert.equal(takeHex(owner), ACCEPTED)
    const other = stage.raw('10 * "MQTT" 04 80 0000 "id" "other"')
    assert.deepEqual([takeHex(other), other.isClosed, owner.isClosed], ['20020002', true, false])
    owner.drop()
    assert.equal(takeHex(stage.raw('10 * "MQTT" 04 80 0000 "id" "owner"')), RESUMED)
  },
  { auth: { plugins: [everyone] } },
)
