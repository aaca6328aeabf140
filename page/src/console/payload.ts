/** Payloads as people write and read them. @module */

/** How a payload is written. */
export type PayloadFormat = 'text' | 'json' | 'hex' | 'base64'

/** How it is shown. */
export type PayloadView = 'text' | 'json' | 'hex'

/** Bytes that are shown; a browser would take seconds to lay out more. */
export const SHOWN_BYTES = 64 * 1024
const LINE_BYTES = 16
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lenient = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * The bytes of what was written.
 *
 * @throws {Error} with a sentence about what is wrong
 */
export function bytesOf(written: string, format: PayloadFormat): Uint8Array {
  if (format === 'hex') return hexBytes(written)
  if (format === 'base64') return base64Bytes(written)
  if (format === 'json') checkJson(written)
  return new TextEncoder().encode(written)
}

/** @throws {Error} */
export function hexBytes(written: string): Uint8Array {
  const digits = written.replaceAll(/\s+|0x/gi, '')
  if (!/^[\da-f]*$/i.test(digits)) throw new Error('Hexadecimal has the digits 0 to 9 and a to f.')
  if (digits.length % 2 > 0) throw new Error('Hexadecimal has two digits for each byte.')
  return Uint8Array.from({ length: digits.length / 2 }, (_, at) => parseInt(digits.slice(2 * at, 2 * at + 2), 16))
}

function base64Bytes(written: string): Uint8Array {
  try {
    return Uint8Array.from(atob(written.replaceAll(/\s+/g, '')), (character) => character.charCodeAt(0))
  } catch {
    throw new Error('This is not base64.')
  }
}

function checkJson(written: string): void {
  try {
    JSON.parse(written)
  } catch (error) {
    throw new Error(`This is not JSON: ${(error as Error).message}`, { cause: error })
  }
}

/** @returns `undefined` for bytes that are no UTF-8 */
export function textOf(payload: Uint8Array): string | undefined {
  try {
    return strict.decode(payload)
  } catch {
    return undefined
  }
}

/**
 * How a payload is shown unless somebody chooses: JSON if it is an object or a list, text if it is one, bytes
 * otherwise.
 */
export function usualView(payload: Uint8Array): PayloadView {
  const text = textOf(payload)
  if (text === undefined || payload.some(isControl)) return 'hex'
  return /^\s*[[{]/.test(text) && prettyJson(text) !== undefined ? 'json' : 'text'
}

/** Tabs and line ends are text. */
function isControl(byte: number): boolean {
  return byte < 0x09 || (byte > 0x0d && byte < 0x20)
}

/** @returns `undefined` if it cannot be shown so */
export function shown(payload: Uint8Array, view: PayloadView): string | undefined {
  if (view === 'hex') return hexLines(payload.subarray(0, SHOWN_BYTES))
  const isShort = payload.length <= SHOWN_BYTES
  const text = isShort ? textOf(payload) : lenient.decode(payload.subarray(0, SHOWN_BYTES))
  if (view === 'text') return text ?? lenient.decode(payload)
  return text === undefined || !isShort ? undefined : prettyJson(text)
}

function prettyJson(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2)
  } catch {
    return undefined
  }
}

/** `00000010  68 65 6c 6c 6f                                    hello` */
function hexLines(payload: Uint8Array): string {
  const lines: string[] = []
  for (let at = 0; at < payload.length; at += LINE_BYTES) {
    const line = payload.subarray(at, at + LINE_BYTES)
    const digits = Array.from(line, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const characters = Array.from(line, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join(
      '',
    )
    lines.push(`${at.toString(16).padStart(8, '0')}  ${digits.padEnd(LINE_BYTES * 3)} ${characters}`)
  }
  return lines.join('\n')
}

/** One line of it, for lists. */
export function excerpt(payload: Uint8Array, length = 120): string {
  const part = payload.subarray(0, length * 4)
  const text = lenient.decode(part)
  if (textOf(payload.length > part.length ? part.subarray(0, length) : part) === undefined) {
    return Array.from(part.subarray(0, length / 3), (byte) => byte.toString(16).padStart(2, '0')).join(' ')
  }
  return text.slice(0, length).replaceAll(/\s+/g, ' ')
}
