/**
 * Escapes text for a terminal, a log or an error. Text from a peer may contain characters that move the cursor, end a
 * line, or reverse the direction of the text, and so forge what an operator reads.
 *
 * | escaped         | why                                                                       |
 * | --------------- | ------------------------------------------------------------------------- |
 * | C0, DEL, C1     | terminals obey them: ESC and U+009B begin commands, CR and LF begin lines |
 * | U+2028, U+2029  | lines end there for some viewers                                          |
 * | bidi controls   | text is displayed in a different order (U+202E reverses it)               |
 * | lone surrogates | they cannot be encoded in UTF-8                                           |
 *
 * Escapes look as in JSON, `\u001b`. Escaped text remains unchanged when it is escaped again.
 *
 * @module
 */
import { withoutTokens, withoutUnfinishedToken } from './redact.ts'

/** The number of characters of a peer's text that are shown. */
export const MAX_SHOWN_LENGTH = 200

/** All except line feed and tab: `\p{Cc}` is C0, DEL and C1. */
const UNSAFE_IN_LINES = /(?![\t\n])\p{Cc}|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Surrogate}/gu
const UNSAFE = /\p{Cc}|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Surrogate}/gu

/**
 * Escapes a text so that it fits on one line.
 *
 * @example
 * printable('a\r\nb\u001b[2J\u202e') // 'a\\u000d\\u000ab\\u001b[2J\\u202e'
 * printable('Grüße 👋') // 'Grüße 👋'
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, escape)
}

/** The same for text with several lines: line feeds and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(UNSAFE_IN_LINES, escape)
}

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
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
