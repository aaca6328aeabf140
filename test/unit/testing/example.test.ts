import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { root } from '../../../tools/main.ts'

test('examples/testing: the device is tested with node:test', () => {
  // Without the mark of the test runner that it runs in, so that it is one of its own.
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env
  const { status, stdout } = spawnSync(process.execPath, ['--test-reporter=tap', 'door-sensor.test.js'], {
    cwd: join(root, 'examples/testing'),
    encoding: 'utf8',
    env,
  })
  assert.equal(status, 0, stdout)
  assert.match(stdout, /^# pass 3$/m)
})
