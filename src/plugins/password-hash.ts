/**
 * Password hashes: every kind that a password file may bring along, told apart by its looks, and checked.
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
 * Checking takes 1 to 100 ms of processor time in one piece, which is why only the worker thread does it
 * (`password-worker.ts`). The packages are loaded when the first hash of their kind is met.
 *
 * @module
 */
import { isUtf8 } from 'node:buffer'
import { createHash, pbkdf2Sync, timingSafeEqual } from 'node:crypto'

/** What kinds of hash there are, each with how to recognize it. */
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
 * Tells of what kind a hash is.
 *
 * @returns `undefined` for anything that is none
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

/** Longer passwords match nothing: the cost of a check grows with the length, and the sender chooses that. */
export const MAX_PASSWORD_BYTES = 1024

/**
 * Checks one password against one hash, in constant time for its kind. Passwords that are not UTF-8 match nothing: no tool
 * makes a hash of one, and some of the packages would read them as other text.
 */
export async function verifyPassword(password: Uint8Array, hash: string): Promise<boolean> {
  const kind = passwordHashKind(hash)
  if (kind === undefined || password.length > MAX_PASSWORD_BYTES || !isUtf8(password)) return false
  return VERIFIERS[kind](password, hash)
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
  bcrypt: async (password, hash) => (await import('@node-rs/bcrypt')).verifySync(password, hash),
  argon2id: async (password, hash) => (await import('@node-rs/argon2')).verifySync(hash, password),
}

async function verifyCrypt(password: Uint8Array, hash: string): Promise<boolean> {
  return (await import('unixcrypt')).verify(Buffer.from(password).toString('utf8'), hash)
}
