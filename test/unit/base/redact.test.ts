import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutTokens, withoutUnfinishedToken } from '../../../src/base/redact.ts'
import fc from '../../support/property.ts'

/** The rule in one line. It takes quadratic time for some texts, which is why it is only here. */
const TOKEN = /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g

/** Texts made of what tokens are made of, so that tokens, and what is almost one, come up often. */
const tokenText = fc
  .array(
    fc.constantFrom('eyJ', 'e', 'y', 'J', '-', '_', '.', 'a', '7', ' ', '=', 'é', '\u{1f600}', 'Ā', '@', '[', '`'),
    {
      maxLength: 60,
    },
  )
  .map((parts) => parts.join(''))

test('a token is replaced wherever the text has one, and nothing else is', () => {
  fc.assert(
    fc.property(fc.oneof(tokenText, fc.string()), (text) => {
      assert.equal(withoutTokens(text), text.replace(TOKEN, '(token)'))
    }),
    { numRuns: 5000 },
  )
})

/** The same for a token that was cut off. */
const UNFINISHED = /(?<![A-Za-z0-9_])eyJ[\w-]*(?:\.[\w-]*)?$/

test('the beginning of a token that was cut off is replaced at the end of a text, and nowhere else', () => {
  fc.assert(
    fc.property(fc.oneof(tokenText, fc.string()), (text) => {
      assert.equal(withoutUnfinishedToken(text), text.replace(UNFINISHED, '(token)'))
    }),
    { numRuns: 5000 },
  )
})

/** How many characters are read for a text. */
function reads(text: string): number {
  let count = 0
  const read = (all: string, at: number): number => {
    count++
    return all.charCodeAt(at)
  }
  withoutTokens(text, read)
  withoutUnfinishedToken(text, read)
  return count
}

const MOST_READS_PER_CHARACTER = 14

test('the time is linear in the length, whatever the text', () => {
  fc.assert(
    fc.property(tokenText, fc.integer({ min: 1, max: 200 }), tokenText, (part, times, tail) => {
      const text = part.repeat(times) + tail
      const count = reads(text)
      assert.ok(count <= MOST_READS_PER_CHARACTER * text.length, `${count} reads for ${text.length} characters`)
    }),
    { numRuns: 2000 },
  )
})

test('64 KiB of beginnings of tokens cost no more for each character than 64 bytes of them', () => {
  for (const part of ['eyJ-', 'eyJa.', '-eyJa', 'eyJa.b ', 'eyJ', 'a.', '-', 'a']) {
    const count = reads(part.repeat(65_536 / part.length))
    assert.ok(count <= MOST_READS_PER_CHARACTER * 65_536, `${part}: ${count} reads`)
  }
})
