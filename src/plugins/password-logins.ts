/**
 * Logins with a user name and a password, whatever the hashes come from: a file (`auth.file`), or the broker's own
 * store (`auth.store`).
 *
 * Allows or denies a user that exists; has no opinion on any other name, on a CONNECT without a name, and on one with
 * an Authentication Method. For a name that does not exist a password is checked all the same, so that the response
 * time does not reveal which users exist. Checks run in a separate thread, a few at a time, while the others queue. A
 * correct password is remembered for a short time.
 *
 * @module
 */
import type { AuthenticationAnswer, Client, ConnectRequest, LoginCheck } from '../access/plugin.ts'
import { evidenceOf, isStillValid } from './evidence.ts'
import type { LoginCache } from './login-cache.ts'
import type { PasswordVerifier } from './password-verifier.ts'

/** How long a correct password is remembered by default. */
export const DEFAULT_PASSWORD_CACHE_MS = 60_000
/** One that runs and one that follows, so that the thread does not have to wait. */
export const DEFAULT_PASSWORD_CHECKS = 2

/** Where the hashes are. */
export interface PasswordSource {
  /** The hash of a user; `undefined` if there is no such user. */
  hashOf(user: string): string | undefined
  /** What to check a password against for a name that does not exist; `undefined` if there are no users at all. */
  decoyFor(user: string): string | undefined
}

export interface PasswordParts {
  readonly verifier: PasswordVerifier
  /** Correct passwords, by user, hash and password. */
  readonly cache: LoginCache<true>
}

export class PasswordLogins {
  readonly #source: PasswordSource
  readonly #parts: PasswordParts

  constructor(source: PasswordSource, parts: PasswordParts) {
    this.#source = source
    this.#parts = parts
  }

  authenticate(request: ConnectRequest): AuthenticationAnswer | LoginCheck | undefined {
    const { userName, password, authenticationMethod } = request
    if (userName === undefined || authenticationMethod !== undefined) return undefined
    const { cache } = this.#parts
    const hash = this.#source.hashOf(userName)
    if (password === undefined) return hash === undefined ? undefined : { decision: 'deny', cause: 'no password' }
    const checked = hash ?? this.#source.decoyFor(userName)
    if (checked === undefined) return undefined
    // The hash is part of the key, so that a new hash in the file invalidates the old password at once.
    const isRemembered = cache.get([userName, checked, password])
    if (hash !== undefined && isRemembered === true) return allow(userName, hash)
    // Copied, because the bytes may be a view of a chunk that is reused before the answer arrives.
    const copy = Uint8Array.from(password)
    if (hash === undefined) return { decision: 'check', isDecoy: true, check: () => this.#checkDecoy(copy, checked) }
    return { decision: 'check', check: () => this.#check(userName, copy, hash) }
  }

  mayStay({ claimedUserName }: Client, evidence: unknown): boolean | undefined {
    // The client was admitted as anonymous; its name now belongs to a user whose password it has not sent.
    if (claimedUserName !== undefined && this.#source.hashOf(claimedUserName) !== undefined) return false
    return isStillValid(evidence, (user) => this.#source.hashOf(user))
  }

  async close(): Promise<void> {
    await this.#parts.verifier.close()
  }

  async #check(userName: string, password: Uint8Array, hash: string): Promise<AuthenticationAnswer> {
    const { verifier, cache } = this.#parts
    if (!(await verifier.verify(password, hash))) return { decision: 'deny', cause: 'wrong password' }
    cache.set([userName, hash, password], true)
    return allow(userName, hash)
  }

  /** Does the same work for a name that does not exist. */
  async #checkDecoy(password: Uint8Array, hash: string): Promise<undefined> {
    await this.#parts.verifier.verify(password, hash)
  }
}

function allow(userName: string, hash: string): AuthenticationAnswer {
  return { decision: 'allow', evidence: evidenceOf(userName, hash) }
}
