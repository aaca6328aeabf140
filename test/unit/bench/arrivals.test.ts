import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AcknowledgedFrames, FixedFrames, UnexpectedBytesError } from '../../../src/bench/driver/arrivals.ts'
import { publishBatch, stampSlice, type Batch } from '../../../src/bench/driver/frames.ts'

const FRAMES = 7

function batch(qos: 0 | 1 | 2, payloadBytes = 20): Batch {
  const made = publishBatch({ version: 4, qos, payloadBytes, topicNames: ['bench/0'], framesPerSlice: FRAMES })
  stampSlice(made.slices[0]!, made.layout, 42.25, 0)
  return made
}

/** Hands `bytes` over in chunks of `size`, at another offset each time, as a shared read buffer would. */
function inChunks(
  bytes: Uint8Array,
  size: number,
  take: (chunk: Uint8Array, start: number, end: number) => void,
): void {
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size)
    const chunk = new Uint8Array(part.length + 3)
    chunk.set(part, 3)
    take(chunk, 3, chunk.length)
  }
}

test('QoS 0 frames are counted whatever the chunks, and every whole stamp is right', () => {
  for (const payloadBytes of [8, 20, 300]) {
    const { layout, slices } = batch(0, payloadBytes)
    for (let size = 1; size <= slices[0]!.bytes.length; size++) {
      const frames = new FixedFrames(layout)
      let counted = 0
      inChunks(slices[0]!.bytes, size, (chunk, start, end) => {
        const completed = frames.take(chunk, start, end)
        counted += completed
        if (completed > 0) assert.ok(Number.isNaN(frames.stamp) || frames.stamp === 42.25, `stamp ${frames.stamp}`)
      })
      assert.equal(counted, FRAMES)
      assert.equal(frames.partialBytes, 0)
    }
  }
})

test('a stamp in a chunk before the end of its frame is remembered', () => {
  const { layout, slices } = batch(0, 300)
  const frames = new FixedFrames(layout)
  const bytes = slices[0]!.bytes
  assert.equal(frames.take(bytes, 0, 100), 0)
  assert.equal(frames.take(bytes, 100, 200), 0)
  assert.equal(frames.take(bytes, 200, layout.frameBytes), 1)
  assert.equal(frames.stamp, 42.25)
})

test('anything but the expected QoS 0 frame is noticed', () => {
  const { layout, slices } = batch(0)
  const frames = new FixedFrames(layout)
  frames.take(slices[0]!.bytes, 0, 10)
  const rest = Buffer.concat([slices[0]!.bytes.subarray(10, layout.frameBytes), Buffer.from([0xd0, 0])])
  assert.throws(() => frames.take(rest, 0, rest.length), UnexpectedBytesError)
})

for (const [qos, answer] of [
  [1, 0x40],
  [2, 0x50],
] as const) {
  test(`each QoS ${qos} message is answered once, whatever the chunks`, () => {
    const { layout, slices } = batch(qos)
    for (let size = 1; size <= slices[0]!.bytes.length; size++) {
      const room = { bytes: Buffer.alloc(1000) }
      const frames = new AcknowledgedFrames(layout, room)
      const replies: Buffer[] = []
      let messages = 0
      inChunks(slices[0]!.bytes, size, (chunk, start, end) => {
        frames.take(chunk, start, end)
        messages += frames.messages
        if (frames.messages > 0) assert.equal(frames.stamp, 42.25)
        replies.push(Buffer.from(room.bytes.subarray(0, frames.repliesBytes)))
      })
      assert.equal(messages, FRAMES)
      const expected = Array.from({ length: FRAMES }, (_, index) => [answer, 2, 0, index + 1]).flat()
      assert.deepEqual([...Buffer.concat(replies)], expected)
    }
  })
}

test('acknowledgements of both forms drive an exchange on and end it', () => {
  const room = { bytes: Buffer.alloc(100) }
  const frames = new AcknowledgedFrames(batch(2).layout, room)
  const stream = Uint8Array.of(
    0x50,
    2,
    0,
    9,
    0x50,
    4,
    0,
    10,
    0,
    0,
    0x62,
    2,
    0,
    11,
    0x70,
    2,
    0,
    12,
    0x40,
    3,
    0,
    13,
    0x10,
  )
  for (const size of [1, 3, stream.length]) {
    let finished = 0
    const replies: number[] = []
    inChunks(stream, size, (chunk, start, end) => {
      frames.take(chunk, start, end)
      finished += frames.finished
      replies.push(...room.bytes.subarray(0, frames.repliesBytes))
    })
    assert.equal(finished, 2)
    assert.deepEqual(replies, [0x62, 2, 0, 9, 0x62, 2, 0, 10, 0x70, 2, 0, 11])
  }
})

test('an acknowledgement that reports a failure, and a DISCONNECT, end the run', () => {
  const frames = new AcknowledgedFrames(batch(1).layout, { bytes: Buffer.alloc(100) })
  assert.throws(() => frames.take(Uint8Array.of(0x40, 3, 0, 1, 0x97), 0, 5), UnexpectedBytesError)
  assert.throws(() => frames.take(Uint8Array.of(0xe0, 2, 0x8e, 0), 0, 4), UnexpectedBytesError)
})

test('a SUBACK amid a replay is counted apart', () => {
  const { layout, slices } = batch(0)
  const frames = new AcknowledgedFrames(layout, { bytes: Buffer.alloc(0) })
  const bytes = Buffer.concat([slices[0]!.bytes, Buffer.from([0x90, 3, 0, 1, 0])])
  frames.take(bytes, 0, bytes.length)
  assert.deepEqual([frames.messages, frames.others], [FRAMES, 1])
})
