import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findBreaches, findLargeFolders } from '../../../tools/floors.ts'

/** Breaches as `file:line message`, in a house that has the given files and nothing else. */
function breaches(files: Readonly<Record<string, string>>): string[] {
  return findBreaches(new Map(Object.entries(files))).map((one) => `${one.file}:${one.line} ${one.message}`)
}

test('imports that point down are fine, and so are imports inside a folder', () => {
  const files = {
    'src/base/errors.ts': '',
    'src/codec/decode.ts': `import { invariant } from '../base/errors.ts'\nexport * from './encode.ts'\n`,
    'src/codec/encode.ts': '',
    'src/index.ts': `export { decode } from './codec/decode.ts'\n`,
  }
  assert.deepEqual(breaches(files), [])
})

test('an import that points up is named with file and line, also if only types travel', () => {
  const files = {
    'src/broker/broker.ts': '',
    'src/protocol/session.ts': `// a comment\nimport type { Broker } from '../broker/broker.ts'\n`,
  }
  assert.match(breaches(files)[0]!, /^src\/protocol\/session\.ts:2 imports src\/broker\/broker\.ts: .* on floor 4/)
})

test('two folders of one floor do not know each other', () => {
  const files = { 'src/plugins/a.ts': `import '../listeners/b.ts'`, 'src/listeners/b.ts': '' }
  assert.match(breaches(files)[0]!, /same floor/)
})

test('index.ts may import everything but the program, and only the program may import index.ts', () => {
  const files = {
    'src/cli/main.ts': `import '../index.ts'`,
    'src/index.ts': `import './plugins/a.ts'`,
    'src/plugins/a.ts': '',
  }
  assert.deepEqual(breaches(files), [])
  assert.equal(breaches({ ...files, 'src/index.ts': `import './cli/main.ts'` }).length, 2)
  assert.match(breaches({ ...files, 'src/plugins/a.ts': `import '../index.ts'` })[0]!, /floor 5\.5/)
})

test('a circle of imports is shown whole, also if only types travel', () => {
  const circle = ['src/base/a.ts:1 imports form a cycle: src/base/a.ts -> src/base/b.ts -> src/base/a.ts']
  const files = { 'src/base/a.ts': `import './b.ts'`, 'src/base/b.ts': `import { a } from './a.ts'` }
  assert.deepEqual(breaches(files), circle)
  assert.deepEqual(breaches({ ...files, 'src/base/b.ts': `import type { A } from './a.ts'` }), circle)
})

test('a room of the broker imports from itself and from the rooms below it, and the top from all', () => {
  const files = {
    'src/broker/server.ts': `import './durable/ledger.ts'\nimport './host/streams.ts'`,
    'src/broker/durable/ledger.ts': `import './line.ts'\nimport '../sessions/sessions.ts'`,
    'src/broker/durable/line.ts': '',
    'src/broker/host/streams.ts': '',
    'src/broker/sessions/sessions.ts': '',
  }
  assert.deepEqual(breaches(files), [])
  assert.match(
    breaches({ ...files, 'src/broker/durable/line.ts': `import '../host/streams.ts'` })[0]!,
    /the room durable lies below host/,
  )
  assert.match(
    breaches({ ...files, 'src/broker/durable/line.ts': `import '../server.ts'` })[0]!,
    /below the top of broker/,
  )
  assert.match(breaches({ ...files, 'src/broker/attic/a.ts': '' })[0]!, /attic/)
})

test('a file has 400 lines at most, unless it is a table', () => {
  const lines = (count: number): string => '//\n'.repeat(count)
  assert.deepEqual(breaches({ 'src/base/a.ts': lines(400), 'src/config/option-table.ts': lines(4000) }), [])
  assert.deepEqual(breaches({ 'src/base/a.ts': lines(401) }), [
    'src/base/a.ts:401 has 401 lines, and may have 400; a file holds one noun',
  ])
})

test('the broker may hold a fifth of the source', () => {
  const lines = (count: number): string => '//\n'.repeat(count)
  const large = (count: number): string[] =>
    findLargeFolders(
      new Map([
        ['src/base/a.ts', lines(800)],
        ['src/broker/broker.ts', lines(count - 100)],
        ['src/broker/host/page.ts', lines(100)],
      ]),
    ).map(({ message }) => message)
  assert.deepEqual(large(200), [])
  assert.deepEqual(large(201), ['has 201 of 1001 lines, and may have 20 %; move a room to a floor of its own'])
})

test('a folder without a floor, a missing file and a way out of src/ are breaches', () => {
  assert.match(breaches({ 'src/attic/a.ts': '' })[0]!, /attic has no floor/)
  assert.match(breaches({ 'src/base/a.ts': `import './b.js'` })[0]!, /not a file/)
  assert.match(breaches({ 'src/base/a.ts': `import '../../test/b.ts'` })[0]!, /outside src/)
})

for (const line of [
  `import { Socket } from 'node:net'`,
  `import ws from 'ws'`,
  'const now = Date.now()',
  'const now = performance.now()',
  'const now = new Date()',
  'const chance = Math.random()',
  'setTimeout(run, 1)',
  'setImmediate(run)',
  'async function run() {}',
  'const x = await y',
]) {
  test(`protocol/ does without: ${line}`, () => {
    const found = breaches({ 'src/protocol/machine.ts': `\n${line}\n` })
    assert.equal(found.length, 1, found.join('\n'))
    assert.match(found[0]!, /^src\/protocol\/machine\.ts:2 /)
  })
}

for (const line of [
  '// never call Date.now() here',
  `const sentence = 'await Date.now()'`,
  'const sentence = `setTimeout ${name} await`',
  'socket.setTimeout(0)',
  'const date = new Date(wallMs)',
  'interface Clock { setTimer(delayMs: number): void }',
]) {
  test(`protocol/ may say: ${line}`, () => {
    assert.deepEqual(breaches({ 'src/protocol/machine.ts': line }), [])
  })
}

test('real time is for turn/clock.ts and the program alone', () => {
  const text = 'const now = Date.now()\nconst x = await y\n'
  assert.deepEqual(breaches({ 'src/turn/clock.ts': text, 'src/cli/main.ts': text }), [])
  assert.match(breaches({ 'src/listeners/tcp.ts': text })[0]!, /clock\.wallNow/)
})
