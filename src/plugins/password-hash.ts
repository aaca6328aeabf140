/**
 * Password hashes: verifies passwords against every kind that `access/credential-forms.ts` lists, and hashes new ones.
 *
 * A check takes 1 to 100 ms of processor time without a break, so only the worker thread performs it
 * (`password-worker.ts`). The package for a kind is loaded with the first hash of that kind.
 *
 * @module
 */
import { isUtf8 } from 'node:buffer'
import { createHash, pbkdf2Sync, timingSafeEqual } from 'node:crypto'
import { UsageError } from '../base/errors.ts'
import { costProblem } from '../access/credential-costs.ts'
import { passwordHashKind, type PasswordHashKind } from '../access/credential-forms.ts'
import { realClock } from '../turn/clock.ts'
import {
  deriveScramCredentials,
  formatScramCredentials,
  SCRAM_ITERATIONS,
  SCRAM_SALT_BYTES,
} from './scram-credentials.ts'

/** Longer passwords never match: the cost of a check grows with the length, which the client chooses. */
export const MAX_PASSWORD_BYTES = 1024

/**
 * Checks a password against a hash, in constant time for its kind. A hash that costs more than `credential-costs.ts`
 * allows, from the Store of an earlier version, is not computed. Passwords that are not UTF-8 never match: no tool
 * hashes them, and some of the packages would read them as another text.
 *
 * @throws {UsageError} for a hash that costs too much
 */
export async function verifyPassword(password: Uint8Array, hash: string): Promise<boolean> {
  const kind = passwordHashKind(hash)
  if (kind === undefined || password.length > MAX_PASSWORD_BYTES || !isUtf8(password)) return false
  const problem = costProblem(hash)
  if (problem !== undefined) throw new UsageError(`the password hash ${problem}`)
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
