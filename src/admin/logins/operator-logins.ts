/**
 * Who is logged in to the HTTP API with a browser: each login has a cookie, and a token that only the page of this
 * server knows.
 *
 *   link, or user and password ──> login ──┬── cookie          every request has both;
 *                                          └── request token   neither is kept here, only hashes of them
 *
 * A browser sends cookies to every port of a host, and any page of the same site makes it send them here. Neither gives
 * anybody the request token, which the page keeps where only its own origin can read it.
 *
 * A login ends by itself when it has not been used for a while, and at the latest after its lifetime. What it may do is
 * asked anew with each request, so a user who loses a role, the password or the permission to log in loses it at once.
 * When there is no room for one more, the oldest login of the user who has most of them ends. Logins end with the
 * broker.
 *
 * @module
 */
import { timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { AdminRole } from '../../broker/host/api-key-views.ts'
import type { LoginView } from '../../broker/host/login-views.ts'
import type { AdminOptions } from '../../config/resolved-options.ts'
import { Holders } from '../../limits/holders.ts'
import { hashOf, newSecret } from './login-links.ts'

const ID_BYTES = 6

/** Who logs in. */
export interface Operator {
  /** `undefined` for one who came by a link. */
  readonly userName: string | undefined
  readonly address: string
  /** What the operator may do now; `undefined` for one who is no longer welcome. */
  readonly roleNow: () => AdminRole | undefined
}

/** One who is logged in. */
export interface OperatorLogin extends Operator {
  readonly loginId: string
  readonly cookieHash: string
  readonly requestTokenHash: string
  readonly createdAtMs: number
  /** By the monotonic clock, as the other times here. */
  readonly endsAt: number
  usedAt: number
}

/** What a login returns. */
export interface NewLogin {
  readonly login: OperatorLogin
  readonly cookie: string
  readonly requestToken: string
}

export type LoginLimits = Pick<AdminOptions, 'maxLogins' | 'loginIdleTimeout' | 'loginLifetime'>

export class OperatorLogins {
  limits: LoginLimits
  /** Called when a login ends because there is no room for it. */
  onCrowded: () => void = () => undefined
  readonly #clock: Clock
  /** By the hash of the cookie, the oldest first. */
  readonly #logins = new Map<string, OperatorLogin>()
  readonly #byUser = new Holders<OperatorLogin>()

  constructor(clock: Clock, limits: LoginLimits) {
    this.#clock = clock
    this.limits = limits
  }

  /** Logs in: with new secrets, whatever the browser had before. */
  add(operator: Operator): NewLogin {
    this.#removeEnded()
    while (this.#logins.size >= this.limits.maxLogins) {
      this.#remove(this.#byUser.oldestOfLargest()!)
      this.onCrowded()
    }
    const [cookie, requestToken] = [newSecret(this.#clock), newSecret(this.#clock)]
    const now = this.#clock.now()
    const login: OperatorLogin = {
      ...operator,
      loginId: Buffer.from(this.#clock.randomBytes(ID_BYTES)).toString('hex'),
      cookieHash: hashOf(cookie),
      requestTokenHash: hashOf(requestToken),
      createdAtMs: Math.floor(this.#clock.wallNow()),
      endsAt: now + this.limits.loginLifetime * 1000,
      usedAt: now,
    }
    this.#logins.set(login.cookieHash, login)
    this.#byUser.add(holderOf(login), login)
    return { login, cookie, requestToken }
  }

  /** Finds the login of a request, which counts as used then. */
  use(cookie: string, requestToken: string): OperatorLogin | undefined {
    const login = this.#logins.get(hashOf(cookie))
    if (login === undefined || !this.holds(login)) return undefined
    if (!timingSafeEqual(Buffer.from(hashOf(requestToken)), Buffer.from(login.requestTokenHash))) return undefined
    login.usedAt = this.#clock.now()
    return login
  }

  /** Whether it has not ended. */
  holds(login: OperatorLogin): boolean {
    if (this.#logins.get(login.cookieHash) !== login) return false
    if (this.#endOf(login) > this.#clock.now() && login.roleNow() !== undefined) return true
    this.#remove(login)
    return false
  }

  all(): LoginView[] {
    this.#removeEnded()
    return [...this.#logins.values()].map((login) => this.viewOf(login))
  }

  /** @returns whether there was one */
  end(loginId: string): boolean {
    const login = [...this.#logins.values()].find((each) => each.loginId === loginId)
    if (login === undefined || !this.holds(login)) return false
    this.#remove(login)
    return true
  }

  endAll(): void {
    for (const login of [...this.#logins.values()]) this.#remove(login)
  }

  viewOf(login: OperatorLogin): LoginView {
    const { loginId, userName, address, createdAtMs, usedAt } = login
    const sinceThen = this.#clock.wallNow() - this.#clock.now()
    return {
      ...{ loginId, userName, address, createdAtMs, role: login.roleNow()! },
      lastUsedAtMs: Math.floor(sinceThen + usedAt),
      expiresAtMs: Math.floor(sinceThen + this.#endOf(login)),
    }
  }

  #endOf({ endsAt, usedAt }: OperatorLogin): number {
    return Math.min(endsAt, usedAt + this.limits.loginIdleTimeout * 1000)
  }

  #removeEnded(): void {
    for (const login of [...this.#logins.values()]) this.holds(login)
  }

  #remove(login: OperatorLogin): void {
    this.#logins.delete(login.cookieHash)
    this.#byUser.remove(holderOf(login), login)
  }
}

/** All who came by a link count as one. */
function holderOf({ userName }: OperatorLogin): string {
  return userName === undefined ? '' : `=${userName}`
}
