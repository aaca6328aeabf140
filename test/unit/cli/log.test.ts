import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { StoreError } from '../../../src/base/errors.ts'
import { createLogger } from '../../../src/cli/log.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'

test('a log that cannot be written stops nobody, on a terminal or not', () => {
  const file = join(scratchFolder(), 'log')
  closeSync(openSync(file, 'w'))
  const readOnly = openSync(file, 'r') // writing fails, as it does on a full disk
  for (const isInteractive of [true, false]) {
    const log = createLogger('info', { isInteractive, hasColours: false }, readOnly)
    for (let line = 0; line < 3; line++) log.error({ line }, 'the store cannot write')
  }
  closeSync(readOnly)
  assert.equal(readFileSync(file, 'utf8'), '')
})

test('an error in a line is written out: one of the world as its sentence, one of ours with its stack', () => {
  const file = join(scratchFolder(), 'log')
  const descriptor = openSync(file, 'w')
  const log = createLogger('info', { isInteractive: false, hasColours: false }, descriptor)
  log.error({ err: new StoreError('ERR_STORE_FULL', 'cannot write journal-1: no space') }, 'first')
  log.error({ err: new RangeError('of the host') }, 'second')
  closeSync(descriptor)
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  const [first, second] = lines.map((line) => (JSON.parse(line) as { err: Record<string, string> }).err)
  assert.deepEqual(first, { code: 'ERR_STORE_FULL', message: 'cannot write journal-1: no space' })
  assert.deepEqual([second!['type'], second!['message']], ['RangeError', 'of the host'])
  assert.match(second!['stack']!, /log\.test/)
})
