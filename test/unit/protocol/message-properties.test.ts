/**
 * The properties of a message travel as the bytes that came: only what concerns one hop, and the time that is left,
 * change.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryAccount } from '../../../src/base/memory-account.ts'
import { checkProperties, FoundProperties } from '../../../src/codec/property-check.ts'
import { noPropertyList, PropertyList } from '../../../src/codec/property-list.ts'
import type { Properties } from '../../../src/codec/properties.ts'
import { ApplicationMessage } from '../../../src/protocol/application-message.ts'
import { Delivery, DeliveryState } from '../../../src/protocol/delivery.ts'
import { WaitingQueue } from '../../../src/protocol/waiting-queue.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { bytesOf } from '../codec/packet-bytes.ts'

function listOf(notation: string, holder: 'PUBLISH' | 'WILL' = 'PUBLISH'): PropertyList {
  const bytes = bytesOf(notation)
  const found = new FoundProperties()
  checkProperties(bytes, 0, bytes.length, holder, 'client', found)
  return PropertyList.received(bytes, 0, bytes.length, found)
}

function written(list: PropertyList, secondsLeft?: number): string {
  const target = Buffer.alloc(list.length)
  assert.equal(list.write(target, 0, secondsLeft), target.length)
  return target.toString('hex')
}

const hexOf = (notation: string): string => Buffer.from(bytesOf(notation)).toString('hex')

test('a list is handed on byte by byte, in the order in which it came', () => {
  const notation = '26 "b" "" 03 "t" 26 "a" "1" 01 01 09 0002 0001 08 "r" 26 "b" ""'
  assert.equal(written(listOf(notation)), hexOf(notation))
})

test('the Message Expiry Interval alone is written anew, wherever it stands [5.0 MQTT-3.3.2-6]', () => {
  for (const [before, behind] of [
    ['', ''],
    ['26 "a" "1"', '03 "t"'],
    ['23 0001 26 "a" "1"', ''],
    ['03 "t"', '23 0001'],
  ]) {
    const list = listOf(`${before} 02 0000003c ${behind}`)
    assert.equal(list.messageExpiryInterval, 60)
    assert.equal(written(list, 7), hexOf(`${before} 02 00000007 ${behind}`).replace('230001', ''))
    assert.equal(written(list.copy(), 7), written(list, 7))
  }
})

test('a Topic Alias and a Will Delay Interval concern one hop, and are left out [5.0 U-3.3.2.3.4-1]', () => {
  assert.equal(listOf('23 0005'), noPropertyList)
  assert.equal(listOf('18 00000005', 'WILL'), noPropertyList)
  assert.equal(written(listOf('03 "t" 23 0005 26 "a" "1"')), hexOf('03 "t" 26 "a" "1"'))
  assert.equal(written(listOf('18 00000005 03 "t"', 'WILL')), hexOf('03 "t"'))
})

test('what the host program gives is written once, without what is no message’s own', () => {
  const own = { payloadFormatIndicator: 1, messageExpiryInterval: 60, userProperties: [['a', '1']] } as const
  const list = PropertyList.of({ ...own, topicAlias: 3, subscriptionIdentifiers: [4] })
  assert.equal(written(list, 9), hexOf('01 01 02 00000009 26 "a" "1"'))
  assert.deepEqual(list.decode(), own)
  assert.equal(PropertyList.of({ topicAlias: 3 }), noPropertyList)
  assert.equal(PropertyList.of({}), noPropertyList)
  assert.equal(written(PropertyList.of({ messageExpiryInterval: 60 }), 8), hexOf('02 00000008'))
})

test('listeners that ask one after the other share one object', () => {
  const message = ApplicationMessage.of({
    topicName: 'a',
    payload: Buffer.from('x'),
    qos: 0,
    retain: false,
    properties: { contentType: 't' },
    publisher: '',
    receivedAtMs: 0,
  })
  assert.equal(message.properties, message.properties)
})

/** The message of a PUBLISH whose chunk is used again. */
function received(properties: string, hold: 'keep' | 'own'): ApplicationMessage {
  const list = bytesOf(properties)
  const packet = Buffer.concat([bytesOf('32 00 "a" 0007'), Buffer.from([list.length]), list, Buffer.from('payload')])
  const chunk = Buffer.alloc(65_536)
  const start = 100
  packet.copy(chunk, start)
  const propertiesStart = start + 2 + 3 + 2 + 1
  const found = new FoundProperties()
  checkProperties(chunk, propertiesStart, propertiesStart + list.length, 'PUBLISH', 'client', found)
  const received = PropertyList.received(chunk, propertiesStart, propertiesStart + list.length, found)
  const end = start + packet.length
  const message = new ApplicationMessage('a', 1, false, received, 'p', 0, chunk, propertiesStart + list.length, end)
  message.liesInChunk()
  if (!properties.includes('23')) message.adoptFrame(5, start, start + 5)
  message[hold]()
  chunk.fill(0xee)
  return message
}

for (const hold of ['keep', 'own'] as const) {
  for (const properties of ['03 "t" 02 0000003c 26 "a" "1"', '23 0001 03 "t" 02 0000003c 26 "a" "1"']) {
    test(`properties move with their message out of its chunk: ${hold}, ${properties}`, () => {
      const message = received(properties, hold)
      const expected: Properties = { contentType: 't', messageExpiryInterval: 60, userProperties: [['a', '1']] }
      assert.deepEqual(message.properties, expected)
      assert.equal(message.expiresAtMs, 60_000)
      const { bytes, start, end } = message.frame(5, false, 10_000)
      const frame = Buffer.from(bytes.subarray(start, end))
      assert.equal(frame.toString('hex'), hexOf('30 * "a" {03 "t" 02 00000032 26 "a" "1"} 7061796c6f6164'))
    })
  }
}

test('a message that waits in the Store alone keeps its properties, and not the payload that lay beside them', () => {
  const message = received('03 "t" 26 "a" "1"', 'own')
  const queue = new WaitingQueue(new MemoryAccount('session', '', 0, undefined))
  const delivery = new Delivery(message, 1, false, [], undefined, 1)
  delivery.isStored = true
  message.messageNumber = 9
  queue.push(delivery, true)
  queue.park(1)
  const parked = queue.peek()!
  assert.deepEqual([parked.state, parked.message.isLoaded], [DeliveryState.Waiting, false])
  assert.deepEqual(parked.message.properties, { contentType: 't', userProperties: [['a', '1']] })
  assert.equal(parked.message.propertyList.bytes.buffer.byteLength, parked.message.propertyList.length)
})

test('a PUBLISH of 5.0 reaches others of 5.0 with its property bytes as they were [5.0 MQTT-3.3.2-17] [5.0 MQTT-3.3.2-18]', async () => {
  const broker = await VirtualBroker.start()
  const plain = broker.connect({ clientId: 'plain' })
  const own = broker.connect({ clientId: 'own', properties: { topicAliasMaximum: 3 } })
  plain.subscribe('#')
  own.subscribe('#', 0, {}, { subscriptionIdentifiers: [300] })
  const sensor = broker.connect({ clientId: 'sensor' })
  const travelling = '26 "b" "" 03 "t" 26 "a" "1" 01 01'
  for (const client of [plain, own]) client.bytes = Buffer.alloc(0)
  sensor.sendBytes(bytesOf(`30 * "a" {26 "b" "" 23 0001 03 "t" 26 "a" "1" 01 01} 31`))
  assert.equal(plain.bytes.toString('hex'), hexOf(`30 * "a" {${travelling}} 31`))
  assert.equal(own.bytes.toString('hex'), hexOf(`30 * "a" {${travelling} 0b ac02 23 0001} 31`))
  await broker.close()
})
