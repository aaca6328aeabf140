/** What a WebSocket holds back is counted from the bytes below it, however they are cut. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FrameWatch } from '../../../src/listeners/frame-watch.ts'
import { TURN_UNITS } from '../../../src/base/work.ts'
import { TestConnection } from '../../support/fake-server.ts'
import fc from '../../support/property.ts'

const PIECE = 300

interface Frame {
  readonly opcode: number
  readonly isLast: boolean
  readonly payload: number
  readonly isMasked: boolean
}

function bytesOf({ opcode, isLast, payload, isMasked }: Frame): Buffer {
  const length = payload < 126 ? [payload] : payload < 65_536 ? [126, payload >> 8, payload & 0xff] : [127, 0, 0, 0, 0]
  if (payload >= 65_536) length.push(payload >>> 24, (payload >> 16) & 0xff, (payload >> 8) & 0xff, payload & 0xff)
  length[0]! |= isMasked ? 0x80 : 0
  return Buffer.concat([
    Buffer.from([opcode | (isLast ? 0x80 : 0), ...length]),
    Buffer.alloc(isMasked ? 4 : 0, 0xff),
    Buffer.alloc(payload, 0xff),
  ])
}

const frame: fc.Arbitrary<Frame> = fc.oneof(
  { weight: 5, arbitrary: data(fc.constantFrom(0, 2)) },
  {
    weight: 1,
    arbitrary: data(fc.constantFrom(8, 9, 10)).map((one) => ({ ...one, isLast: true, payload: one.payload % 126 })),
  },
)

function data(opcode: fc.Arbitrary<number>): fc.Arbitrary<Frame> {
  const payload = fc.oneof({ weight: 9, arbitrary: fc.nat(300) }, fc.constantFrom(125, 126, 65_535, 65_536))
  return fc.record({ opcode, isLast: fc.boolean(), payload, isMasked: fc.boolean() })
}

/**
 * Counted anew from all bytes so far: those of the message at hand, and a piece for each fragment and each cut in a
 * frame.
 */
function expected(frames: readonly Frame[], cuts: readonly number[], end: number): number {
  let message = 0
  let at = 0
  for (const one of frames) {
    const size = bytesOf(one).length
    const cutsInside = cuts.filter((cut) => cut > at && cut < at + size && cut <= end).length
    if (at + size > end) return end > at ? message + (end - at) + cutsInside * PIECE : message
    if (one.opcode < 8) message = one.isLast ? 0 : message + size + (1 + cutsInside) * PIECE
    at += size
  }
  return message
}

test('at each chunk, whatever the frames and wherever they are cut', () => {
  const cut = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 10 })
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 8 }), cut, (frames, places) => {
      const bytes = Buffer.concat(frames.map(bytesOf))
      const all = new Set([...places.map((place) => Math.floor(place * bytes.length)), bytes.length])
      const cuts = [...all].filter((at) => at > 0).toSorted((one, other) => one - other)
      const watch = new FrameWatch()
      let start = 0
      for (const end of cuts) {
        watch.push(bytes.subarray(start, end))
        assert.equal(watch.heldBytes, expected(frames, cuts, end))
        start = end
      }
    }),
    { numRuns: 1000 },
  )
})

test('tiny fragments count with what each of them costs', () => {
  const watch = new FrameWatch()
  const first = bytesOf({ opcode: 2, isLast: false, payload: 1, isMasked: true })
  const next = bytesOf({ opcode: 0, isLast: false, payload: 1, isMasked: true })
  watch.push(Buffer.concat([first, ...Array.from({ length: 999 }, () => next)]))
  assert.equal(watch.heldBytes, 1000 * (7 + PIECE))
  watch.push(bytesOf({ opcode: 0, isLast: true, payload: 0, isMasked: true }))
  assert.equal(watch.heldBytes, 0)
})

test('a Client that only pings holds nothing, one byte at a time or not', () => {
  const watch = new FrameWatch()
  const ping = bytesOf({ opcode: 9, isLast: true, payload: 10, isMasked: true })
  for (let count = 0; count < 100; count++) for (const byte of ping) watch.push(Uint8Array.of(byte))
  assert.equal(watch.heldBytes, 0)
})

test('frames are counted where they end', () => {
  const watch = new FrameWatch()
  const frame = bytesOf({ opcode: 2, isLast: true, payload: 10, isMasked: true })
  assert.equal(watch.push(Buffer.concat([frame, frame, frame.subarray(0, 5)])), 2)
  assert.equal(watch.push(frame.subarray(5, 7)), 0)
  assert.equal(watch.push(frame.subarray(7)), 1)
})

test('work of the Transport is done at turns of its Connection, and counted', () => {
  const { connection, server } = TestConnection.connected(4)
  const { work } = server.turn
  let steps = 0
  let most = 0
  connection.atTurn(() => {
    most = Math.max(most, work.units)
    return steps++ < 500 ? 1000 : 0
  })
  assert.equal(steps, 0)
  server.turn.end()
  assert.equal(steps, 501)
  assert.ok(most <= TURN_UNITS, `${most} units in one turn`)
})

test('what the Transport holds is charged, is a sign of life, and has to get on', () => {
  const one = TestConnection.connected(4)
  const { connection, server } = one
  connection.arriving(5000)
  assert.equal(server.heldBytes, 5000)
  assert.equal(connection.deadlineMs, server.turn.now() + 30_000 + 50_000)
  one.sendBytes(Uint8Array.of(0xc0, 0))
  assert.equal(server.heldBytes, 0)
  connection.arriving(0)
  connection.arriving(100)
  assert.equal(server.heldBytes, 100)
  connection.lost()
  assert.equal(server.heldBytes, 0)
})
