import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryAccount } from '../../../../src/base/memory-account.ts'
import { ConnectionNotes } from '../../../../src/broker/sessions/connection-notes.ts'
import { CachedTopic } from '../../../../src/topics/match-cache.ts'

const topicOf = (topicName: string): CachedTopic<unknown> => new CachedTopic(topicName, Buffer.from(topicName), 0)

test('decisions about topics are remembered until the permissions change; of long topics only the last one', () => {
  const notes = new ConnectionNotes(
    ...([undefined, undefined] as unknown as ConstructorParameters<typeof ConnectionNotes>),
  )
  const payer = new MemoryAccount('user', '', 0, undefined)
  const short = topicOf('a/b')
  const long = topicOf('x'.repeat(65_535))
  notes.remember(short, 1, true, payer)
  notes.remember(long, 1, false, payer)
  assert.deepEqual([notes.recall(short, 1), notes.recall(long, 1)], [true, false])
  notes.remember(topicOf('y'.repeat(65_535)), 1, false, payer)
  assert.deepEqual([notes.recall(short, 1), notes.recall(long, 1)], [true, undefined])
  assert.deepEqual([notes.recall(short, 2), notes.recall(long, 2)], [undefined, undefined])
  assert.ok(payer.bytes > 65_535 && payer.bytes < 4 * 65_535, `${payer.bytes} bytes`)
  notes.forget()
  assert.equal(payer.bytes, 0)
})
