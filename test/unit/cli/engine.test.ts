import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { tuneEngine } from '../../../src/cli/engine.ts'

function flagsFor(versions: Readonly<Record<string, string>>): string[] {
  const flags: string[] = []
  tuneEngine(versions as unknown as NodeJS.ProcessVersions, (flag) => flags.push(flag.split('=')[0]!))
  return flags
}

test('V8 inlines more, and version 11 waits before it compiles', () => {
  assert.deepEqual(flagsFor({ v8: '11.3.244.8-node.33' }), [
    '--max-inlined-bytecode-size-cumulative',
    '--interrupt-budget',
  ])
  assert.deepEqual(flagsFor({ v8: '13.6.233.17-node.37' }), ['--max-inlined-bytecode-size-cumulative'])
  assert.deepEqual(flagsFor({ v8: '1.0', bun: '1.2.0' }), [])
})

test('this engine knows every flag that it is given', () => {
  const known = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' })
  for (const flag of flagsFor(process.versions as Readonly<Record<string, string>>))
    assert.match(known, new RegExp(`^ +${flag} `, 'm'))
})
