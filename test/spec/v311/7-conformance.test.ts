import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../../../tools/main.ts'
import { filesUnder } from '../../../tools/source.ts'

/** Rooms that make up the Server. A bridge makes it a Client too: whoever adds one owes it the tests of a Client. */
const CLIENT = 'src/client/'
const TOOLS = ['src/cli/', 'src/bench/']

test('This Server dials out to no other: only our own Client makes a CONNECT, and no part of the Server uses it [3.1.1 MQTT-7.0.0-1]', () => {
  const files = filesUnder(root, 'src', '.ts').filter((file) => !file.startsWith('src/codec/'))
  assert.ok(files.length > 50)
  const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')
  const makers = files.filter((file) => /type:\s*PacketType\.CONNECT\b/.test(textOf(file)))
  assert.deepEqual(
    makers.filter((file) => !file.startsWith(CLIENT)),
    [],
  )
  const ofServer = files.filter((file) => ![CLIENT, ...TOOLS].some((room) => file.startsWith(room)))
  assert.deepEqual(
    ofServer.filter((file) => /from '[./]+\/client\//.test(textOf(file))),
    [],
  )
})
