/** Topic Aliases from the Client (§3.3.2.3.4); those of the Server are in `3.1-limits-of-the-client`. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { endOf, onlyPublish, resume, watch } from './support.ts'

async function start(maximum: number): Promise<{ broker: VirtualBroker; watcher: TestClient; client: TestClient }> {
  const broker = await VirtualBroker.start({ 'topic-alias-maximum': maximum })
  const watcher = watch(broker, '#')
  return { broker, watcher, client: resume(broker, 'c', 60) }
}

const alias = (topicAlias: number) => ({ properties: { topicAlias } })

test('The Server takes every alias from 1 to the maximum it announced, each with its own topic [5.0 MQTT-3.3.2-12]', async () => {
  for (const maximum of [1, 32, 65_535]) {
    const { watcher, client } = await start(maximum)
    assert.equal(client.connack?.properties.topicAliasMaximum, maximum)
    const some = new Set([1, 2, 31, 32, 255, 256, 65_534, 65_535].filter((one) => one <= maximum))
    for (const one of some) client.publish(`t/${one}`, 'set', 0, alias(one))
    watcher.take()
    for (const one of some) {
      client.publish('', 'used', 0, alias(one))
      assert.equal(onlyPublish(watcher).topicName, `t/${one}`)
    }
  }
})

test('Alias 0 and aliases above the maximum get 0x94, and the message goes nowhere [5.0 MQTT-3.3.2-8, MQTT-3.3.2-9, U-3.3.4-3]', async () => {
  for (const wrong of [0, 33, 65_535]) {
    const { watcher, client } = await start(32)
    client.sendHex(`30 08 0001 74 03 23 ${wrong.toString(16).padStart(4, '0')} 78`)
    assert.equal(endOf(client), 0x94)
    assert.deepEqual(watcher.take(), [])
  }
})

test('Where CONNACK announced no Topic Alias Maximum every alias gets 0x94 [5.0 MQTT-3.2.2-18]', async () => {
  const { watcher, client } = await start(0)
  assert.equal(client.connack?.properties.topicAliasMaximum, undefined)
  client.publish('t', 'x', 1, alias(1))
  assert.equal(endOf(client), 0x94)
  assert.deepEqual(watcher.take(), [])
})

test('An alias with a topic sets or replaces the mapping, also for QoS 1 and 2; with an empty topic it uses it [5.0 U-3.3.4-4]', async () => {
  const { watcher, client } = await start(2)
  const uses = (expected: string): void => {
    for (const qos of [0, 1, 2] as const) {
      client.publish('', 'x', qos, alias(1))
      assert.equal(onlyPublish(watcher).topicName, expected)
    }
  }
  for (const [topic, qos] of [
    ['a', 0],
    ['b', 1],
    ['c', 2],
    ['a', 2],
  ] as const) {
    client.publish(topic, 'x', qos, alias(1))
    assert.equal(onlyPublish(watcher).topicName, topic)
    uses(topic)
  }
  client.publish('plain', 'x')
  watcher.take()
  uses('a')
})

test('An alias without a mapping and an empty topic get 0x82 [5.0 U-3.3.4-5]', async () => {
  const { client } = await start(2)
  client.publish('a', 'x', 0, alias(1))
  client.publish('', 'x', 0, alias(2))
  assert.equal(endOf(client), 0x82)
})

test('An empty topic without an alias gets 0x82, also after one with an alias [5.0 U-3.3.2.1-1]', async () => {
  const { client } = await start(2)
  client.publish('a', 'x', 0, alias(1))
  client.publish('', 'x')
  assert.equal(endOf(client), 0x82)
})

test('Mappings end with their connection, though the Session goes on [5.0 MQTT-3.3.2-7]', async () => {
  const { broker, client } = await start(2)
  client.publish('a', 'x', 0, alias(1))
  client.drop()
  const again = resume(broker, 'c', 60)
  assert.equal(again.connack?.sessionPresent, true)
  again.publish('', 'x', 0, alias(1))
  assert.equal(endOf(again), 0x82)
})

test('Mappings are the connection’s own: another Client has none of them [5.0 MQTT-3.3.2-7]', async () => {
  const { broker, client } = await start(2)
  client.publish('a', 'x', 0, alias(1))
  const other = broker.connect({ clientId: 'other' })
  other.publish('', 'x', 0, alias(1))
  assert.equal(endOf(other), 0x82)
})

test('A publisher’s alias is not handed to subscribers: the two directions have nothing in common [5.0 U-3.3.2.3.4-1]', async () => {
  const { broker, watcher, client } = await start(5)
  const aliasing = broker.connect({ clientId: 'aliasing', properties: { topicAliasMaximum: 3 } })
  aliasing.subscribe('#')
  client.publish('t', 'x', 0, alias(5))
  assert.equal(onlyPublish(watcher).properties.topicAlias, undefined)
  assert.equal(onlyPublish(aliasing).properties.topicAlias, 1)
  aliasing.publish('', 'x', 0, alias(1))
  assert.equal(endOf(aliasing), 0x82, 'what the Server set is no mapping of the Client’s')
})

test('A refused PUBLISH sets its alias all the same: the topic was given [5.0 U-3.3.4-4]', async () => {
  const { watcher, client } = await start(2)
  client.publish('$SYS/refused', 'x', 1, alias(1))
  client.take()
  client.publish('', 'x', 1, alias(1))
  assert.equal(endOf(client), 'open')
  assert.deepEqual(watcher.take(), [])
})
