/**
 * Keeps tokens out of logs: some clients send theirs as the user name.
 *
 * A JSON Web Token consists of three runs of base64url characters separated by dots, and begins with `{"`:
 *
 *   user=eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl;       run '.' run '.' run, the last of which may be empty
 *        ^ start                           ^ end
 *
 * The text may come from a peer that has not logged in. This is therefore a scanner and not a regular expression, which
 * would search the rest of the text again at each `eyJ`: its time is linear in the length, whatever the text.
 *
 * @module
 */

/** How the scanner reads a character; tests count the calls. */
export type ReadCode = (text: string, at: number) => number

const HYPHEN = 0x2d
const DOT = 0x2e
const UNDERSCORE = 0x5f
/** `{"` in base64url. */
const TOKEN_START = [0x65, 0x79, 0x4a] as const

/**
 * An address in a form that may be logged: without user name, password, query and fragment, which may be secret.
 *
 * @example
 * withoutCredentials('https://ann:secret@example.com:8443/a?key=1') // 'https://example.com:8443/a'
 * withoutCredentials('mqtt://ann:secret@[::1]:1883') // 'mqtt://[::1]:1883'
 * withoutCredentials('nonsense') // 'nonsense'
 */
export function withoutCredentials(address: string): string {
  const [place = ''] = address.split(/[?#]/, 1)
  return place.replace(/^([a-z][a-z\d+.-]*:\/\/)[^/]*@/i, '$1')
}

/**
 * Replaces everything that looks like a JSON Web Token by `(token)`.
 *
 * @example
 * withoutTokens('eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZXRlciJ9.c2ln') // '(token)'
 * withoutTokens('meter-7') // 'meter-7'
 */
export function withoutTokens(text: string, read: ReadCode = readCode): string {
  if (!text.includes('eyJ')) return text
  let clean = ''
  let copied = 0
  for (let at = 0; at < text.length; at++) {
    const runEnd = endOfRun(text, at, read)
    const start = startOfToken(text, at, runEnd, read)
    const end = start < 0 ? -1 : endOfToken(text, runEnd, read)
    if (end < 0) {
      at = runEnd
      continue
    }
    clean += `${text.slice(copied, start)}(token)`
    copied = at = end
  }
  return copied === 0 ? text : clean + text.slice(copied)
}

/**
 * Replaces the beginning of a token at the end of a truncated text by `(token)`.
 *
 * @example
 * withoutUnfinishedToken('user eyJhbGciOi.eyJz') // 'user (token)'
 * withoutUnfinishedToken('user eyJhbGciOi; b') // 'user eyJhbGciOi; b'
 */
export function withoutUnfinishedToken(text: string, read: ReadCode = readCode): string {
  const begin = beginOfLastRuns(text, read)
  for (let at = begin; at + TOKEN_START.length <= text.length; at++) {
    const isBehind = at > begin && isWord(read(text, at - 1))
    if (!isBehind && TOKEN_START.every((code, offset) => read(text, at + offset) === code)) {
      return `${text.slice(0, at)}(token)`
    }
  }
  return text
}

/** The start of the run of base64url characters at the end of the text, including a preceding run and dot. */
function beginOfLastRuns(text: string, read: ReadCode): number {
  let begin = text.length
  for (let dots = 0; begin > 0; begin--) {
    const code = read(text, begin - 1)
    if (!isBase64Url(code) && !(code === DOT && dots++ === 0)) break
  }
  return begin
}

function readCode(text: string, at: number): number {
  return text.charCodeAt(at)
}

/** The end of the run of base64url characters that begins at `at`; `at` itself if there is none. */
function endOfRun(text: string, at: number, read: ReadCode): number {
  let end = at
  while (end < text.length && isBase64Url(read(text, end))) end++
  return end
}

/**
 * The position in a run at which a token may begin: at the start or after a hyphen, with characters after the `eyJ`. -1
 * for none.
 */
function startOfToken(text: string, runStart: number, runEnd: number, read: ReadCode): number {
  let mayBegin = true
  for (let at = runStart; at + TOKEN_START.length < runEnd; at++) {
    if (mayBegin && TOKEN_START.every((code, offset) => read(text, at + offset) === code)) return at
    mayBegin = read(text, at) === HYPHEN
  }
  return -1
}

/** The end of the token whose first part ends at `firstEnd`; -1 if it is not a token. */
function endOfToken(text: string, firstEnd: number, read: ReadCode): number {
  if (firstEnd >= text.length || read(text, firstEnd) !== DOT) return -1
  const secondEnd = endOfRun(text, firstEnd + 1, read)
  const isPart = secondEnd > firstEnd + 1 && secondEnd < text.length && read(text, secondEnd) === DOT
  return isPart ? endOfRun(text, secondEnd + 1, read) : -1
}

function isWord(code: number): boolean {
  return code !== HYPHEN && isBase64Url(code)
}

function isBase64Url(code: number): boolean {
  const letter = code | 0x20
  return (letter >= 0x61 && letter <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === HYPHEN || code === UNDERSCORE
}
