import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../../../src/codec/packet-types.ts'
import { FlightRecord, type RecordRoom } from '../../../../src/reporting/recorder/flight-record.ts'
import { RecordKind } from '../../../../src/reporting/recorder/record-kind.ts'
import { RecordPages } from '../../../../src/reporting/recorder/record-pages.ts'

const PUBLISH = (PacketType.PUBLISH << 4) | 0b0010
const PUBACK = PacketType.PUBACK << 4

class Room implements RecordRoom {
  readonly pages = new RecordPages()
  isRecording = true
  readonly payloadBytes = 0
  nowMs = 0
  /** How often an entry was about to become a row. */
  questions = 0
  /** The most bytes that it may take. */
  share = 100_000

  get isOn(): boolean {
    this.questions++
    return this.isRecording
  }

  now(): number {
    return this.nowMs
  }

  mayGrow(record: FlightRecord): boolean {
    return record.bytes < this.share
  }

  shareOf(): number {
    return this.share
  }

  hasRoomFor(): boolean {
    return true
  }

  lost(): void {}
}

function linesOf(record: FlightRecord): string[] {
  return [...record.entries()].map(({ kind, firstByte, packetIdentifier, count, bytes, subject, atMs, untilMs }) =>
    [kind, firstByte >> 4, packetIdentifier, `${count}x`, bytes, subject ?? '-', `${atMs}-${untilMs}`].join(' '),
  )
}

test('a message of QoS 1 that repeats itself is counted, and makes no row', () => {
  const room = new Room()
  const [meter, reader] = [new FlightRecord('meter', room), new FlightRecord('reader', room)]
  for (let identifier = 1; identifier <= 100; identifier++) {
    meter.received(PUBLISH, identifier, 10, 0, 'a')
    reader.sent(PUBLISH, identifier, 10, 0, 'a')
    meter.sent(PUBACK, identifier, 4, 0, undefined)
    reader.received(PUBACK, identifier, 4, 0, undefined)
  }
  assert.equal(room.questions, 4, 'once for each type of packet and direction')
  assert.deepEqual(linesOf(meter), ['1 3 100 100x 1000 a 0-0', '2 4 100 100x 400 - 0-0'])
  assert.deepEqual(linesOf(reader), ['2 3 100 100x 1000 a 0-0', '1 4 100 100x 400 - 0-0'])
})

test('what was counted becomes rows in the order in which it began, before the decision that follows', () => {
  const record = new FlightRecord('meter', new Room())
  record.sent(PUBLISH, 7, 10, 0, 'x')
  record.received(PUBLISH, 1, 10, 0, 'a')
  record.sent(PUBACK, 1, 4, 0, undefined)
  record.received(PUBLISH, 2, 10, 0, 'b')
  record.sent(PUBACK, 2, 4, 0, undefined)
  record.note(RecordKind.Disconnected, 0, 'network error')
  assert.deepEqual(linesOf(record), [
    '2 3 7 1x 10 x 0-0',
    '1 3 1 1x 10 a 0-0',
    '2 4 2 2x 8 - 0-0',
    '1 3 2 1x 10 b 0-0',
    '6 0 0 1x 0 network error 0-0',
  ])
})

test('each row has the time of its packets, not of the moment at which it was made', () => {
  const room = new Room()
  const record = new FlightRecord('meter', room)
  record.received(PUBLISH, 1, 10, 0, 'a')
  room.nowMs = 400
  record.received(PUBLISH, 2, 10, 0, 'a')
  room.nowMs = 5000
  assert.equal(record.newestMs, 400)
  record.received(PUBLISH, 3, 10, 0, 'a')
  room.nowMs = 9000
  assert.deepEqual(linesOf(record), ['1 3 2 2x 20 a 0-400', '1 3 3 1x 10 a 5000-5000'])
})

test('another Reason Code, DUP or an empty payload begins another row', () => {
  const record = new FlightRecord('meter', new Room())
  record.received(PUBLISH, 1, 10, 0, 'a')
  record.received(PUBLISH | 0b1000, 1, 10, 0, 'a')
  record.received(PUBLISH | 0b0001, 2, 10, 0, 'a')
  record.received(PUBLISH | 0b0001, 3, 0, 0, 'a')
  record.sent(PUBACK, 1, 4, 0, undefined)
  record.sent(PUBACK, 2, 4, 0x97, undefined)
  assert.deepEqual(
    [...record.entries()].map(({ firstByte, bytes, code }) => [firstByte & 0xf, bytes, code]),
    [
      [2, 10, 0],
      [10, 10, 0],
      [3, 10, 0],
      [3, 0, 0],
      [0, 4, 0],
      [0, 4, 0x97],
    ],
  )
})

test('a Topic Name longer than the record keeps is not counted, so that nothing holds on to it', () => {
  const room = new Room()
  const record = new FlightRecord('meter', room)
  record.received(PUBLISH, 1, 10, 0, 'x'.repeat(60_000))
  record.received(PUBLISH, 2, 10, 0, 'x'.repeat(60_000))
  assert.ok(record.bytes > 576, 'it is charged with a page and a text')
  assert.equal([...record.entries()][0]!.subject!.length, 257)
  assert.equal([...record.entries()][0]!.count, 2)
})

test('what was counted is lost with everything else, and nothing is counted while the recorder is off', () => {
  const room = new Room()
  const record = new FlightRecord('meter', room)
  record.received(PUBLISH, 1, 10, 0, 'a')
  record.clear()
  assert.deepEqual(linesOf(record), [])
  room.isRecording = false
  record.received(PUBLISH, 2, 10, 0, 'a')
  room.isRecording = true
  assert.deepEqual(linesOf(record), [])
  record.received(PUBLISH, 3, 10, 0, 'a')
  assert.deepEqual(linesOf(record), ['1 3 3 1x 10 a 0-0'])
})

test('a Client that is gone keeps its rows, and no counters', () => {
  const record = new FlightRecord('meter', new Room())
  record.received(PUBLISH, 1, 10, 0, 'a')
  record.rest()
  assert.deepEqual(linesOf(record), ['1 3 1 1x 10 a 0-0'])
  record.received(PUBLISH, 2, 10, 0, 'a')
  assert.deepEqual(linesOf(record), ['1 3 2 2x 20 a 0-0'])
})
