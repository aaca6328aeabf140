import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_SHOWN_LENGTH, printable, printableLines, safeExcerpt } from '../../../src/base/printable.ts'
import fc from '../../support/property.ts'

const between = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => String.fromCharCode(from + at))

const CONTROLS = [
  ...between(0x00, 0x1f),
  ...between(0x7f, 0x9f),
  '\u061c',
  ...between(0x200e, 0x200f),
  ...between(0x2028, 0x202e),
  ...between(0x2066, 0x2069),
  '\ud800',
  '\udfff',
]

test('no control, line separator or bidi override is left in a line, and nothing else is touched', () => {
  for (const control of CONTROLS) {
    const code = control.charCodeAt(0).toString(16).padStart(4, '0')
    assert.equal(printable(`a${control}b`), `a\\u${code}b`)
  }
  const others = 'Grüße, 你好, שלום, 👋🏽, \\u001b, \u00a0, \u200d, \ufeff'
  assert.equal(printable(others), others)
})

test('lines keep their line feeds and tabs, and no other control', () => {
  assert.equal(printableLines('one\n\ttwo\r\u001b[2J\u2028'), 'one\n\ttwo\\u000d\\u001b[2J\\u2028')
})

test('any text: what is shown has no control in it, and stays the same if it is shown again', () => {
  const unsafe = CONTROLS.slice(0, -2)
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const shown = printable(text)
      assert.deepEqual(
        unsafe.filter((control) => shown.includes(control)),
        [],
      )
      assert.equal(printable(shown), shown)
      assert.equal(Buffer.from(shown).toString(), shown)
    }),
  )
})

test('what a peer says is cut before anything else is done with it', () => {
  const long = 'eyJ-'.repeat(16_384)
  assert.match(safeExcerpt(long), /^\(token\)… \(65336 more\)$/)
  assert.equal(safeExcerpt('a'.repeat(MAX_SHOWN_LENGTH)), 'a'.repeat(MAX_SHOWN_LENGTH))
  assert.equal(safeExcerpt(`${'a'.repeat(MAX_SHOWN_LENGTH)}\u202e`), `${'a'.repeat(MAX_SHOWN_LENGTH)}… (1 more)`)
})

test('no part of a token is shown, wherever it is cut', () => {
  const token = `eyJ${'h'.repeat(20)}.eyJ${'p'.repeat(20)}.${'s'.repeat(20)}`
  for (let length = 1; length <= token.length + 10; length++) {
    const shown = safeExcerpt(`name=${token} more`, length)
    assert.ok(!/hhh|ppp|sss/.test(shown), `cut after ${length}: ${shown}`)
  }
})

test('a character is not cut in half', () => {
  assert.equal(safeExcerpt('👋👋', 3), '👋… (2 more)')
})
