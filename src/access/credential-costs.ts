/**
 * What a hash may cost. Hashes that other tools have made come with their own costs, and a check is done in one piece:
 * with the most of each, it takes about two seconds of the thread that checks passwords.
 *
 * | kind                           | cost                 | at most                                    |
 * | ------------------------------ | -------------------- | ------------------------------------------ |
 * | sha-512-crypt, sha-256-crypt   | rounds               | 1,000,000 (passlib makes 656,000)          |
 * | Mosquitto's PBKDF2             | iterations           | 2,000,000 (OWASP recommends 210,000)       |
 * | bcrypt                         | cost, of two's power | 14                                         |
 * | Argon2id                       | memory               | 262,144 KiB (OWASP recommends 47,104)      |
 * |                                | passes               | 10                                         |
 * |                                | lanes                | 16                                         |
 * | SCRAM-SHA-256                  | iterations           | 1,000,000: they are computed by the client |
 *
 * @module
 */
import { passwordHashKind, SCRAM_FORM, type PasswordHashKind } from './credential-forms.ts'

interface Cost {
  readonly what: string
  readonly form: RegExp
  readonly max: number
}

const CRYPT_COSTS: readonly Cost[] = [{ what: 'rounds', form: /^\$[56]\$rounds=(\d+)\$/, max: 1_000_000 }]
export const MAX_PBKDF2_ITERATIONS = 2_000_000

const COSTS: Readonly<Record<PasswordHashKind, readonly Cost[]>> = {
  'sha512-crypt': CRYPT_COSTS,
  'sha256-crypt': CRYPT_COSTS,
  'mosquitto-sha512': [],
  'mosquitto-pbkdf2': [{ what: 'iterations of PBKDF2', form: /^\$7\$(\d+)\$/, max: MAX_PBKDF2_ITERATIONS }],
  bcrypt: [{ what: 'as the cost of bcrypt', form: /^\$2[aby]\$(\d+)\$/, max: 14 }],
  argon2id: [
    { what: 'KiB of memory for Argon2id', form: /[$,]m=(\d+)/, max: 262_144 },
    { what: 'passes of Argon2id', form: /[$,]t=(\d+)/, max: 10 },
    { what: 'lanes of Argon2id', form: /[$,]p=(\d+)/, max: 16 },
  ],
}

const SCRAM_COST: Cost = { what: 'iterations of SCRAM-SHA-256', form: SCRAM_FORM, max: 1_000_000 }

/**
 * What is wrong with the cost of a password hash.
 *
 * @returns after its subject; `undefined` if nothing is, or if the hash is of no known kind
 *
 * @example
 * costProblem('$2b$31$' + 'a'.repeat(53)) // 'asks for 31 as the cost of bcrypt, and at most 14 are accepted'
 */
export function costProblem(hash: string): string | undefined {
  const kind = passwordHashKind(hash)
  return kind === undefined ? undefined : firstProblem(hash, COSTS[kind])
}

/** The same for credentials for SCRAM. */
export function scramCostProblem(credentials: string): string | undefined {
  return firstProblem(credentials, [SCRAM_COST])
}

function firstProblem(text: string, costs: readonly Cost[]): string | undefined {
  for (const { what, form, max } of costs) {
    const [, digits = '0'] = form.exec(text) ?? []
    if (Number(digits) > max) return problemOf(Number(digits), what, max)
  }
  return undefined
}

/** The text for a value that is more than the limit. */
export function problemOf(value: number, what: string, max: number): string {
  return `asks for ${value} ${what}, and at most ${max} are accepted`
}
