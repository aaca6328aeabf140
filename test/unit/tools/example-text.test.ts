import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blocksIn, docstringProgram, valueOf } from '../../../tools/example-text.ts'
import { expectValue } from '../../../tools/example-value.ts'

for (const [comment, value] of [
  ['300', '300'],
  ['300: a Client that asks for none', '300'],
  ['300; more', '300'],
  ['{ a: 1 }: an object', '{ a: 1 }'],
  [`'a: b': a string`, `'a: b'`],
  ['<Buffer 10 02>: bytes', '<Buffer 10 02>'],
  ['throws ERR_USAGE: so it goes', 'throws ERR_USAGE'],
] as const) {
  test(`the value of "${comment}" is ${value}`, () => assert.equal(valueOf(comment), value))
}

test('an @example becomes a program with the exports it uses, and every line knows where it comes from', () => {
  const source = [
    '/**',
    ' * Adds.',
    ' *',
    ' * @example',
    ' * const three = add(1, 2) // 3: a number',
    ' * add(three, 1) // 4',
    ' * @returns the sum',
    ' */',
    'export function add(a: number, b: number): number { return a + b }',
    'export const unused = 1',
  ].join('\n')
  const program = docstringProgram('src/base/add.ts', source)
  const text = program.lines.map((line) => line.text).join('\n')
  assert.match(text, /^import \{ add \} from '\.\.\/\.\.\/\.\.\/\.\.\/src\/base\/add\.js'$/m)
  assert.match(text, /"3", async \(\) => \(three\)\)/)
  assert.deepEqual(
    program.lines.filter((line) => /add\(/.test(line.text)).map((line) => line.line),
    [5, 6],
  )
  assert.equal(program.runs, true)
})

test('a source without examples gives no lines', () => {
  assert.deepEqual(docstringProgram('src/base/a.ts', '/** Nothing to show. */\nexport {}').lines, [])
})

test('blocks of a manual page are programs of their own; other languages are left alone', () => {
  const page = [
    '# T',
    '```js',
    `import 'sluice'`,
    '```',
    '',
    '```ts no-run',
    'a()',
    '```',
    '```yaml',
    'b: 1',
    '```',
    '```sh',
    'ls',
    '```',
  ].join('\n')
  const programs = blocksIn('docs/a.md', page)
  assert.deepEqual(
    programs.map(({ name, runs }) => [name, runs]),
    [
      ['docs/a.md.3.js', true],
      ['docs/a.md.7.ts', false],
      ['docs/a.md.10.ts', true],
    ],
  )
  assert.deepEqual(programs[0]!.lines[0], { text: `import 'sluice'`, line: 3 })
})

test('a value may be an expression, what console.log prints, or an error by name or code', async () => {
  const scope = { limit: 7 }
  await expectValue(scope, 'here', 'limit', async () => 7)
  await expectValue(scope, 'here', '[1, { a: 2 }]', async () => [1, { a: 2 }])
  await expectValue(scope, 'here', '<Buffer 10 02>', async () => Buffer.from([0x10, 2]))
  await expectValue(scope, 'here', 'throws TypeError', async () => {
    throw new TypeError('no')
  })
  await assert.rejects(
    expectValue(scope, 'here:3', '8', async () => 7),
    /^Error: here:3: gives 7, but its comment says 8$/,
  )
  await assert.rejects(
    expectValue(scope, 'here:3', 'a lot', async () => 7),
    /neither an expression/,
  )
  await assert.rejects(
    expectValue(scope, 'here:3', 'throws RangeError', async () => 7),
    /gives 7/,
  )
})
