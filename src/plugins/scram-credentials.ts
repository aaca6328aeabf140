/**
 * The credentials of a user that a server stores for SCRAM-SHA-256 (RFC 5802 §3, RFC 7677), in the text form of
 * PostgreSQL:
 *
 *   SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey        (base64)
 *
 * Neither the password nor anything that could be used to log in can be computed from them.
 *
 * @module
 */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { scramCostProblem } from '../access/credential-costs.ts'
import { SCRAM_FORM } from '../access/credential-forms.ts'
import { LineProblems, linesOf } from '../config/text-file.ts'

export interface ScramCredentials {
  readonly iterations: number
  readonly salt: Uint8Array
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** The count of new credentials, and the one that is sent for users that do not exist (RFC 7677 §4). */
export const SCRAM_ITERATIONS = 4096
export const SCRAM_SALT_BYTES = 16

const KEY_BYTES = 32

/**
 * Derives the stored credentials from a password, which is first normalized (NFKC, equivalent to SASLprep for what
 * people type).
 *
 * @param iterations at least 4096 (RFC 7677 §4)
 */
export function deriveScramCredentials(password: string, salt: Uint8Array, iterations: number): ScramCredentials {
  const salted = pbkdf2Sync(password.normalize('NFKC'), salt, iterations, KEY_BYTES, 'sha256')
  const storedKey = sha256(hmacSha256(salted, 'Client Key'))
  return { iterations, salt, storedKey, serverKey: hmacSha256(salted, 'Server Key') }
}

export function formatScramCredentials({ iterations, salt, storedKey, serverKey }: ScramCredentials): string {
  return `SCRAM-SHA-256$${iterations}:${base64(salt)}$${base64(storedKey)}:${base64(serverKey)}`
}

/** @returns `undefined` for a text of another form */
export function parseScramCredentials(text: string): ScramCredentials | undefined {
  const parts = SCRAM_FORM.exec(text)
  if (parts === null) return undefined
  const [iterations, ...bytes] = parts.slice(1)
  const [salt, storedKey, serverKey] = bytes.map((part) => Buffer.from(part, 'base64'))
  return { iterations: Number(iterations), salt: salt!, storedKey: storedKey!, serverKey: serverKey! }
}

/**
 * Parses a file of `user:SCRAM-SHA-256$…` lines; blank lines and lines that begin with `#` are ignored.
 *
 * @throws {ConfigError} `ERR_CONFIG_FILE` that names every invalid line by number, without its content
 */
export function parseScramFile(file: string): ReadonlyMap<string, ScramCredentials> {
  const users = new Map<string, ScramCredentials>()
  const problems = new LineProblems()
  for (const [index, line] of linesOf(file).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const colon = line.indexOf(':')
    const user = line.slice(0, colon).trim()
    const text = line.slice(colon + 1).trim()
    const credentials = colon < 1 ? undefined : parseScramCredentials(text)
    const costs = scramCostProblem(text)
    if (credentials !== undefined && costs !== undefined) {
      problems.add(index + 1, `${costs}; \`sluice passwd --kind scram-sha-256 FILE USER\` writes a line that works`)
    } else if (credentials === undefined) problems.add(index + 1, 'does not have the form user:SCRAM-SHA-256$…')
    else if (users.has(user)) problems.add(index + 1, 'repeats a user')
    else users.set(user, credentials)
  }
  problems.throwIfAny()
  return users
}

export function hmacSha256(key: Uint8Array, text: string): Uint8Array {
  return createHmac('sha256', key).update(text).digest()
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest()
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
