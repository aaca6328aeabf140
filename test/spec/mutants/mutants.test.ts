import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { root } from '../../../tools/main.ts'
import { mutants } from './index.ts'

test('the text that a breakage replaces stands in its file, once', () => {
  const misplaced = mutants.flatMap(({ name, file, from }) => {
    const places = readFileSync(join(root, file), 'utf8').split(from).length - 1
    return places === 1 ? [] : [`${name}: ${places} times in ${file}`]
  })
  assert.deepEqual(misplaced, [])
})
