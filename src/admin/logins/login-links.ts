/**
 * Links that log in an administrator once: for the first login, and for one who has lost the password.
 *
 *   http://127.0.0.1:8083/#token=Zm9vYmFy…      the page takes the token from the fragment, which no server is sent
 *
 * Only a hash of each token is kept, and only in memory.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { RecentMap } from '../../base/recent-map.ts'

/** How long a link is valid. */
export const LINK_LIFETIME_MS = 600_000
/** Links that have not been used; beyond it, the oldest becomes invalid. */
const MAX_LINKS = 10
const TOKEN_BYTES = 32

export interface LoginToken {
  readonly token: string
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number
}

export class LoginLinks {
  readonly #clock: Clock
  /** When each ends, by the hash of its token. */
  #links = new RecentMap<number>(MAX_LINKS)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  create(): LoginToken {
    const token = newSecret(this.#clock)
    this.#links.set(hashOf(token), this.#clock.now() + LINK_LIFETIME_MS)
    return { token, expiresAtMs: Math.floor(this.#clock.wallNow()) + LINK_LIFETIME_MS }
  }

  /** Uses a link up. @returns whether it was valid */
  redeem(token: string): boolean {
    const hash = hashOf(token)
    const endsAt = this.#links.get(hash)
    if (endsAt === undefined) return false
    this.#links.delete(hash)
    return this.#clock.now() < endsAt
  }

  /** Makes all links invalid. */
  clear(): void {
    this.#links = new RecentMap(MAX_LINKS)
  }
}

/** 256 random bits, as text. */
export function newSecret(clock: Clock): string {
  return Buffer.from(clock.randomBytes(TOKEN_BYTES)).toString('base64url')
}

/**
 * Nobody can guess 256 bits, so a fast hash is enough; and what is looked up by its hash reveals nothing by its time.
 */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}
