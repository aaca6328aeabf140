import assert from 'node:assert/strict'
import { test } from 'node:test'
import { remoteWorkloads, workloads } from '../../../src/bench/workloads.ts'
import { sluice } from './cli-support.ts'

test('sluice bench --help names every row, and marks those that need a broker of its own', () => {
  const { out } = sluice(['bench', '--help'])
  for (const row of workloads) {
    const mark = remoteWorkloads.includes(row) ? '' : ' *'
    assert.ok(out.includes(`  ${row.name.padEnd(18)}${row.title}${mark}\n`), row.name)
  }
})

for (const [args, hint] of [
  [['--rows', 'fast'], /unknown row fast; the rows are 1-1, /],
  [['--url', 'mqtt://127.0.0.1', '--rows', 'idle'], /unknown row idle; the rows are 1-1, /],
  [['--url', 'http://127.0.0.1'], /--url must begin with mqtt:\/\/, .*got http:\/\/127\.0\.0\.1/],
  [['--seconds', 'soon'], /--seconds must be a number above 0, got soon/],
  [['--json', '/dev/null/now.json'], /--json cannot write .*now\.json: ENOTDIR/],
] as const) {
  test(`sluice bench ${args.join(' ')} is wrong usage, told before anything runs`, () => {
    const { code, out, err } = sluice(['bench', ...args])
    assert.deepEqual([code, out], [2, ''])
    assert.match(err, hint)
  })
}
