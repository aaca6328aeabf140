/**
 * The cost of wrong logins, modelled on OpenSSH's PerSourcePenalties: the time that the next login has to wait.
 *
 *   wrong logins      1   2   3     4     5     6     7 …
 *   next check after  0   0   250   500   1000  2000  4000 …  ms, `max-login-delay-ms` at most
 *
 * Which logins are delayed:
 *
 * | login                                   | delayed by wrong logins                              |
 * | --------------------------------------- | ---------------------------------------------------- |
 * | a name from an address it never used    | from that address; and with that name, from anywhere |
 * | a name from an address it has logged in | with that name from that address                     |
 * | an address in `penalty-exempt`          | never                                                |
 *
 * A guesser therefore cannot lock a user out, and a device with an outdated password does not delay a site behind one
 * address that has logged in before. A successful login forgives nothing, because a guesser may have an account too.
 * Ten minutes without a wrong login do.
 *
 * All tables are bounded, and the entry that was used longest ago is dropped first.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { RecentMap } from '../base/recent-map.ts'
import { addressList } from './address.ts'

const FIRST_DELAY_MS = 250
/** Time without a wrong login after which earlier ones are forgiven. */
const FORGIVE_AFTER_MS = 600_000
/** Longer names are stored as a hash. */
const MAX_KEPT_NAME_LENGTH = 64

/** Options of `auth`. */
export interface LoginPenaltyLimits {
  /** Wrong logins in a row without a delay. */
  readonly loginDelayAfter: number
  /** 0: wrong logins cause no delay at all. */
  readonly maxLoginDelayMs: number
  readonly maxDelayedAddresses: number
  readonly maxDelayedNames: number
  readonly maxKnownLogins: number
  /** Addresses and networks whose wrong logins cause no delay. */
  readonly penaltyExempt: readonly string[]
}

/** Wrong logins from one address, with one name, or with one name from one address. */
export interface Offences {
  readonly wrong: number
  readonly lastAtMs: number
}

const NONE: Offences = { wrong: 0, lastAtMs: 0 }

/** The accounts to which a login is charged. */
export interface Debtor {
  /** The account that pays: an address, or a name at an address from which it has logged in. */
  readonly account: string
  /** The name that also pays for other addresses; `undefined` if none does. */
  readonly name: string | undefined
  /** The pair of name and network that is remembered if this login succeeds. */
  readonly known: string
}

export class LoginPenalties {
  #limits: LoginPenaltyLimits
  #isExempt: (address: string) => boolean
  readonly #accounts: RecentMap<Offences>
  readonly #names: RecentMap<Offences>
  /** Names with the networks from which they have logged in. */
  readonly #known: RecentMap<true>

  constructor(limits: LoginPenaltyLimits) {
    this.#limits = limits
    this.#isExempt = addressList(limits.penaltyExempt)
    this.#accounts = new RecentMap(limits.maxDelayedAddresses)
    this.#names = new RecentMap(limits.maxDelayedNames)
    this.#known = new RecentMap(limits.maxKnownLogins)
  }

  /** Sets new limits. */
  set limits(limits: LoginPenaltyLimits) {
    this.#limits = limits
    this.#isExempt = addressList(limits.penaltyExempt)
    this.#accounts.limit = limits.maxDelayedAddresses
    this.#names.limit = limits.maxDelayedNames
    this.#known.limit = limits.maxKnownLogins
  }

  /** Entries that were dropped for lack of space, by table. */
  get forgotten(): { readonly addresses: number; readonly names: number; readonly logins: number } {
    return {
      addresses: this.#accounts.forgotten,
      names: this.#names.forgotten,
      logins: this.#known.forgotten,
    }
  }

  /**
   * Finds the accounts to which a login is charged.
   *
   * @param network of `address`, as returned by `networkOf`
   * @param userName the claimed name
   * @returns `undefined` for an address in `penalty-exempt`
   */
  debtorOf(address: string, network: string, userName: string | undefined): Debtor | undefined {
    if (this.#isExempt(address)) return undefined
    const name = keyOf(userName)
    const known = `${name}\n${network}`
    const isKnown = this.#known.get(known) !== undefined
    return { account: isKnown ? known : network, name: isKnown || userName === undefined ? undefined : name, known }
  }

  /** Milliseconds that this login has to wait because of the claimed name. */
  nameDelayMs({ name }: Debtor, now: number): number {
    return name === undefined ? 0 : this.#delayMs(read(this.#names, name, now).wrong)
  }

  /** Milliseconds that have to pass after the last wrong login of that account; 0 if there is no delay. */
  accountDelayMs(account: string, now: number): number {
    const { wrong, lastAtMs } = read(this.#accounts, account, now)
    return Math.max(0, lastAtMs + this.#delayMs(wrong) - now)
  }

  /** Whether that account has so many wrong logins that the next one causes a delay. */
  isSuspect(account: string, now: number): boolean {
    return read(this.#accounts, account, now).wrong >= this.#limits.loginDelayAfter
  }

  /** Counts a wrong login. @returns how many there were in a row, and how long the next login has to wait */
  charge({ account, name }: Debtor, now: number): { readonly wrong: number; readonly delayMs: number } {
    if (name !== undefined) add(this.#names, name, now)
    const wrong = add(this.#accounts, account, now)
    return { wrong, delayMs: this.#delayMs(wrong) }
  }

  /** Remembers a successful login: wrong logins of others no longer delay it. */
  remember({ known }: Debtor): void {
    this.#known.set(known, true)
  }

  #delayMs(wrong: number): number {
    const { loginDelayAfter, maxLoginDelayMs } = this.#limits
    const beyond = wrong - Math.max(1, loginDelayAfter)
    return beyond < 0 ? 0 : Math.min(maxLoginDelayMs, FIRST_DELAY_MS * 2 ** beyond)
  }
}

function read(table: RecentMap<Offences>, key: string, now: number): Offences {
  const offences = table.get(key)
  return offences === undefined || now - offences.lastAtMs >= FORGIVE_AFTER_MS ? NONE : offences
}

function add(table: RecentMap<Offences>, key: string, now: number): number {
  const wrong = read(table, key, now).wrong + 1
  table.set(key, { wrong, lastAtMs: now })
  return wrong
}

/** Names come from unknown clients, and may be long. */
function keyOf(userName: string | undefined): string {
  if (userName === undefined) return ''
  if (userName.length <= MAX_KEPT_NAME_LENGTH) return `=${userName}`
  return `#${createHash('sha256').update(userName).digest('base64')}`
}
