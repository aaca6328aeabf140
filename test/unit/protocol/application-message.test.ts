import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryAccount } from '../../../src/base/memory-account.ts'
import { noPropertyList } from '../../../src/codec/property-list.ts'
import type { Packet, PublishPacket } from '../../../src/codec/packets.ts'
import type { ProtocolVersion } from '../../../src/codec/packet-types.ts'
import { ApplicationMessage } from '../../../src/protocol/application-message.ts'
import { messageOf, packetsOf } from '../../support/fake-server.ts'

function publishOf(message: ApplicationMessage, version: ProtocolVersion, nowMs = 0): PublishPacket {
  const { bytes, start, end } = message.frame(version, false, nowMs)
  const [packet] = packetsOf(bytes.subarray(start, end), version) as [Packet]
  return packet as PublishPacket
}

test('one frame serves every receiver of a layout, and each layout has its own', () => {
  const message = messageOf()
  assert.equal(message.frame(5, false, 0), message.frame(5, false, 0))
  assert.equal(message.frame(3, true, 0), message.frame(4, true, 0))
  const layouts = [
    message.frame(4, false, 0),
    message.frame(4, true, 0),
    message.frame(5, false, 0),
    message.frame(5, true, 0),
  ]
  assert.equal(new Set(layouts).size, 4)
  assert.deepEqual(
    layouts.map(({ packetIdentifierAt }) => packetIdentifierAt > 0),
    [false, true, false, true],
  )
})

for (const hold of ['keep', 'own'] as const) {
  test(`a message survives its chunk: ${hold} copies payload and adopted frame out`, () => {
    const chunk = Buffer.alloc(65_536)
    chunk.set(Buffer.from('30070003616263', 'hex'), 100)
    chunk.set(Buffer.from('Hi'), 107)
    const message = new ApplicationMessage('abc', 0, false, noPropertyList, '', 0, chunk, 107, 109)
    message.adoptFrame(4, 100, 0)
    message[hold]()
    chunk.fill(0)
    assert.equal(Buffer.from(message.payload).toString(), 'Hi')
    assert.equal(Buffer.from(publishOf(message, 4).payload).toString(), 'Hi')
    assert.equal(Buffer.from(publishOf(message, 5).payload).toString(), 'Hi')
    assert.ok(message.payload.buffer.byteLength < chunk.length)
  })
}

for (const frame of ['3006000361626348', '320800036162630007', '']) {
  for (const payload of ['Hi', '', '\u00e9\u{1f600}', 'x'.repeat(4000), 'x'.repeat(5000)]) {
    test(`a packed message of ${payload.length} characters is what it was before; its frame came as ${frame || 'none'}`, () => {
      const [plain, packed] = [packable(frame, payload), packable(frame, payload)]
      packed.own()
      packed.pack()
      for (const version of [3, 4, 5] as const) {
        for (const withPacketIdentifier of [false, true]) {
          const frameOf = (message: ApplicationMessage): string => {
            const { bytes, start, end } = message.frame(version, withPacketIdentifier, 0)
            return Buffer.from(bytes.subarray(start, end)).toString('hex')
          }
          const expected = frameOf(plain)
          assert.equal(frameOf(packed), expected)
          frameOf(packable(frame, 'another'))
          assert.equal(frameOf(packed), expected)
        }
      }
      assert.equal(packed.text(), payload)
      assert.deepEqual(packed.payload, plain.payload)
      assert.equal(packed.payloadLength, plain.payloadLength)
      assert.equal(packed.size, plain.size)
      assert.ok(packed.isLoaded)
      packed.own()
      packed.keep()
      assert.equal(packed.text(), payload)
    })
  }
}

/** A message in the middle of a chunk. @param head its frame without the payload, in hex; empty for none */
function packable(head: string, payload: string): ApplicationMessage {
  const frame = Buffer.from(head, 'hex')
  const chunk = Buffer.concat([Buffer.alloc(100), frame, Buffer.from(payload), Buffer.alloc(50)])
  const [start, end] = [100 + frame.length, chunk.length - 50]
  const message = new ApplicationMessage(
    'abc',
    head.startsWith('32') ? 1 : 0,
    false,
    noPropertyList,
    '',
    0,
    chunk,
    start,
    end,
  )
  message.liesInChunk()
  if (head !== '') message.adoptFrame(4, 100, head.startsWith('32') ? start - 2 : 0)
  return message
}

test('what waits long leaves the arena for memory of its own size', () => {
  const chunk = Buffer.alloc(65_536, 'x')
  const message = new ApplicationMessage('abc', 0, false, noPropertyList, '', 0, chunk, 107, 207)
  message.keep()
  message.own()
  assert.equal(message.payload.buffer.byteLength, 100)
  assert.equal(Buffer.from(message.payload).toString(), 'x'.repeat(100))
})

test('a Packet Identifier is found in the frame wherever the message moved', () => {
  const chunk = Buffer.alloc(4096)
  chunk.set(Buffer.from('320600016100074869', 'hex'), 10)
  const message = new ApplicationMessage('a', 1, false, noPropertyList, '', 0, chunk, 17, 18)
  message.adoptFrame(4, 10, 15)
  for (const move of [() => {}, () => message.keep(), () => message.own()]) {
    move()
    const { bytes, packetIdentifierAt } = message.frame(4, true, 0)
    assert.deepEqual([...bytes.subarray(packetIdentifierAt, packetIdentifierAt + 2)], [0, 7])
  }
})

test('Message Expiry Interval is counted down by whole seconds [5.0 MQTT-3.3.2-6]', () => {
  const message = messageOf({ properties: { messageExpiryInterval: 10 }, receivedAtMs: 1000 })
  const left = (nowMs: number) => publishOf(message, 5, nowMs).properties.messageExpiryInterval
  assert.deepEqual([left(1000), left(1999), left(2000), left(10_999), left(4000)], [10, 10, 9, 1, 7])
})

test('a message is expired when its interval has passed, not before [5.0 MQTT-3.3.2-5]', () => {
  const message = messageOf({ properties: { messageExpiryInterval: 2 }, receivedAtMs: 1000 })
  assert.equal(message.isExpired(2999), false)
  assert.equal(message.isExpired(3000), true)
  assert.equal(messageOf().isExpired(Number.MAX_SAFE_INTEGER), false)
})

test('properties travel to 5.0 only, and the host finds the topic under its short name', () => {
  const message = messageOf({ properties: { contentType: 'text/plain' } })
  assert.deepEqual(publishOf(message, 5).properties, { contentType: 'text/plain' })
  assert.deepEqual(publishOf(message, 4).properties, {})
  assert.equal(message.topic, 'a/b')
})

test('the size of a message counts its topic, its payload, its properties and what an object costs', () => {
  const empty = messageOf({ topicName: 'a', payload: Buffer.alloc(0) }).size
  assert.equal(messageOf({ topicName: 'a', payload: Buffer.alloc(1000) }).size, empty + 1000)
  assert.equal(messageOf({ topicName: 'aaaa', payload: Buffer.alloc(0) }).size, empty + 3 * 2)
  const userProperties = Array.from({ length: 100 }, () => ['', ''] as const)
  const withProperties = messageOf({ topicName: 'a', payload: Buffer.alloc(0), properties: { userProperties } })
  assert.ok(withProperties.size >= empty + 100 * 5)
})

test('what is left to the Store is the same message without a payload, and cannot be sent before it has one again', () => {
  const message = messageOf({ topicName: 'a', payload: Buffer.from('held') })
  const inStore = ApplicationMessage.stored(message, 7, message.payloadLength)
  assert.deepEqual([inStore.isLoaded, inStore.messageNumber, inStore.fullSize], [false, 7, message.size])
  assert.equal(inStore.size, message.size - 'held'.length)
  assert.throws(() => inStore.frame(5, true, 0), { code: 'ERR_INVARIANT' })
  assert.throws(() => inStore.payload, { code: 'ERR_INVARIANT' })
  inStore.load(Uint8Array.from(Buffer.from('held')))
  assert.ok(Buffer.isBuffer(inStore.payload), 'a Buffer, also of what a Store gave back')
  assert.deepEqual(publishOf(inStore, 5), publishOf(message, 5))
})

/** As a received PUBLISH of that many bytes, in the chunk that it came in. */
function received(bytes: number): ApplicationMessage {
  const chunk = Buffer.alloc(65_536, 'x')
  const message = new ApplicationMessage('abc', 1, false, noPropertyList, '', 0, chunk, 0, bytes)
  message.liesInChunk()
  return message
}

test('what is held for long does not keep the block of the arena in which it was kept at first', () => {
  const held = received(100)
  held.keep()
  held.holders = 1
  const block = held.payload.buffer
  assert.ok(block.byteLength > 1000)
  for (let count = 0; count < 3000; count++) received(1000).keep()
  assert.notEqual(held.payload.buffer, block)
  assert.equal(held.payload.buffer.byteLength, 100)
  assert.equal(Buffer.from(held.payload).toString(), 'x'.repeat(100))
})

test('what nobody holds any longer is not moved', () => {
  const over = received(100)
  over.keep()
  const { buffer } = over.payload
  const account = new MemoryAccount('session', '', 0, undefined)
  account.hold(over, 0)
  account.release(over, 0)
  for (let count = 0; count < 3000; count++) received(1000).keep()
  assert.equal(over.payload.buffer, buffer)
})

test('a large message is kept in memory of its own, and so is one that is empty', () => {
  for (const bytes of [0, 5000, 20_000]) {
    const message = received(bytes)
    message.keep()
    assert.equal(message.payload.buffer.byteLength, bytes)
  }
})

test('a payload that the Store read together with others does not keep their memory', () => {
  const read = Buffer.alloc(4_000_000, 'y')
  for (const bytes of [10, 10_000]) {
    const message = ApplicationMessage.stored(messageOf({ topicName: 'a', payload: Buffer.alloc(bytes) }), 7, bytes)
    message.load(read.subarray(5000, 5000 + bytes))
    assert.ok(message.payload.buffer.byteLength < 20_000, `${message.payload.buffer.byteLength} bytes`)
    assert.equal(Buffer.from(message.payload).toString(), 'y'.repeat(bytes))
  }
})

test('frames of other layouts are forgotten once enough others were made, and made again when they are needed', () => {
  const message = messageOf({ payload: Buffer.alloc(300_000, 'z') })
  const first = message.frame(5, false, 0)
  for (let count = 0; count < 5; count++) messageOf({ payload: Buffer.alloc(300_000) }).frame(5, true, 0)
  assert.notEqual(message.frame(5, false, 0), first)
  assert.deepEqual(message.frame(5, false, 0), first)
})
