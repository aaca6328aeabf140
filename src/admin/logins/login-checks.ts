/**
 * What wrong logins to the HTTP API cost: as for clients (access/login-penalties.ts, access/login-gate.ts), the next
 * one from that address has to wait, longer with each. One who has logged in from an address before is not delayed by
 * wrong logins of others there.
 *
 *   key, token     checked at once, or refused with 429 while the address has to wait
 *   password       the same; then through the gate, because its check takes time: a few at a time for one address,
 *                  one at a time after wrong ones, and later for a name that is being guessed everywhere
 *
 * @module
 */
import { networkOf } from '../../access/address.ts'
import { LoginGate, type GatedLogin, type GateLimits } from '../../access/login-gate.ts'
import { LoginPenalties, type Debtor } from '../../access/login-penalties.ts'
import { safeExcerpt } from '../../base/printable.ts'
import type { AdminHost } from '../../broker/host/admin-door.ts'
import type { Options } from '../../config/resolved-options.ts'
import { Holders } from '../../limits/holders.ts'
import { Problem } from '../http/problem.ts'

/** Passwords of one account that are being checked, or wait for it: connections that wait serve nobody else. */
const MAX_PENDING = 4

/** A login: where it comes from, and whose it claims to be. */
export interface Claim {
  readonly address: string
  /** What it claims to be; `undefined` for a secret that names nobody. */
  readonly name: string | undefined
  readonly signal?: AbortSignal | undefined
}

interface ClaimedLogin extends GatedLogin {
  readonly claim: Claim
}

export class LoginChecks {
  readonly #host: Pick<AdminHost, 'clock' | 'events'>
  readonly #penalties: LoginPenalties
  readonly #gate: LoginGate
  /** Passwords that are being checked, by account. */
  readonly #pending = new Holders<ClaimedLogin>()
  #options: Options

  constructor(options: Options, host: Pick<AdminHost, 'clock' | 'events'>) {
    this.#host = host
    this.#options = options
    this.#penalties = new LoginPenalties(options.auth)
    this.#gate = new LoginGate(host.clock, this.#penalties, gateLimits(options), {
      slowed: () => undefined,
      penalized: (login, wrongLogins, delayMs) => this.#penalized((login as ClaimedLogin).claim, wrongLogins, delayMs),
    })
  }

  /** Applies new options to logins from now on. */
  configure(options: Options): void {
    this.#options = options
    this.#penalties.limits = options.auth
    this.#gate.limits = gateLimits(options)
  }

  /**
   * Checks a secret at once.
   *
   * @param check returns `undefined` for a wrong one
   * @throws {Problem} `ERR_RATE` after wrong ones
   */
  atOnce<Result>(claim: Claim, check: () => Result | undefined): Result | undefined {
    const debtor = this.#debtorOf(claim)
    this.#mustNotWait(debtor)
    return this.#account(claim, debtor, check())
  }

  /** The same for a secret that nobody can guess, also not many at once, but whose check takes a moment. */
  async soon<Result>(claim: Claim, check: () => Promise<Result | undefined>): Promise<Result | undefined> {
    const debtor = this.#debtorOf(claim)
    this.#mustNotWait(debtor)
    return this.#account(claim, debtor, await check())
  }

  #account<Result>(claim: Claim, debtor: Debtor | undefined, result: Result | undefined): Result | undefined {
    if (debtor === undefined) return result
    if (result !== undefined) this.#penalties.remember(debtor)
    else {
      const { wrong, delayMs } = this.#penalties.charge(debtor, this.#host.clock.now())
      if (delayMs > 0) this.#penalized(claim, wrong, delayMs)
    }
    return result
  }

  /**
   * Checks a password when its turn comes. A check that has begun counts, whether its caller stays or not.
   *
   * @param check resolves to `undefined` for a wrong one
   * @throws {Problem} `ERR_RATE` after wrong ones, or while others from there are being checked
   */
  inTurn<Result>(claim: Claim, check: () => Promise<Result | undefined>): Promise<Result | undefined> {
    const debtor = this.#debtorOf(claim)
    this.#mustNotWait(debtor)
    const account = debtor?.account ?? claim.address
    if (this.#pending.sizeOf(account) >= MAX_PENDING) throw tooEarly('other logins from here are being checked', 1000)
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        claim.signal?.removeEventListener('abort', leave)
        void check().then(
          (result) => {
            if (result !== undefined && debtor !== undefined) this.#penalties.remember(debtor)
            this.#settle(login, account, result === undefined ? 'wrong' : 'right')
            resolve(result)
          },
          (error: unknown) => {
            this.#settle(login, account, 'neither')
            reject(error as Error)
          },
        )
      }
      const leave = (): void => {
        this.#pending.remove(account, login)
        this.#gate.withdraw(login)
        reject(new Problem('ERR_UNAVAILABLE', 'the caller has left'))
      }
      const login: ClaimedLogin = { claim, debtor, start: begin }
      if (claim.signal?.aborted === true) return leave()
      claim.signal?.addEventListener('abort', leave, { once: true })
      this.#pending.add(account, login)
      this.#gate.enter(login)
    })
  }

  #settle(login: ClaimedLogin, account: string, outcome: 'right' | 'wrong' | 'neither'): void {
    this.#pending.remove(account, login)
    this.#gate.settle(login, outcome)
  }

  #networkOf({ address }: Claim): string {
    return networkOf(address, this.#options.ipv6PrefixLength)
  }

  #debtorOf(claim: Claim): Debtor | undefined {
    return this.#penalties.debtorOf(claim.address, this.#networkOf(claim), claim.name)
  }

  /** @throws {Problem} `ERR_RATE` */
  #mustNotWait(debtor: Debtor | undefined): void {
    const waitMs = debtor === undefined ? 0 : this.#penalties.accountDelayMs(debtor.account, this.#host.clock.now())
    if (waitMs > 0) throw tooEarly('there were wrong logins from this address', waitMs)
  }

  #penalized(claim: Claim, wrongLogins: number, delayMs: number): void {
    const userName = claim.name === undefined ? undefined : safeExcerpt(claim.name)
    this.#host.events.emit('loginPenalty', { network: this.#networkOf(claim), userName, wrongLogins, delayMs })
  }
}

/** A login for a name that is guessed everywhere waits, but has its turn before its request times out. */
function gateLimits({ auth, admin }: Options): GateLimits {
  return { maxLoginsPerAddress: auth.maxLoginsPerAddress, longestNameDelayMs: (admin!.requestTimeout * 1000) / 2 }
}

function tooEarly(reason: string, waitMs: number): Problem {
  const seconds = Math.ceil(waitMs / 1000)
  return new Problem('ERR_RATE', `${reason}; try again in ${seconds} s`, {}, { 'Retry-After': String(seconds) })
}
