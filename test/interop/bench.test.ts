/** `sluice bench` as users run it, against a broker that runs already and against one of its own. @module */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { Result } from '../../src/bench/results.ts'
import { createBroker } from '../../src/index.ts'
import { root } from '../../tools/main.ts'
import { scratchFolder } from '../support/scratch-folder.ts'

/** Runs the program to its end. @returns its words, and the figures it wrote */
async function bench(...args: string[]): Promise<{ out: string; results: Result[] }> {
  const folder = scratchFolder()
  const file = join(folder, 'figures.json')
  const program = join(root, 'build/src/cli/main.js')
  const options = ['bench', '--seconds', '0.2', '--json', file, ...args]
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...options])
  const { results } = JSON.parse(readFileSync(file, 'utf8')) as { results: Result[] }
  return { out: stdout, results }
}

test('sluice bench --url drives a broker that runs already', async (t) => {
  const broker = await createBroker({ listeners: { default: { bind: '127.0.0.1:0' } } })
  t.after(() => broker.close())
  const url = broker.listeners[0]!.url
  const { out, results } = await bench('--url', url, '--rows', '1-1-q1')
  assert.match(out, /1 → 1, QoS 1 +127\.0\.0\.1:\d+ +[\d,]+/)
  const run = results[0]!.runs[0]!
  assert.ok(run.messages > 0)
  assert.equal(run.lost, 0)
})

test('sluice bench without --url measures a broker of its own', async () => {
  const { out, results } = await bench('--rows', 'single')
  assert.match(out, /1 → 1, one message at a time +sluice +[\d,]+/)
  assert.ok(results[0]!.runs[0]!.messages > 0)
})
