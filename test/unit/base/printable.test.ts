import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_SHOWN_LENGTH, printable, printableLines, safeExcerpt } from '../../../src/base/printable.ts'
import fc from '../../support/property.ts'

const between = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => String.fromCharCode(from + at))

const CONTROLS = [
  ...between(0x00, 0x1f),
  ...between(0x7f, 0x9f),
  ...['\u00ad', '\u034f', '\u061c', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u3164', '\ufeff', '\uffa0'],
  ...between(0x180b, 0x180f),
  ...between(0x200b, 0x200f),
  ...between(0x2028, 0x202e),
  ...between(0x2060, 0x206f),
  ...between(0xfe00, 0xfe0f),
  ...between(0xfff9, 0xfffb),
  '\ud800',
  '\udfff',
]

test('no control, line separator, bidi control or zero-width character is left in a line, and nothing else is touched', () => {
  for (const control of CONTROLS) {
    const code = control.charCodeAt(0).toString(16).padStart(4, '0')
    assert.equal(printable(`a${control}b`), `a\\u${code}b`)
  }
  const others = 'Grüße, 你好, שלום, 👋🏽, \\u001b, \u00a0, e\u0301'
  assert.equal(printable(others), others)
})

test('tags and other invisible characters beyond U+FFFF are escaped as JSON has them, so that they are read back', () => {
  for (const invisible of ['\u{e0001}', '\u{e007f}', '\u{e0100}', '\u{1d173}']) {
    const shown = printable(`meter${invisible}`)
    assert.match(shown, /^meter\\ud[0-9a-f]{3}\\ud[0-9a-f]{3}$/)
    assert.equal(JSON.parse(`"${shown}"`), `meter${invisible}`)
    assert.equal(printableLines(`meter${invisible}`), shown)
  }
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
