/**
 * Comments are no wider than code: the formatter leaves them alone, so this looks. Pictures, tables and examples may be
 * wider.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../../../tools/main.ts'
import { filesUnder, readSource } from '../../../tools/source.ts'

const FOLDERS = ['src', 'test', 'tools', 'bench', 'page', 'examples']
/** Written by `tools/reference.ts`, with descriptions that are one line each. */
const GENERATED = new Set(['src/config/option-types.ts'])
const WIDTH = 120
/** Text begins one space behind the mark; a picture further in. */
const PROSE = /^\s*(?:\/\*\*|\*|\/\/) \S/

/** Lines of a comment that are too wide; what follows `@example` is code. */
function wideLines(comment: string): string[] {
  const lines = comment.split(/@example\b/)[0]!.split('\n')
  return lines.filter((line) => line.length > WIDTH && PROSE.test(line) && !/ {3}|──|"/.test(line.trimStart().slice(2)))
}

test('prose in comments stays within the width of the formatter', () => {
  const found: string[] = []
  for (const folder of FOLDERS) {
    for (const file of filesUnder(root, folder, '.ts')) {
      if (GENERATED.has(file)) continue
      const text = readFileSync(join(root, file), 'utf8')
      for (const { start, end } of readSource(text).comments) {
        const indentation = text.slice(text.lastIndexOf('\n', start) + 1, start)
        if (indentation.trim() !== '') continue
        for (const line of wideLines(indentation + text.slice(start, end))) found.push(`${file}: ${line.trim()}`)
      }
    }
  }
  assert.deepEqual(found, [])
})

test('a line that is too wide is seen, a picture and an example are not', () => {
  const wide = 'x'.repeat(130)
  assert.equal(wideLines(`/**\n * ${wide}\n */`).length, 1)
  assert.deepEqual(wideLines(`/**\n *   ${wide}\n * @example\n * ${wide}\n */`), [])
})
