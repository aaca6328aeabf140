import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Progress } from '../../../tools/progress.ts'

function written(isTTY: boolean, total: number | undefined, steps: readonly (readonly [atMs: number, done: number])[]) {
  const lines: string[] = []
  let now = 0
  const output = { isTTY, write: (text: string) => lines.push(text) }
  const progress = new Progress('messages', { total, output, now: () => now })
  for (const [atMs, done] of steps) {
    now = atMs
    progress.update(done)
  }
  progress.finish()
  return lines
}

test('a terminal sees one line, redrawn at most ten times a second and taken away at the end', () => {
  const lines = written(true, 1000, [
    [50, 10],
    [500, 100],
    [550, 110],
  ])
  assert.deepEqual(lines, ['\r\x1b[Kmessages  100 of 1000  200/s  5 s left', '\r\x1b[K'])
})

test('a log sees a plain line every ten seconds', () => {
  const lines = written(false, undefined, [
    [500, 10],
    [10_000, 20],
    [10_500, 21],
  ])
  assert.deepEqual(lines, ['messages  20  2.0/s\n'])
})

test('nothing done yet has no rate', () => {
  assert.deepEqual(written(false, 5, [[10_000, 0]]), ['messages  0 of 5\n'])
})
