import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreError } from '../../../src/base/errors.ts'
import { ByteWriter } from '../../../src/base/byte-writer.ts'
import { readChange, writeChange } from '../../../src/stores/change-codec.ts'
import { recordReader } from '../../../src/stores/record-reader.ts'
import type { Change } from '../../../src/stores/store.ts'
import { SeededRandom } from '../../../src/testing/random.ts'
import { RandomTurns } from '../../../src/testing/random-turns.ts'
import { StoreModel } from '../../../src/testing/store-model.ts'
import { seed } from '../../support/seed.ts'

test('whole numbers up to 2^53 and text of every kind come back', () => {
  const numbers = [0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 35, 2 ** 53 - 1]
  const texts = ['', 'a/b', 'größe/°C', 'x'.repeat(39), 'ü'.repeat(40), '€'.repeat(500), '\u0001\uFEFF', '𝄞']
  const writer = new ByteWriter(1)
  for (const number of numbers) writer.integer(number)
  for (const text of texts) writer.string(text)
  const reader = recordReader().reset(writer.written)
  assert.deepEqual(numbers.map(() => reader.integer()), numbers) // prettier-ignore
  assert.deepEqual(texts.map(() => reader.string()), texts) // prettier-ignore
  assert.ok(reader.atEnd)
})

test(`every Change comes back as written, but for its payload (TEST_SEED=${seed})`, () => {
  const turns = new RandomTurns(new SeededRandom(seed), new StoreModel())
  const written: Change[] = []
  for (let turn = 0; turn < 400; turn++) written.push(...turns.next())
  const writer = new ByteWriter(16)
  for (const change of written) writeChange(writer, change)
  const reader = recordReader().reset(writer.written)
  for (const change of written) assert.deepEqual(readChange(reader), asRead(change))
  assert.ok(reader.atEnd)
  assert.equal(new Set(written.map(({ kind }) => kind)).size, 19)
})

function asRead(change: Change): Change {
  if (change.kind !== 'message') return change
  const { payload, ...rest } = change.message
  return { kind: 'message', message: { ...rest, payload: new Uint8Array(0), payloadOnDiskBytes: payload.length } }
}

test('a kind that this version does not know is an error, and so is a value that runs over the end', () => {
  assert.throws(() => readChange(recordReader().reset(Uint8Array.of(99))), unreadable)
  assert.throws(() => readChange(recordReader().reset(Uint8Array.of(13, 5, 0x61))), unreadable)
  assert.throws(() => recordReader().reset(new Uint8Array(9).fill(0xff)).integer(), unreadable)
})

function unreadable(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'ERR_STORE_RECORD'
}
