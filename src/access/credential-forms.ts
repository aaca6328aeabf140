/**
 * What passwords are made into, as text, and how each kind is recognised: in password files, in files of users, in the
 * Store. What each may cost is in `credential-costs.ts`.
 *
 * | begins with            | kind                                                                       |
 * | ---------------------- | -------------------------------------------------------------------------- |
 * | `$6$`                  | sha-512-crypt, as `mkpasswd` and the ancestor's passlib make it              |
 * | `$6$`, ends in `==`    | Mosquitto's own: base64 salt, base64 of one SHA-512 over password and salt   |
 * | `$5$`                  | sha-256-crypt                                                              |
 * | `$7$`                  | Mosquitto's PBKDF2-HMAC-SHA512: iterations, base64 salt, base64 key          |
 * | `$2a$` `$2b$` `$2y$`   | bcrypt                                                                     |
 * | `$argon2id$`           | Argon2id as PHC text                                                       |
 * | `SCRAM-SHA-256$`       | credentials for SCRAM (RFC 5802), in the form of PostgreSQL                |
 *
 * @module
 */

/** The kinds of hash, and how each is recognised. */
const KINDS = {
  'sha512-crypt': /^\$6\$(?:rounds=\d{1,15}\$)?[./0-9A-Za-z]{0,16}\$[./0-9A-Za-z]{86}$/,
  'sha256-crypt': /^\$5\$(?:rounds=\d{1,15}\$)?[./0-9A-Za-z]{0,16}\$[./0-9A-Za-z]{43}$/,
  'mosquitto-sha512': /^\$6\$[A-Za-z0-9+/]+={0,2}\$[A-Za-z0-9+/]{86}==$/,
  'mosquitto-pbkdf2': /^\$7\$[1-9]\d{0,14}\$[A-Za-z0-9+/]+={0,2}\$[A-Za-z0-9+/]{86}==$/,
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

/** Iterations, salt, StoredKey and ServerKey. */
export const SCRAM_FORM =
  /^SCRAM-SHA-256\$(\d{4,15}):([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]{43}=):([A-Za-z0-9+/]{43}=)$/
