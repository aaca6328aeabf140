import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../../../tools/main.ts'
import { filesUnder } from '../../../tools/source.ts'

/** Our own Client, and what may use it: tools, and a bridge, which makes this Server a Client of another one. */
const CLIENT = 'src/client/'
/** What a Client needs to reach a Server; reading an address is no more than that. */
const DIALS = /\/client\/(client|dial|.*transport)\.ts$/
const USERS = ['src/bridges/', 'src/cli/', 'src/bench/']
/** Makes the CONNECT of a Session within this Server, which never leaves the process. */
const WITHIN = 'src/bridges/local-end.ts'

const files = filesUnder(root, 'src', '.ts').filter((file) => !file.startsWith('src/codec/'))
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8')
const importsOf = (file: string): string[] => [...textOf(file).matchAll(/from '([^']+)'/g)].map(([, name]) => name!)

test('This Server dials out only for a bridge, by our own Client, which is held to the rules of a Client [3.1.1 MQTT-7.0.0-1]', () => {
  assert.ok(files.length > 50)
  const makers = files.filter((file) => /type:\s*PacketType\.CONNECT\b/.test(textOf(file)))
  assert.deepEqual(
    makers.filter((file) => !file.startsWith(CLIENT)),
    [WITHIN],
  )
  assert.deepEqual(
    importsOf(WITHIN).filter((name) => DIALS.test(name) || /^node:(net|tls|http)/.test(name)),
    [],
  )
  const strangers = files.filter((file) => ![CLIENT, ...USERS].some((room) => file.startsWith(room)))
  assert.deepEqual(
    strangers.filter((file) => importsOf(file).some((name) => DIALS.test(name))),
    [],
  )
  // The rules of a Client have tests of their own, named by the numbers of their statements.
  const statements = filesUnder(root, 'test/unit/client', '.ts').flatMap(
    (file) => textOf(file).match(/MQTT-[\d.]+-\d+/g) ?? [],
  )
  assert.ok(new Set(statements).size >= 15, `${new Set(statements).size} statements`)
})
