import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FileRoom, openFiles } from '../../../src/limits/open-files.ts'
import { CapturedLog, ManualClock } from '../plugins/support.ts'

function room(limit: number, count: number) {
  const [clock, log] = [new ManualClock(), new CapturedLog()]
  return { clock, log, files: new FileRoom({ limit, count: () => count }, clock, log) }
}

test('the process knows how many files it may open, and how many it has', () => {
  assert.ok(openFiles.limit > openFiles.count(), `${openFiles.count()} of ${openFiles.limit}`)
  assert.ok(openFiles.count() > 2)
})

test('connections leave files to the Store: an eighth of all, 64 at most', () => {
  assert.deepEqual(
    [room(40, 22), room(1024, 30), room(1_000_000, 30), room(10, 30), room(Infinity, 0)].map(
      ({ files }) => files.streams,
    ),
    [13, 930, 999_906, 1, Infinity],
  )
})

test('a limit below max-connections is one line that says how much is needed, and how to raise it', () => {
  const { files, log } = room(1024, 30)
  files.warn(0)
  files.warn(930)
  assert.deepEqual(log.lines, [])
  files.warn(50_000)
  assert.equal(log.lines.length, 1)
  assert.match(
    log.lines[0]!,
    /^warn the open-file limit of 1024 leaves room for 930 connections, max-connections is 50000; /,
  )
  assert.match(log.lines[0]!, /`ulimit -n 50094`.*LimitNOFILE=50094/)
})

test('connections that are closed for lack of files are a line at once, and then one every ten seconds', () => {
  const { files, log, clock } = room(40, 22)
  for (let second = 0; second < 15; second++) {
    for (let at = 0; at < 3; at++) files.lost()
    clock.advance(1000)
  }
  for (let round = 0; round < 2; round++) clock.advance(10_000)
  assert.deepEqual(
    log.lines.map((line) => line.split(' ')[1]),
    ['1', '29', '15'],
  )
  assert.equal(clock.waiting, 0)
})
