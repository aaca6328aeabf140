import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
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
