/**
 * Reads text files that people write: configuration, passwords, rules, certificates, keys. Some editors add a byte
 * order mark, which is not part of the text; a reader that keeps it takes it for the first letter of the first name.
 * All such files are therefore read here.
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

/** Invalid lines that one message names; the rest is counted. */
const MAX_NAMED_LINES = 100

/**
 * Decodes the bytes of a text file.
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

/** PEM is ASCII between its marks; the text around them (such as the subject) may have any encoding. */
export function decodePem(bytes: Uint8Array): string {
  const hasMark = bytes[0] === 0xff || bytes[0] === 0xfe || isUtf8(bytes)
  return hasMark ? decodeText(bytes) : Buffer.from(bytes).toString('latin1')
}

/** @throws an error of reading the file, or of `decodeText` */
export async function readText(path: string): Promise<string> {
  return decodeText(await readFile(path))
}

/** @throws an error of reading the file, or of `decodeText` */
export function readTextSync(path: string): string {
  return decodeText(readFileSync(path))
}

/** In UTF-8, a line feed byte is never part of another character, so lines can be checked one by one. */
function firstBadLine(bytes: Uint8Array): number {
  let line = 1
  for (let start = 0; ; line++) {
    const end = bytes.indexOf(0x0a, start)
    if (end < 0 || !isUtf8(bytes.subarray(start, end))) return line
    start = end + 1
  }
}

/** Splits a text into lines, whatever their line ends are. */
export function linesOf(text: string): string[] {
  return text.split(/\r?\n/)
}

/** Collects the problems of a file's lines, so that all of them are reported at once. */
export class LineProblems {
  readonly #messages: string[] = []
  #further = 0

  /** @param line counted from 1 */
  add(line: number, problem: string): void {
    if (this.#messages.length < MAX_NAMED_LINES) this.#messages.push(`line ${line} ${problem}`)
    else this.#further++
  }

  /** @throws {ConfigError} `ERR_CONFIG_FILE` with a problem for each invalid line */
  throwIfAny(): void {
    if (this.#messages.length === 0) return
    const rest = this.#further === 0 ? [] : [`and ${this.#further} further lines`]
    const messages = [...this.#messages, ...rest]
    throw new ConfigError('ERR_CONFIG_FILE', messages.join('\n'), {
      problems: messages.map((message) => ({ path: '', message })),
    })
  }
}
