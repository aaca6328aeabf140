/**
 * Password files: one `user:hash` a line; blank lines and lines that begin with `#` count for nothing. The form that
 * Mosquitto's files have, and the ancestor's.
 *
 * @module
 */
import { ConfigError } from '../base/errors.ts'
import { passwordHashKind } from './password-hash.ts'

/** User Name to password hash. */
export type PasswordEntries = ReadonlyMap<string, string>

/**
 * Reads the text of a password file.
 *
 * @throws {ConfigError} `ERR_CONFIG_FILE` that names the bad line by number, without its content
 *
 * @example
 * parsePasswordFile('# nobody yet\n\n').size // 0
 */
export function parsePasswordFile(text: string): PasswordEntries {
  const entries = new Map<string, string>()
  const lineOf = new Map<string, number>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const number = index + 1
    const colon = line.indexOf(':')
    if (colon < 1) throw badLine(number, 'is not of the form user:hash')
    const user = line.slice(0, colon)
    const hash = line.slice(colon + 1).trim()
    if (passwordHashKind(hash) === undefined) throw badLine(number, 'has a hash of no known kind; see `sluice passwd`')
    if (entries.has(user)) throw badLine(number, `has the user of line ${lineOf.get(user)} again`)
    entries.set(user, hash)
    lineOf.set(user, number)
  }
  return entries
}

function badLine(number: number, problem: string): ConfigError {
  return new ConfigError('ERR_CONFIG_FILE', `line ${number} ${problem}`)
}
