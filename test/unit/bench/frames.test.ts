import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generate as encode, parser } from 'mqtt-packet'
import {
  connectPacket,
  publishBatch,
  renew,
  stampSlice,
  subscribePacket,
  unsubscribePacket,
  variableByteInteger,
  type Batch,
} from '../../../src/bench/driver/frames.ts'

function decode(bytes: Buffer, version: 4 | 5): object[] {
  const packets: object[] = []
  const decoder = parser({ protocolVersion: version })
  decoder.on('packet', (packet: object) => packets.push(packet))
  decoder.on('error', (error: Error) => {
    throw error
  })
  decoder.parse(bytes)
  return packets
}

function batch(version: 4 | 5, qos: 0 | 1 | 2, framesPerSlice = 3): Batch {
  return publishBatch({ version, qos, payloadBytes: 150, topicNames: ['a/1', 'a/2'], framesPerSlice })
}

test('a Variable Byte Integer has the bytes of the table in §1.5.5', () => {
  assert.deepEqual([0, 127, 128, 16_383, 16_384, 268_435_455].map(variableByteInteger), [
    [0],
    [127],
    [0x80, 1],
    [0xff, 0x7f],
    [0x80, 0x80, 1],
    [0xff, 0xff, 0xff, 0x7f],
  ])
})

test('CONNECT, SUBSCRIBE and UNSUBSCRIBE are what another encoder makes of the same fields', () => {
  assert.deepEqual(
    connectPacket({ version: 5, clientId: 'c', userName: 'name', password: 'secret', cleanStart: true }),
    encode({
      cmd: 'connect',
      protocolVersion: 5,
      clientId: 'c',
      username: 'name',
      password: Buffer.from('secret'),
      keepalive: 0,
      clean: true,
    }),
  )
  assert.deepEqual(
    subscribePacket(4, 258, ['a/#', 'b'], 1),
    encode({
      cmd: 'subscribe',
      messageId: 258,
      subscriptions: [
        { topic: 'a/#', qos: 1 },
        { topic: 'b', qos: 1 },
      ],
    }),
  )
  assert.deepEqual(
    unsubscribePacket(4, 258, ['a/#', 'b']),
    encode({ cmd: 'unsubscribe', messageId: 258, unsubscriptions: ['a/#', 'b'] }),
  )
})

for (const version of [4, 5] as const) {
  for (const qos of [0, 1, 2] as const) {
    test(`a slice at QoS ${qos} of protocol ${version} decodes to its messages`, () => {
      const { slices, layout } = batch(version, qos)
      const last = stampSlice(slices[0]!, layout, 1234.5, 0xfffe)
      const packets = decode(slices[0]!.bytes, version) as {
        topic: string
        qos: number
        messageId?: number
        payload: Buffer
      }[]
      assert.deepEqual(
        packets.map((packet) => packet.topic),
        ['a/1', 'a/2', 'a/1'],
      )
      assert.deepEqual(
        packets.map((packet) => packet.messageId),
        qos === 0 ? [undefined, undefined, undefined] : [0xffff, 1, 2],
      )
      assert.deepEqual(
        packets.map((packet) => packet.payload.readDoubleBE(0)),
        [1234.5, 1234.5, 1234.5],
      )
      assert.equal(last, qos === 0 ? 0xfffe : 2)
    })
  }
}

test('each slice carries its prefix, which stamping leaves alone', () => {
  const { slices, layout } = publishBatch({
    version: 4,
    qos: 0,
    payloadBytes: 8,
    topicNames: ['a', 'b', 'c', 'd'],
    framesPerSlice: 2,
    prefix: (bytes) => Uint8Array.of(bytes, 77),
  })
  assert.equal(slices.length, 2)
  stampSlice(slices[1]!, layout, 1, 0)
  assert.deepEqual([...slices[1]!.bytes.subarray(0, 2)], [2 * layout.frameBytes, 77])
})

test('a renewed slice no longer shares memory with what a write may hold', () => {
  const { slices, layout } = batch(4, 0)
  const slice = slices[0]!
  const held = slice.bytes
  const before = Buffer.from(held)
  renew(slice)
  stampSlice(slice, layout, 99, 0)
  assert.deepEqual(held, before)
  assert.notDeepEqual(slice.bytes, before)
})

test('Topic Names of different lengths and payloads without room for a stamp are refused', () => {
  const shape = { version: 4, qos: 0, payloadBytes: 8, framesPerSlice: 2 } as const
  assert.throws(() => publishBatch({ ...shape, topicNames: ['a', 'bb'] }), RangeError)
  assert.throws(() => publishBatch({ ...shape, topicNames: ['a'], payloadBytes: 7 }), RangeError)
})
