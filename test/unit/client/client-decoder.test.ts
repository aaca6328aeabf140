import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClientDecoder } from '../../../src/client/client-decoder.ts'
import { encodePacket } from '../../../src/codec/encode.ts'
import type { QoS } from '../../../src/codec/packet-types.ts'
import { ProtocolError } from '../../../src/codec/protocol-error.ts'
import { publishPacket } from '../../support/publish-packet.ts'

const LIMIT = 100

function publish(topicName: string, qos: QoS, bytes: number): Uint8Array {
  const packetIdentifier = qos === 0 ? 0 : 7
  return encodePacket(publishPacket(topicName, Buffer.alloc(bytes, 0xff), { qos, packetIdentifier }), 4)
}

/** What is returned and what is read past, in their order. */
function read(chunks: readonly Uint8Array[]): readonly (string | number)[] {
  const decoder = new ClientDecoder(4, LIMIT)
  const seen: (string | number)[] = []
  decoder.readPast = (topicName, { qos, packetIdentifier }, size) =>
    seen.push(`${topicName.slice(0, 5)} ${qos} ${packetIdentifier} ${size}`)
  for (const chunk of chunks) {
    decoder.push(chunk)
    while (decoder.next()) seen.push(decoder.end - decoder.start)
    decoder.detach()
    assert.ok(decoder.heldBytes <= 2 * LIMIT, `${decoder.heldBytes} bytes are held`)
  }
  return seen
}

const stream = Buffer.concat([
  publish('a', 1, 10),
  publish('large', 1, 5000),
  publish('b', 0, 20),
  publish('large', 2, 300),
  publish('large', 0, 101),
  publish('x'.repeat(60_000), 1, 100_000),
  publish('c', 1, 10),
])
const sizes = [publish('x'.repeat(60_000), 1, 100_000).length]
const expected = [17, 'large 1 7 5012', 25, 'large 2 7 312', 'large 0 0 110', `xxxxx 1 7 ${sizes[0]}`, 17]

for (const size of [1, 2, 3, 7, 1000, 65_536, stream.length]) {
  test(`messages above the limit are read past in chunks of ${size} bytes, and the rest is returned`, () => {
    const chunks: Uint8Array[] = []
    for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size))
    const seen = read(chunks)
    assert.deepEqual(seen, expected)
  })
}

test('another packet above the limit is refused, and so is a message if nobody reads past it', () => {
  const decoder = new ClientDecoder(4, LIMIT)
  decoder.push(publish('a', 1, 200))
  assert.throws(() => decoder.next(), ProtocolError)
  assert.throws(() => read([Uint8Array.of(0x90, 0xff, 0x01)]), /exceeds the limit of 100 bytes/)
})

test('a message that is read past has to be valid in its beginning', () => {
  const large = Buffer.from(publish('a', 1, 200))
  large[0] = 0x36
  assert.throws(() => read([large]), /QoS 3/)
})
