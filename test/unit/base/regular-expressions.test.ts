/**
 * No regular expression of the source takes more time than in proportion to the text that it reads: what clients send
 * is up to 64 KiB long, and a search that begins anew at each character of it holds up everybody.
 *
 * Each expression of `src/` meets texts made for it: a piece of what it matches, or a pair of the characters in it,
 * repeated thousands of times between a beginning and an end that do or do not match. What takes quadratic time of any
 * of them is found: it needs at least a hundred times as long as the slowest that is linear.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../../../tools/main.ts'
import { expressionsOf, filesUnder } from '../../../tools/source.ts'
import { processorMicroseconds } from '../../support/measurement.ts'
import fc from '../../support/property.ts'

const LENGTH = 16_384
/** Processor time. A linear expression takes some 50 µs, a quadratic one at least 100 ms. */
const MOST_MICROSECONDS = 25_000
const MOST_ATTEMPTS = 8
const OTHERS = ['a', '0', '-', ' ', ',']
const ENDS = ['', '\u0001']
const SAMPLES = 2
const MOST_CHARACTERS = 12
const MOST_PAIRED = 5

/** A text that `expression` takes too long for, shortened; `undefined` if none was found. */
function slowText(expression: RegExp): string | undefined {
  for (const text of textsFor(expression)) {
    // The processor may have been busy with something else for a while.
    let attempts = 0
    while (microsecondsOf(expression, text) > MOST_MICROSECONDS) {
      if (++attempts === MOST_ATTEMPTS) return `${text.slice(0, 20)}…${text.slice(-10)}`
    }
  }
  return undefined
}

function microsecondsOf(expression: RegExp, text: string): number {
  return processorMicroseconds(() => {
    expression.lastIndex = 0
    text.replace(expression, '')
  })
}

function* textsFor(expression: RegExp): Iterable<string> {
  const matching = matchesOf(expression)
  const characters = [...new Set([...literalsOf(expression.source), ...OTHERS])]
  const paired = characters.slice(0, MOST_PAIRED)
  const words = characters.filter((each) => each.length > 1)
  const pairs = [...paired, ...words].flatMap((one) => [...paired, ...OTHERS].map((other) => one + other))
  for (const beginning of ['', ...matching.map((each) => each.slice(0, Math.ceil(each.length / 2)))]) {
    for (const piece of new Set([...characters, ...pairs, ...piecesOf(matching)])) {
      const long = beginning + piece.repeat(Math.floor(LENGTH / piece.length))
      for (const end of ENDS) yield long + end
    }
  }
}

/** Texts that it matches, the same at each run; none where the generator does not know its syntax. */
function matchesOf(expression: RegExp): string[] {
  try {
    return fc.sample(fc.stringMatching(expression, { size: 'xsmall' }), { numRuns: SAMPLES, seed: 1 })
  } catch {
    return []
  }
}

/** Runs inside of texts. */
function piecesOf(texts: readonly string[]): string[] {
  return texts.flatMap((text) => [text, text.slice(0, 3), text.slice(-3)]).filter((piece) => piece !== '')
}

/** Letters and signs of an expression that stand for themselves, and words of them. */
function literalsOf(source: string): string[] {
  const plain = source
    .replaceAll(/\\[pP]\{[^}]*\}|\\u[\da-fA-F]{4}|\(\?<?[!=:]|\\[dwsbDWSB]/g, ' ')
    .replaceAll('\\', '')
  return [
    ...new Set([...(plain.match(/\w{2,}/g) ?? []), ...plain.split('')].filter((each) => each.trim() !== '')),
  ].slice(0, MOST_CHARACTERS)
}

function found(): { readonly place: string; readonly expression: RegExp }[] {
  return filesUnder(root, 'src', '.ts').flatMap((file) =>
    expressionsOf(readFileSync(join(root, file), 'utf8')).map(({ source, flags, line }) => ({
      place: `${file}:${line} /${source}/${flags}`,
      expression: new RegExp(source, flags),
    })),
  )
}

// What the test has to see: all of them were in the source once, or might have been.
for (const slow of [
  /([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g,
  /eyJ[\w-]+\.[\w-]+\.[\w-]*/g,
  /(?<![A-Za-z0-9_])eyJ[\w-]*(?:\.[\w-]*)?$/,
  /\s+$/,
  /^(?:a|b)*(?:a|c)*$/,
  /\d+\.\d+\.\d+\.\d+$/,
]) {
  test(`a search that begins anew at each character is found: ${slow.source}`, () => {
    assert.notEqual(slowText(slow), undefined)
  })
}

test('every regular expression of the source takes time in proportion to its text', () => {
  const all = found()
  assert.ok(all.length > 60, `only ${all.length} were found`)
  const slow = all.flatMap(({ place, expression }) => {
    const text = slowText(expression)
    return text === undefined ? [] : [`${place} takes long for ${JSON.stringify(text)}`]
  })
  assert.deepEqual(slow, [])
})
