import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../../../tools/main.ts'
import { filesUnder } from '../../../tools/source.ts'

/** Bridging makes a Server a Client too. Whoever adds it will find this test, and owes those of a Client. */
test('This Server dials out to no other: nothing above the codec makes a CONNECT [3.1.1 MQTT-7.0.0-1]', () => {
  const files = filesUnder(root, 'src', '.ts').filter((file) => !file.startsWith('src/codec/'))
  assert.ok(files.length > 50)
  const makers = files.filter((file) => /type:\s*PacketType\.CONNECT\b/.test(readFileSync(join(root, file), 'utf8')))
  assert.deepEqual(makers, [])
})
