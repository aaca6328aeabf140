/**
 * Slows wrong log-ins, per address: the refusal of the fourth wrong one in a row (`login-delay-after`) is held back for a
 * quarter of a second, and for twice as long each further time, up to ten seconds (`max-login-delay-ms`).
 *
 *   refused ─> 0, 0, 0, 250, 500, 1000, 2000, 4000, 8000, 10000, 10000 … ms until the peer is told
 *
 * Only refusals wait. Behind one address there may be a whole site, and one device with an old password must not keep the
 * others out; who guesses passwords has a connection tied up for each guess instead, and those are limited.
 *
 * The table is bounded (`max-delayed-addresses`); what is longest ago is forgotten first. IPv6 addresses count by their /64, as one host has all of it.
 *
 * @module
 */
import type { AuthSettings } from './option-types.ts'

const FIRST_DELAY_MS = 250
/** Quiet time after which an address starts over. */
const FORGET_AFTER_MS = 600_000

/** Keys of `auth`. */
export type LoginThrottleLimits = Pick<AuthSettings, 'loginDelayAfter' | 'maxLoginDelayMs' | 'maxDelayedAddresses'>

interface Failures {
  readonly count: number
  readonly lastAt: number
}

/** Counts wrong log-ins and says how long to hold each refusal back. */
export class LoginThrottle {
  limits: LoginThrottleLimits
  /** Addresses that were forgotten because the table was full. */
  forgottenCount = 0
  /** In the order of the last failure, oldest first. */
  readonly #failures = new Map<string, Failures>()

  constructor(limits: LoginThrottleLimits) {
    this.limits = limits
  }

  /** Addresses that are remembered. */
  get size(): number {
    return this.#failures.size
  }

  /**
   * A log-in was wrong.
   *
   * @param address of the peer; empty where there is none, which counts as one address
   * @param now monotonic milliseconds
   * @returns milliseconds to wait before the peer is told
   *
   * @example
   * const throttle = new LoginThrottle({ loginDelayAfter: 1, maxLoginDelayMs: 600, maxDelayedAddresses: 100 })
   * const delays = [0, 1, 2, 3].map((now) => throttle.refused('192.0.2.1', now))
   * delays // [0, 250, 500, 600]
   */
  refused(address: string, now: number): number {
    const network = networkOf(address)
    const before = this.#failures.get(network)
    const count = before === undefined || now - before.lastAt >= FORGET_AFTER_MS ? 1 : before.count + 1
    this.#failures.delete(network)
    this.#failures.set(network, { count, lastAt: now })
    this.#makeRoom(now)
    const { loginDelayAfter, maxLoginDelayMs } = this.limits
    return count <= loginDelayAfter ? 0 : Math.min(maxLoginDelayMs, FIRST_DELAY_MS * 2 ** (count - loginDelayAfter - 1))
  }

  /** A log-in was right: the address starts over. */
  accepted(address: string): void {
    this.#failures.delete(networkOf(address))
  }

  /** Entries are in order of time, so what may go is in front. */
  #makeRoom(now: number): void {
    for (const [network, { lastAt }] of this.#failures) {
      const isOld = now - lastAt >= FORGET_AFTER_MS
      if (!isOld && this.#failures.size <= this.limits.maxDelayedAddresses) return
      this.#failures.delete(network)
      if (!isOld) this.forgottenCount++
    }
  }
}

/** The first 64 bits of an IPv6 address, any other address whole. */
function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - rest.length)
  return [...groups, ...Array<string>(zeros).fill('0'), ...rest].slice(0, 4).join(':')
}
