/**
 * Password hashes: recognises every kind that a password file may contain, and verifies passwords.
 *
 * | begins with            | kind                                                                       |
 * | ---------------------- | -------------------------------------------------------------------------- |
 * | `$6$`                  | sha-512-crypt, as `mkpasswd` and the ancestor's passlib make it              |
 * | `$6$`, ends in `==`    | Mosquitto's own: base64 salt, base64 of one SHA-512 over password and salt   |
 * | `$5$`                  | sha-256-crypt                                                              |
 * | `$7$`                  | Mosquitto's PBKDF2-HMAC-SHA512: iterations, base64 salt, base64 key          |
 * | `$2a$` `$2b$` `$2y$`   | bcrypt                                                                     |
 * | `$argon2id$`           | Argon2id as PHC text                                                       |
 *
 * A check takes 1 to 100 ms of processor time without a break, so only the worker thread performs it
 * (`password-worker.ts`). The package for a kind is loaded with the first hash of that kind.
 *
 * @module
 */
import { isUtf8 } from 'node:buffer'
import { createHash, pbkdf2Sync, timingSafeEqual } from 'node:crypto'
import { UsageError } from '../base/errors.ts'
import { realClock } from '../turn/clock.ts'
import {
  deriveScramCredentials,
  formatScramCredentials,
  SCRAM_ITERATIONS,
  SCRAM_SALT_BYTES,
} from './scram-credentials.ts'

/** The kinds of hash, and how each is recognised. */
const KINDS = {
  'sha512-crypt': /^\$6\$(?:rounds=\d{1,9}\$)?[./0-9A-Za-z]{0,16}\$[./0-9A-Za-z]{86}$/,
  'sha256-crypt': /^\$5\$(?:rounds=\d{1,9}\$)?[./0-9A-Za-z]{0,16}\$[./0-9A-Za-z]{43}$/,
  'mosquitto-sha512': /^\$6\$[A-Za-z0-9+/]+={0,2}\$[A-Za-z0-9+/]{86}==$/,
  'mosquitto-pbkdf2': /^\$7\$[1-9]\d{0,7}\$[A-Za-z0-9+/]+={0,2}\$[A-Za-z0-9+/]{86}==$/,
  bcrypt: /^\$2[aby]\$(?:0[4-9]|[12]\d|3[01])\$[./0-9A-Za-z]{53}$/,
  argon2id: /^\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+$/,
} as const

export type PasswordHashKind = keyof typeof KINDS

/**
 * Returns the kind of a hash.
 *
 * @returns `undefined` for a text of no known kind
 *
 * @example
 * passwordHashKind('$2b$10$' + 'a'.repeat(53)) // 'bcrypt'
 * @example
 * passwordHashKind('plain text') // undefined
 */
export function passwordHashKind(hash: string): PasswordHashKind | undefined {
  for (const [kind, shape] of Object.entries(KINDS)) if (shape.test(hash)) return kind as PasswordHashKind
  return undefined
}

/** Longer passwords never match: the cost of a check grows with the length, which the client chooses. */
export const MAX_PASSWORD_BYTES = 1024

/**
 * Checks a password against a hash, in constant time for its kind. Passwords that are not UTF-8 never match: no tool
 * hashes them, and some of the packages would read them as another text.
 */
export async function verifyPassword(password: Uint8Array, hash: string): Promise<boolean> {
  const kind = passwordHashKind(hash)
  if (kind === undefined || password.length > MAX_PASSWORD_BYTES || !isUtf8(password)) return false
  return VERIFIERS[kind](password, hash)
}

/**
 * Hashes a password, for a line of a password file. Takes 10 to 300 ms.
 *
 * @param kind any except `mosquitto-sha512`, which can be tried at a million guesses a second
 * @throws {UsageError} for an empty password, and for one of more than {@link MAX_PASSWORD_BYTES}
 *
 * @example
 * const hash = await hashPassword('correct horse', 'bcrypt')
 * await verifyPassword(Buffer.from('correct horse'), hash) // true
 */
export async function hashPassword(password: string, kind: WritablePasswordHashKind = 'argon2id'): Promise<string> {
  if (password === '') throw new UsageError('the password must not be empty')
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) {
    throw new UsageError(`the password must not have more than ${MAX_PASSWORD_BYTES} bytes`)
  }
  return HASHERS[kind](password)
}

/** `scram-sha-256` is for the file of `auth.scram`, the others are for that of `auth.file`. */
export type WritablePasswordHashKind = Exclude<PasswordHashKind, 'mosquitto-sha512'> | 'scram-sha-256'

/** The kinds that `hashPassword` produces, the default first. */
export const WRITABLE_PASSWORD_HASH_KINDS: readonly WritablePasswordHashKind[] = [
  'argon2id',
  'bcrypt',
  'sha512-crypt',
  'sha256-crypt',
  'mosquitto-pbkdf2',
  'scram-sha-256',
]

/** Costs recommended by OWASP, for kinds that have them. */
const ARGON2ID_COST = { memoryCost: 47_104, timeCost: 1, parallelism: 1 }
const BCRYPT_COST = 10
const PBKDF2_ITERATIONS = 210_000

const HASHERS: Readonly<Record<WritablePasswordHashKind, (password: string) => string | Promise<string>>> = {
  argon2id: async (password) => (await import('@node-rs/argon2')).hashSync(password, ARGON2ID_COST),
  bcrypt: async (password) => (await import('bcryptjs')).hash(password, BCRYPT_COST),
  'sha512-crypt': async (password) => (await import('unixcrypt')).encrypt(password, `$6$${cryptSalt()}`),
  'sha256-crypt': async (password) => (await import('unixcrypt')).encrypt(password, `$5$${cryptSalt()}`),
  'mosquitto-pbkdf2': (password) => {
    const salt = randomBytes(64)
    const key = pbkdf2Sync(password, salt, PBKDF2_ITERATIONS, 64, 'sha512')
    return `$7$${PBKDF2_ITERATIONS}$${salt.toString('base64')}$${key.toString('base64')}`
  },
  'scram-sha-256': (password) =>
    formatScramCredentials(deriveScramCredentials(password, randomBytes(SCRAM_SALT_BYTES), SCRAM_ITERATIONS)),
}

function randomBytes(length: number): Buffer {
  return Buffer.from(realClock.randomBytes(length))
}

/** Sixteen letters, 96 bits; crypt's alphabet has `.` instead of base64's `+`. */
function cryptSalt(): string {
  return randomBytes(12).toString('base64').replaceAll('+', '.')
}

type Verifier = (password: Uint8Array, hash: string) => boolean | Promise<boolean>

const VERIFIERS: Readonly<Record<PasswordHashKind, Verifier>> = {
  'sha512-crypt': verifyCrypt,
  'sha256-crypt': verifyCrypt,
  'mosquitto-sha512': (password, hash) => {
    const [, , salt, digest] = hash.split('$')
    const actual = createHash('sha512').update(password).update(Buffer.from(salt!, 'base64')).digest()
    return timingSafeEqual(actual, Buffer.from(digest!, 'base64'))
  },
  'mosquitto-pbkdf2': (password, hash) => {
    const [, , iterations, salt, key] = hash.split('$')
    const expected = Buffer.from(key!, 'base64')
    const saltBytes = Buffer.from(salt!, 'base64')
    return timingSafeEqual(pbkdf2Sync(password, saltBytes, Number(iterations), expected.length, 'sha512'), expected)
  },
  bcrypt: async (password, hash) =>
    (await import('bcryptjs')).compareSync(Buffer.from(password).toString('utf8'), hash),
  argon2id: async (password, hash) => (await import('@node-rs/argon2')).verifySync(hash, password),
}

async function verifyCrypt(password: Uint8Array, hash: string): Promise<boolean> {
  return (await import('unixcrypt')).verify(Buffer.from(password).toString('utf8'), hash)
}
