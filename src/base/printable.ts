/**
 * Escapes text for a terminal, a log or an error. Text from a peer may contain characters that move the cursor, end a
 * line, or reverse the direction of the text, and so forge what an operator reads.
 *
 * | escaped                    | why                                                                       |
 * | -------------------------- | ------------------------------------------------------------------------- |
 * | C0, DEL, C1                | terminals obey them: ESC and U+009B begin commands, CR and LF begin lines |
 * | U+2028, U+2029             | lines end there for some viewers                                          |
 * | bidi controls              | text is displayed in a different order (U+202E reverses it)               |
 * | zero-width and tags        | nothing is displayed: two names that differ look the same                 |
 * | U+FFF9 to U+FFFB           | the text between them is displayed elsewhere, or not at all               |
 * | lone surrogates            | they cannot be encoded in UTF-8                                           |
 *
 * Escapes look as in JSON, `\u001b`. Escaped text remains unchanged when it is escaped again.
 *
 * @module
 */
import { withoutTokens, withoutUnfinishedToken } from './redact.ts'

/** The number of characters of a peer's text that are shown. */
export const MAX_SHOWN_LENGTH = 200

/**
 * The table above. `\p{Cc}` is C0, DEL and C1; `\p{Default_Ignorable_Code_Point}` is what Unicode says is not
 * displayed: bidi controls, joiners and other zero-width characters, soft hyphens, fillers, variation selectors and
 * tags.
 */
const UNSAFE_CHARACTER = String.raw`\p{Cc}|\p{Default_Ignorable_Code_Point}|[\u2028\u2029\ufff9-\ufffb]|\p{Surrogate}`
const UNSAFE = new RegExp(UNSAFE_CHARACTER, 'gu')
/** All except line feed and tab. */
const UNSAFE_IN_LINES = new RegExp(String.raw`(?![\t\n])(?:${UNSAFE_CHARACTER})`, 'gu')
/** Most texts, which stay as they are. */
const PLAIN = /^[ -~]*$/

/**
 * Escapes a text so that it fits on one line.
 *
 * @example
 * printable('a\r\nb\u001b[2J\u202e') // 'a\\u000d\\u000ab\\u001b[2J\\u202e'
 * printable('Grüße 👋') // 'Grüße 👋'
 */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : text.replace(UNSAFE, escape)
}

/** The same for text with several lines: line feeds and tabs stay. */
export function printableLines(text: string): string {
  return PLAIN.test(text) ? text : text.replace(UNSAFE_IN_LINES, escape)
}

/** One or two units of UTF-16, each as in JSON. */
function escape(character: string): string {
  return Array.from({ length: character.length }, (_, at) => unitEscape(character.charCodeAt(at))).join('')
}

function unitEscape(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}

/**
 * Prepares text from a peer for output: it is first truncated, so that no more work is done than necessary; then tokens
 * are removed; then it is put on one line.
 *
 * @example
 * safeExcerpt('x'.repeat(1000), 10) // 'xxxxxxxxxx… (990 more)'
 * safeExcerpt('eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZXRlciJ9.c2ln') // '(token)'
 */
export function safeExcerpt(text: string, maxLength: number = MAX_SHOWN_LENGTH): string {
  if (text.length <= maxLength) return printable(withoutTokens(text))
  const end = isHighSurrogate(text.charCodeAt(maxLength - 1)) ? maxLength - 1 : maxLength
  const shown = withoutUnfinishedToken(withoutTokens(text.slice(0, end)))
  return `${printable(shown)}… (${text.length - end} more)`
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00
}
