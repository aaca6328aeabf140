/**
 * Controls when the check of a login starts, and what it waits for.
 *
 *   enter ──> a pause, if the name is being guessed ──> the account: first in, first out ──> start ──> settle
 *                                                       ├ no wrong login yet: `max-logins-per-address` at a time
 *                                                       └ too many wrong logins: one at a time, each after a pause
 *
 * A check that has started is charged whatever happens to its connection, so a guesser gains nothing by disconnecting;
 * a check that has not started has revealed nothing, and is dropped with its connection. Honest logins from the same
 * address wait instead of being refused, for at most `login-timeout`.
 *
 * @module
 */
import type { Clock, Timer } from '../base/clock.ts'
import type { Debtor, LoginPenalties } from './login-penalties.ts'

/** The outcome of a check: `neither` if the client is not to blame, or made no claim. */
export type LoginOutcome = 'right' | 'wrong' | 'neither'

/** One login in the gate. */
export interface GatedLogin {
  /** `undefined` if wrong logins cost it nothing. */
  readonly debtor: Debtor | undefined
  /** Starts the check; `settle` follows, perhaps before this returns. */
  start(): void
}

/** The events of the gate. */
export interface GateSide {
  /** This login has to wait because others were wrong. */
  slowed(login: GatedLogin): void
  /** This login was wrong, so the next one of the same account has to wait. */
  penalized(login: GatedLogin, wrong: number, delayMs: number): void
}

/** Waiting and running logins of one account. */
interface Account {
  readonly name: string
  readonly waiting: Set<GatedLogin>
  running: number
  timer: Timer | undefined
  isDraining: boolean
}

export interface GateLimits {
  readonly maxLoginsPerAddress: number
  /** The longest pause for a name: a waiting login must have its turn before it times out. */
  readonly longestNameDelayMs: number
}

export class LoginGate {
  limits: GateLimits
  readonly #clock: Clock
  readonly #penalties: LoginPenalties
  readonly #side: GateSide
  /** Accounts with waiting or running logins. */
  readonly #accounts = new Map<string, Account>()
  readonly #pauses = new Map<GatedLogin, Timer>()

  constructor(clock: Clock, penalties: LoginPenalties, limits: GateLimits, side: GateSide) {
    this.#clock = clock
    this.#penalties = penalties
    this.limits = limits
    this.#side = side
  }

  /** The number of accounts with waiting or running logins. */
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

  /**
   * The connection of this login is gone, or gave way. If its check has started, nothing happens, and the check is
   * charged in the end.
   */
  withdraw(login: GatedLogin): void {
    this.#pauses.get(login)?.cancel()
    this.#pauses.delete(login)
    const account = login.debtor && this.#accounts.get(login.debtor.account)
    if (account?.waiting.delete(login) === true) this.#drain(account)
  }

  /** A check that had started is complete. */
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

  /**
   * Starts what may start. A check may be complete before `start` returns; the loop then continues without deepening
   * the stack.
   */
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

  /** How long the next login of this account has to wait; Infinity: until a running one completes. */
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
