/**
 * The way from a login that is asked for to its check: where it waits, and for what.
 *
 *   enter ──> the name is being guessed: a pause ──> the account: first in, first out ──> start ──> settle
 *                                                    ├ nothing wrong yet: `max-logins-per-address` at a time
 *                                                    └ too many were wrong: one at a time, each after a pause
 *
 * A check that has begun is charged whatever comes of its connection, so hanging up saves a guesser nothing; one that has not
 * begun has revealed nothing, and is dropped with its connection. Honest logins behind the same address wait for their turn
 * and are not refused; `login-timeout` says how long.
 *
 * @module
 */
import type { Clock, Timer } from '../base/clock.ts'
import type { Debtor, LoginPenalties } from './login-penalties.ts'

/** The outcome of a check: `neither` if the client is not to blame, or claimed nothing. */
export type LoginOutcome = 'right' | 'wrong' | 'neither'

/** One login on its way. */
export interface GatedLogin {
  /** `undefined` where wrong ones cost nothing. */
  readonly debtor: Debtor | undefined
  /** Begins the check; `settle` follows, perhaps before this returns. */
  start(): void
}

/** What the gate reports. */
export interface GateSide {
  /** That login has to wait because others were wrong. */
  slowed(login: GatedLogin): void
  /** That login was wrong, and so the next one of the same account has to wait. */
  penalized(login: GatedLogin, wrong: number, delayMs: number): void
}

/** Logins of one account that wait or run. */
interface Account {
  readonly name: string
  readonly waiting: Set<GatedLogin>
  running: number
  timer: Timer | undefined
  isDraining: boolean
}

export interface GateLimits {
  readonly maxLoginsPerAddress: number
  /** No pause for a name is longer: what waits must have its turn before it is given up. */
  readonly longestNameDelayMs: number
}

export class LoginGate {
  limits: GateLimits
  readonly #clock: Clock
  readonly #penalties: LoginPenalties
  readonly #side: GateSide
  /** Those that have logins under way. */
  readonly #accounts = new Map<string, Account>()
  readonly #pauses = new Map<GatedLogin, Timer>()

  constructor(clock: Clock, penalties: LoginPenalties, limits: GateLimits, side: GateSide) {
    this.#clock = clock
    this.#penalties = penalties
    this.limits = limits
    this.#side = side
  }

  /** Accounts with logins under way. */
  get size(): number {
    return this.#accounts.size
  }

  enter(login: GatedLogin): void {
    const { debtor } = login
    if (debtor === undefined) return login.start()
    const pauseMs = Math.min(this.limits.longestNameDelayMs, this.#penalties.nameDelayMs(debtor, this.#clock.now()))
    if (pauseMs === 0) return this.#enqueue(login, debtor, false)
    this.#side.slowed(login)
    const pause = this.#clock.setTimer(pauseMs, () => {
      this.#pauses.delete(login)
      this.#enqueue(login, debtor, true)
    })
    this.#pauses.set(login, pause)
  }

  #enqueue(login: GatedLogin, { account: name }: Debtor, isSlowed: boolean): void {
    const account = this.#accounts.get(name) ?? newAccount(name)
    this.#accounts.set(name, account)
    account.waiting.add(login)
    this.#drain(account)
    if (!isSlowed && account.timer !== undefined && account.waiting.has(login)) this.#side.slowed(login)
  }

  /** Its connection is gone, or gave way. Nothing happens where its check has begun: that is charged in the end. */
  withdraw(login: GatedLogin): void {
    this.#pauses.get(login)?.cancel()
    this.#pauses.delete(login)
    const account = login.debtor && this.#accounts.get(login.debtor.account)
    if (account?.waiting.delete(login) === true) this.#drain(account)
  }

  /** A check that had begun is over. */
  settle(login: GatedLogin, outcome: LoginOutcome): void {
    const { debtor } = login
    if (debtor === undefined) return
    const now = this.#clock.now()
    if (outcome === 'wrong') {
      const { wrong, delayMs } = this.#penalties.charge(debtor, now)
      if (delayMs > 0) this.#side.penalized(login, wrong, delayMs)
    }
    const account = this.#accounts.get(debtor.account)!
    account.running--
    this.#drain(account)
  }

  /** Begins what may begin. A check may be over before `start` returns: then the loop goes on, not the stack. */
  #drain(account: Account): void {
    if (account.isDraining) return
    account.isDraining = true
    account.timer?.cancel()
    account.timer = undefined
    for (const login of account.waiting) {
      const delayMs = this.#delayMs(account)
      if (delayMs !== 0) {
        if (delayMs < Infinity) account.timer = this.#clock.setTimer(delayMs, () => this.#drain(account))
        break
      }
      account.waiting.delete(login)
      account.running++
      login.start()
    }
    account.isDraining = false
    if (account.running === 0 && account.waiting.size === 0) this.#accounts.delete(account.name)
  }

  /** How long the next login of that account has to wait; Infinity: until one that runs is over. */
  #delayMs({ name, running }: Account): number {
    const now = this.#clock.now()
    const isSuspect = this.#penalties.isSuspect(name, now)
    if (running >= (isSuspect ? 1 : this.limits.maxLoginsPerAddress)) return Infinity
    return this.#penalties.accountDelayMs(name, now)
  }
}

function newAccount(name: string): Account {
  return { name, waiting: new Set(), running: 0, timer: undefined, isDraining: false }
}
