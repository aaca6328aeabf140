import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { decodeHeader, encodeHeader, headerBytes } from '../../../src/stores/frame.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { findSalt, saltOf } from '../../../src/stores/salt.ts'
import { SeededRandom } from '../../../src/testing/random.ts'
import { RandomTurns } from '../../../src/testing/random-turns.ts'
import { StoreModel } from '../../../src/testing/store-model.ts'
import { memoryStore } from '../../contract/store-beds.ts'

test('what a checksum began with follows from what it was made of', () => {
  const random = new SeededRandom(3)
  for (let round = 0; round < 500; round++) {
    const bytes = Uint8Array.from({ length: random.integer(60) }, () => random.integer(256))
    const salt = Math.floor(random.next() * 2 ** 32)
    assert.equal(saltOf(bytes, 0, bytes.length, crc32(bytes, salt)), salt)
  }
})

const header = {
  version: 1,
  salt: 0xdeadbeef,
  number: 7,
  previous: 6,
  previousSize: 4711,
  sequence: 99,
  lastSessionNumber: 12,
  lastMessageNumber: 345,
  newestRecordMs: 1_700_000_000_000,
}

test('a header in which any one bit has flipped is read as it was written, and says so', () => {
  for (const kind of ['journal', 'checkpoint'] as const) {
    const whole = encodeHeader(kind, header)
    assert.deepEqual(decodeHeader(kind, whole), { ...header, isMended: false })
    for (let bit = 0; bit < headerBytes * 8; bit++) {
      const bytes = Buffer.from(whole)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      assert.deepEqual(decodeHeader(kind, bytes), { ...header, isMended: true }, `bit ${bit}`)
    }
  }
})

test('more than one bit is not guessed at; a later version is told from damage also with a flipped bit', () => {
  const random = new SeededRandom(4)
  for (let round = 0; round < 300; round++) {
    const bytes = encodeHeader('journal', header)
    const places = new Set(Array.from({ length: 2 + random.integer(2) }, () => random.integer(headerBytes * 8)))
    if (places.size < 2) continue
    for (const place of places) bytes[place >> 3]! ^= 1 << (place & 7)
    assert.equal(typeof decodeHeader('journal', bytes), 'string')
  }
  const later = encodeHeader('journal', { ...header, version: 2 })
  assert.equal(decodeHeader('journal', later), 'newer')
  later[30]! ^= 4
  assert.equal(decodeHeader('journal', later), 'newer')
})

test('a file whose header is lost says by its records which store it belongs to, also if a copy of another store lies in one', async () => {
  const stolen = new MemoryDisk()
  const victim = memoryStore(stolen, { segmentBytes: 1 << 30, checkpointBytes: 1 << 30 })
  await victim.load(() => undefined)
  const made = new RandomTurns(new SeededRandom(5), new StoreModel())
  for (let turn = 0; turn < 20; turn++) await victim.write(made.next(), 'disk')
  await victim.close()
  const copy = stolen.contents('journal-00000001.log')

  const disk = new MemoryDisk()
  const salt = 0x01020304
  const clock = { ...memoryClock(), randomBytes: () => Uint8Array.of(1, 2, 3, 4) }
  const store = memoryStore(disk, { clock, segmentBytes: 1 << 30, checkpointBytes: 1 << 30 })
  await store.load(() => undefined)
  const message = {
    topicName: 't',
    qos: 1,
    retain: true,
    properties: {},
    publisher: '',
    expiresAtMs: undefined,
  } as const
  for (let number = 1; number <= 3; number++) {
    await store.write(
      [
        { kind: 'message', message: { ...message, messageNumber: number, payload: copy } },
        { kind: 'retained', topicName: 't', messageNumber: number },
      ],
      'process',
    )
  }
  await store.close()
  const file = await disk.open('journal-00000001.log')
  assert.equal(await findSalt(file), salt)
  // The header and the first record's frame are gone: the copy in its payload comes first.
  disk.damage('journal-00000001.log', 0, new Uint8Array(headerBytes + 44))
  assert.equal(await findSalt(file), salt)
  disk.damage('journal-00000001.log', 0, new Uint8Array(file.size))
  assert.equal(await findSalt(file), undefined)
})

function memoryClock(): ConstructorParameters<
  typeof import('../../../src/stores/journal-store.ts').JournalStore
>[0]['clock'] {
  return {
    now: () => 0,
    wallNow: () => 0,
    setTimer: (_, fire) => {
      const immediate = setImmediate(fire)
      return { cancel: () => clearImmediate(immediate) }
    },
    atEndOfTurn: (run) => void setImmediate(run),
    randomBytes: (length) => new Uint8Array(length),
    random: () => 0,
  }
}
