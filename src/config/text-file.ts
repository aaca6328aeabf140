/**
 * Text files that people write: configuration, passwords, rules, certificates, keys. Editors mark some of them with a byte
 * order mark, which is not part of the text; a reader that keeps it takes it for the first letter of the first name. So every
 * such file is read here.
 *
 *   EF BB BF       UTF-8       Windows editors, `Export-Csv`
 *   FF FE, FE FF   UTF-16      "Unicode" of older Windows editors, `>` of Windows PowerShell
 *   none           UTF-8       everything else
 *
 * @module
 */
import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { ConfigError } from '../base/errors.ts'

/** Bad lines that one message names; the rest is counted. */
const MAX_NAMED_LINES = 100

/**
 * The text that a file's bytes are.
 *
 * @throws {ConfigError} `ERR_CONFIG_FILE` that names the first line which is not UTF-8
 *
 * @example
 * decodeText(Buffer.from('\ufeffann:x')) // 'ann:x'
 * decodeText(Buffer.from([0xff, 0xfe, 0x61, 0x00])) // 'a'
 * decodeText(Buffer.from([0x61, 0xfc])) // throws ERR_CONFIG_FILE
 */
export function decodeText(bytes: Uint8Array): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : bytes[0] === 0xfe && bytes[1] === 0xff && 'utf-16be'
  if (encoding !== false) return new TextDecoder(encoding).decode(bytes)
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes)
  throw new ConfigError('ERR_CONFIG_FILE', `line ${firstBadLine(bytes)} is not UTF-8 text; save the file as UTF-8`)
}

/** PEM is ASCII between its marks; what stands around them (the subject in plain words) may be in any encoding. */
export function decodePem(bytes: Uint8Array): string {
  const hasMark = bytes[0] === 0xff || bytes[0] === 0xfe || isUtf8(bytes)
  return hasMark ? decodeText(bytes) : Buffer.from(bytes).toString('latin1')
}

/** @throws what reading a file throws, and as `decodeText` */
export async function readText(path: string): Promise<string> {
  return decodeText(await readFile(path))
}

/** @throws what reading a file throws, and as `decodeText` */
export function readTextSync(path: string): string {
  return decodeText(readFileSync(path))
}

/** A line feed byte is never part of another character in UTF-8, so that lines may be looked at one by one. */
function firstBadLine(bytes: Uint8Array): number {
  let line = 1
  for (let start = 0; ; line++) {
    const end = bytes.indexOf(0x0a, start)
    if (end < 0 || !isUtf8(bytes.subarray(start, end))) return line
    start = end + 1
  }
}

/** The lines of a text, whichever way they end. */
export function linesOf(text: string): string[] {
  return text.split(/\r?\n/)
}

/** What is wrong with the lines of a file: gathered first, thrown at once, so that one look at the file mends all of it. */
export class LineProblems {
  readonly #messages: string[] = []
  #further = 0

  /** @param line counted from 1 */
  add(line: number, problem: string): void {
    if (this.#messages.length < MAX_NAMED_LINES) this.#messages.push(`line ${line} ${problem}`)
    else this.#further++
  }

  /** @throws {ConfigError} `ERR_CONFIG_FILE` with a problem for each bad line */
  throwIfAny(): void {
    if (this.#messages.length === 0) return
    const rest = this.#further === 0 ? [] : [`and ${this.#further} further lines`]
    const messages = [...this.#messages, ...rest]
    throw new ConfigError('ERR_CONFIG_FILE', messages.join('\n'), {
      problems: messages.map((message) => ({ path: '', message })),
    })
  }
}
