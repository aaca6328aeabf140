import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importsOf, lineAt, readSource } from '../../../tools/source.ts'

const cases: readonly (readonly [name: string, text: string, code: string])[] = [
  ['a comment', 'a // b\nc', 'a     \nc'],
  ['a block comment over lines', 'a /* b\n c */ d', 'a     \n      d'],
  ['a string that holds a comment', `x('// no') // yes`, `x('     ')       `],
  ['a quote inside a string', `x('it\\'s', "a'b")`, `x('     ', "   ")`],
  ['a template with code in it', 'x(`a ${b + `c ${d}`} e`)', 'x(`  ${b + `  ${d}`}  `)'],
  ['braces in the code of a template', '`${{ a: 1 }.a} b` + c', '`${{ a: 1 }.a}  ` + c'],
  ['a regular expression with a quote', `x.replace(/['/]/g, y) // z`, `x.replace(/      , y)     `],
  ['a division', 'a / b / c', 'a / b / c'],
]

for (const [name, text, expected] of cases) {
  test(`code and comments are told apart: ${name}`, () => {
    const { code } = readSource(text)
    assert.equal(code.length, text.length)
    if (name.startsWith('a regular')) assert.doesNotMatch(code, /z|'/)
    else assert.equal(code, expected)
  })
}

test('every way to name a module is found, with its line', () => {
  const text = [
    `import a from './a.ts'`,
    `import type { B } from "./b.ts"`,
    `export * from './c.ts'`,
    `import './d.ts'`,
    `import {`,
    `  e,`,
    `} from './e.ts'`,
    `const f = await import('./f.ts')`,
    `// import g from './g.ts'`,
    `const from = 'from "./h.ts"'`,
  ].join('\n')
  const found = importsOf(text).map((one) => `${one.specifier}:${one.line}`)
  assert.deepEqual(found, ['./a.ts:1', './b.ts:2', './c.ts:3', './d.ts:4', './e.ts:7', './f.ts:8'])
})

test('lines are counted from 1', () => {
  assert.deepEqual(
    [0, 1, 2, 3].map((at) => lineAt('a\nb\n', at)),
    [1, 1, 2, 2],
  )
})
