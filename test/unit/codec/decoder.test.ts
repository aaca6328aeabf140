import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Decoder, maxControlPacketBytes } from '../../../src/codec/decoder.ts'
import { frame, refusalOf } from './packet-bytes.ts'
import { assertBelow, bufferBytes } from '../../support/measurement.ts'
import fc from '../../support/property.ts'

/** All whole packets that are at hand, as copies. */
function take(decoder: Decoder): Uint8Array[] {
  const packets: Uint8Array[] = []
  while (decoder.next()) {
    assert.equal(decoder.firstByte, decoder.bytes[decoder.start])
    packets.push(Uint8Array.from(decoder.bytes.subarray(decoder.start, decoder.end)))
  }
  return packets
}

const ping = frame(0xc0, [])
const publish = frame(0x30, [0, 1, 0x61, ...new Uint8Array(300).fill(7)])

test('packets that lie whole in the chunk are handed out where they lie', () => {
  const chunk = Uint8Array.from([...ping, ...publish, ...ping])
  const decoder = new Decoder()
  decoder.push(chunk)
  assert.equal(decoder.next(), true)
  assert.equal(decoder.next(), true)
  assert.equal(decoder.bytes, chunk)
  assert.deepEqual([decoder.start, decoder.bodyStart, decoder.end], [2, 5, 2 + publish.length])
  assert.equal(decoder.next(), true)
  assert.equal(decoder.next(), false)
  assert.equal(decoder.bufferedBytes, 0)
})

test('one byte at a time gives the same packets', () => {
  const decoder = new Decoder()
  const packets: Uint8Array[] = []
  for (const byte of [...ping, ...publish, ...publish, ...ping]) {
    decoder.push(Uint8Array.of(byte))
    packets.push(...take(decoder))
  }
  assert.deepEqual(packets, [ping, publish, publish, ping])
  assert.equal(decoder.bufferedBytes, 0)
})

test('however the stream is cut, stopped and detached, the packets are the same', () => {
  const packet = fc
    .tuple(fc.integer({ min: 0x10, max: 0xff }), fc.uint8Array({ maxLength: 200 }))
    .map(([firstByte, body]) => frame(firstByte, body))
  const step = fc.record({
    length: fc.integer({ min: 1, max: 150 }),
    takes: fc.integer({ min: 0, max: 5 }),
    detach: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 12 }), fc.array(step, { minLength: 1 }), (packets, steps) => {
      const stream = Buffer.concat(packets)
      const decoder = new Decoder()
      const found: Uint8Array[] = []
      const takeOne = (): boolean => {
        const more = decoder.next()
        if (!more) return false
        const one = Uint8Array.from(decoder.bytes.subarray(decoder.start, decoder.end))
        assert.equal(decoder.bodyStart - decoder.start, one[1]! < 0x80 ? 2 : 3)
        found.push(one)
        return true
      }
      let sent = 0
      for (let turn = 0; sent < stream.length; turn++) {
        const { length, takes, detach } = steps[turn % steps.length]!
        const chunk = Uint8Array.from(stream.subarray(sent, sent + length))
        sent += chunk.length
        decoder.push(chunk)
        for (let count = 0; count < takes && takeOne(); count++);
        if (detach) {
          decoder.detach()
          chunk.fill(0) // the pump uses the memory for other bytes
        }
        assert.equal(decoder.bufferedBytes, sent - found.reduce((sum, each) => sum + each.length, 0))
      }
      while (takeOne());
      assert.deepEqual(found, packets)
      assert.equal(decoder.bufferedBytes, 0)
    }),
  )
})

test('a Connection may stop in the middle of a chunk and go on after the next has come', () => {
  const decoder = new Decoder()
  decoder.push(Uint8Array.from([...ping, ...publish, ...ping]))
  assert.equal(decoder.next(), true)
  decoder.push(publish.subarray(0, 100))
  decoder.push(publish.subarray(100))
  assert.deepEqual(take(decoder), [publish, ping, publish])
})

test('nothing of a consumed chunk is kept', () => {
  const chunk = Uint8Array.from([...ping, ...publish.subarray(0, 50)])
  const decoder = new Decoder()
  decoder.push(chunk)
  assert.deepEqual(take(decoder), [ping])
  assert.notEqual(decoder.bytes, chunk)
  chunk.fill(0)
  decoder.push(publish.subarray(50))
  assert.deepEqual(take(decoder), [publish])
  decoder.detach()
  assert.equal(decoder.bytes.length, 0)
})

test('a header that announces the largest packet reserves next to nothing', async () => {
  const announce = (): void => {
    const decoders = Array.from({ length: 100 }, () => {
      const decoder = new Decoder()
      decoder.push(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1))
      assert.equal(decoder.next(), false)
      return decoder
    })
    assert.equal(
      decoders.reduce((sum, decoder) => sum + decoder.bufferedBytes, 0),
      700,
    )
  }
  await assertBelow(1_000_000, 'bytes of buffers', () => bufferBytes(announce))
})

test('a large packet in small chunks is put together', () => {
  const body = new Uint8Array(1_000_000).map((_, index) => index * 7)
  const packet = Buffer.concat([Uint8Array.of(0x30, 0xc0, 0x84, 0x3d), body])
  const decoder = new Decoder()
  for (let at = 0; at < packet.length; at += 100) {
    assert.equal(decoder.next(), false)
    decoder.push(packet.subarray(at, at + 100))
    if (at + 100 < packet.length) assert.equal(decoder.next(), false)
  }
  assert.equal(decoder.next(), true)
  assert.ok(packet.equals(decoder.bytes.subarray(decoder.start, decoder.end)))
})

test('a packet above the limit is refused as soon as its header is there [5.0 MQTT-3.2.2-15]', () => {
  const decoder = new Decoder(100)
  decoder.push(frame(0x30, new Uint8Array(98)))
  assert.equal(decoder.next(), true)
  decoder.maxPacketSize = 99
  decoder.push(frame(0x30, new Uint8Array(97)))
  assert.equal(decoder.next(), true)
  decoder.push(Uint8Array.of(0x30, 98))
  assert.equal(
    refusalOf(() => decoder.next()),
    0x95,
  )
  assert.equal(new Decoder().maxPacketSize, maxControlPacketBytes)
})

test('the limit also meets a header that comes in two pieces', () => {
  const decoder = new Decoder(1000)
  decoder.push(Uint8Array.of(0x30, 0x80))
  assert.equal(decoder.next(), false)
  decoder.push(Uint8Array.of(0x10))
  assert.equal(
    refusalOf(() => decoder.next()),
    0x95,
  )
})

test('type 0 is malformed as soon as it is seen, whatever its flags', () => {
  for (let firstByte = 0; firstByte < 0x10; firstByte++) {
    const decoder = new Decoder()
    decoder.push(Uint8Array.of(firstByte))
    assert.equal(
      refusalOf(() => decoder.next()),
      0x81,
    )
  }
})

test('a Remaining Length of five bytes is malformed [5.0 MQTT-1.5.5-1]', () => {
  const decoder = new Decoder()
  decoder.push(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0xff))
  assert.equal(
    refusalOf(() => decoder.next()),
    0x81,
  )
})

test('a needless length byte is malformed once 5.0 is spoken, and passes before [5.0 MQTT-1.5.5-1]', () => {
  const decoder = new Decoder()
  decoder.push(Uint8Array.of(0xc0, 0x80, 0x00))
  assert.equal(decoder.next(), true)
  assert.deepEqual([decoder.bodyStart, decoder.end], [3, 3])
  decoder.shortestLengths = true
  decoder.push(Uint8Array.of(0xc0, 0x80, 0x00))
  assert.equal(
    refusalOf(() => decoder.next()),
    0x81,
  )
})

test('memory that held many waiting packets shrinks to what is left of them', () => {
  const decoder = new Decoder()
  decoder.push(Buffer.concat([...Array<Uint8Array>(200).fill(publish), publish.subarray(0, 10)]))
  decoder.detach()
  assert.equal(take(decoder).length, 200)
  decoder.detach()
  decoder.push(publish.subarray(10, 11))
  decoder.push(publish.subarray(11))
  assert.equal(decoder.next(), true)
  assert.ok(decoder.bytes.length <= 2 * publish.length, `${decoder.bytes.length} bytes are held`)
})

test('release forgets everything', () => {
  const decoder = new Decoder()
  decoder.push(publish.subarray(0, 50))
  assert.equal(decoder.next(), false)
  decoder.push(publish.subarray(50, 60))
  assert.equal(decoder.bufferedBytes, 60)
  decoder.release()
  assert.equal(decoder.bufferedBytes, 0)
  decoder.push(ping)
  assert.deepEqual(take(decoder), [ping])
})
