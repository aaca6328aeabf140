import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Contexts } from '../../../../src/cli/mqtt/contexts.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'

function fresh(): string {
  return join(scratchFolder(), 'sluice', 'contexts.json')
}

test('contexts are kept in a file that only its owner may read', () => {
  const path = fresh()
  const contexts = new Contexts(path)
  assert.deepEqual(contexts.names, [])
  contexts.add('plant', ['-L', 'mqtts://ann:secret@example.com', '-V', '5'])
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const again = new Contexts(path)
  assert.deepEqual(again.names, ['plant'])
  assert.deepEqual(again.flags('plant'), ['-L', 'mqtts://ann:secret@example.com', '-V', '5'])
})

test('the current context can be chosen and ends with its removal', () => {
  const path = fresh()
  const contexts = new Contexts(path)
  contexts.add('a', ['-h', 'one'])
  contexts.add('b', ['-h', 'two'])
  contexts.use('a')
  assert.equal(new Contexts(path).current, 'a')
  contexts.remove('b')
  assert.equal(contexts.current, 'a')
  contexts.remove('a')
  assert.equal(new Contexts(path).current, undefined)
  contexts.add('a', ['-h', 'one'])
  contexts.use('a')
  contexts.use(undefined)
  assert.equal(new Contexts(path).current, undefined)
})

test('files of a context are named from the root', () => {
  const path = fresh()
  const file = join(scratchFolder(), 'ca.pem')
  writeFileSync(file, '')
  const contexts = new Contexts(path)
  contexts.add('a', ['--cafile', file])
  assert.deepEqual(contexts.flags('a'), ['--cafile', file])
  assert.ok(readFileSync(path, 'utf8').includes(file))
})

test('what is no connection option, or wrong, is not saved', () => {
  const contexts = new Contexts(fresh())
  assert.throws(() => contexts.add('a', ['-t', 'topic']), /--topic is none/)
  assert.throws(() => contexts.add('a', ['-k', '1']), /from 5 to 65535/)
  assert.throws(() => contexts.flags('a'), /There is no context a/)
  assert.throws(() => contexts.use('a'), /There is no context a/)
  assert.deepEqual(contexts.names, [])
})

test('a file that is none of ours is an error that names it', () => {
  for (const text of ['nonsense', '{}', 'null']) {
    const path = join(scratchFolder(), 'contexts.json')
    writeFileSync(path, text)
    assert.throws(
      () => new Contexts(path),
      (error: Error) => error.message.includes(path),
    )
  }
})
