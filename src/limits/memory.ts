/**
 * The broker's memory: one account for the whole broker, one for each user, and the memory of the process.
 *
 *   sessions, connections, retained messages ──> user ──> broker
 *
 * A user is a User Name; anonymous Clients count together by their network. What has no room is refused with the
 * standard's Reason Code. What was accepted is kept, and what leaves at once may use a reserve, so that reading frees
 * memory even if none is left.
 *
 * @module
 */
import { MemoryAccount } from '../base/memory-account.ts'
import { WideMap } from '../base/wide-map.ts'
import type { Client } from '../protocol/client.ts'
import { networkOf } from '../access/address.ts'
import type { ProcessMemory } from './process-memory.ts'

/** The share of the process's memory that may be charged. The rest is for garbage, code and the system. */
const SHARE_OF_PROCESS = 1 / 2
/** The share of that for one user. */
const SHARE_OF_USER = 1 / 2
/** Other threads and processes of the broker that share the machine. */
const WORKERS = 1
/** The share of the process's memory in use from which it is short of memory, whatever was charged. */
const SHORT_FROM = 0.85
/** How often the process is measured, and how many measurements in a row have to agree. */
const MEASURE_EVERY_MS = 1000
const MEASUREMENTS = 5
/** An account has room again below this share of its limit. */
const SHARE_OF_ROOM = 7 / 8
/**
 * Empty accounts are removed when there are twice as many accounts as were in use the last time, and at least this
 * many.
 */
const FEW_USERS = 1000
/** The share of `persistence.max-bytes` for one user. */
const SHARE_OF_STORE = 1 / 2
/** The key of anonymous Clients without an address. */
const NOBODY = '@'

/** The limits: 0 sets none; `undefined` stands for a share of the process's memory. */
export interface MemoryLimits {
  readonly maxMemory?: number
  readonly maxMemoryPerUser?: number
  readonly ipv6PrefixLength: number
  /** The limits of the store: 0 sets none; the default for one user is half of the whole. */
  readonly persistence?: { readonly maxBytes: number; readonly maxBytesPerUser?: number } | undefined
}

export class Memory {
  /** The broker's account, which is charged with everything. */
  readonly whole: MemoryAccount
  readonly #process: ProcessMemory
  readonly #users = new WideMap<MemoryAccount>()
  #userLimit = 0
  /** The same for the store. */
  #storeLimit = 0
  #ipv6PrefixLength = 0
  /** Accounts whose limit was reported, and that have had no room since. */
  readonly #reported = new Set<MemoryAccount>()
  readonly #reportedStored = new Set<MemoryAccount>()
  #sweepAt = FEW_USERS
  #measuredAtMs = -Infinity
  /** Recent measurements of the process, newest last. The least of them is what the collector cannot free. */
  readonly #used: number[] = []

  constructor(limits: MemoryLimits, process: ProcessMemory) {
    this.#process = process
    this.whole = new MemoryAccount('broker', '', 0, undefined)
    this.limit(limits)
  }

  /** Reads the limits; called again after they changed. */
  limit({ maxMemory, maxMemoryPerUser, ipv6PrefixLength, persistence }: MemoryLimits): void {
    this.#ipv6PrefixLength = ipv6PrefixLength
    const { whole } = this
    whole.limit = maxMemory ?? Math.floor((this.#process.availableBytes * SHARE_OF_PROCESS) / WORKERS)
    this.#userLimit = maxMemoryPerUser ?? Math.floor(whole.limit * SHARE_OF_USER)
    const { maxBytes = 0, maxBytesPerUser } = persistence ?? {}
    this.#storeLimit = maxBytesPerUser ?? Math.floor(maxBytes * SHARE_OF_STORE)
    for (const [key, account] of this.#users.entries()) this.#limitUser(key, account)
  }

  /**
   * There is no user limit for clients without an address: streams of the host program, and clients from before the
   * start.
   */
  #limitUser(key: string, account: MemoryAccount): void {
    account.limit = key === NOBODY ? 0 : this.#userLimit
    account.storeLimit = key === NOBODY ? 0 : this.#storeLimit
  }

  /** The account of that user, or of the network of an anonymous Client. */
  of({ userName, address }: Pick<Client, 'userName' | 'address'>): MemoryAccount {
    if (userName !== undefined) return this.#account(`=${userName}`, userName)
    const network = networkOf(address, this.#ipv6PrefixLength)
    return this.#account(`${NOBODY}${network}`, network)
  }

  #account(key: string, owner: string): MemoryAccount {
    const known = this.#users.get(key)
    if (known !== undefined) return known
    if (this.#users.size >= this.#sweepAt) this.#sweep()
    const account = new MemoryAccount('user', owner, 0, this.whole)
    this.#limitUser(key, account)
    this.#users.set(key, account)
    return account
  }

  /** Forgets accounts that are charged with nothing: no Session uses them then. */
  #sweep(): void {
    for (const [key, { bytes }] of this.#users.entries()) if (bytes === 0) this.#users.delete(key)
    this.#sweepAt = Math.max(FEW_USERS, this.#users.size * 2)
  }

  /** The bytes that the process uses, including garbage. */
  get processBytes(): number {
    return this.#process.usedBytes()
  }

  /** Whether that account's limit has not been reported since it last had room. */
  isNews(account: MemoryAccount): boolean {
    if (this.#reported.has(account)) return false
    this.#reported.add(account)
    return true
  }

  /** The same for its share of the store. */
  isNewsOfStore(account: MemoryAccount): boolean {
    if (this.#reportedStored.has(account)) return false
    this.#reportedStored.add(account)
    return true
  }

  /**
   * Measures the process, once a second at most. The memory in use goes up and down with the garbage in it, so only
   * what several measurements agree on counts.
   */
  measure(nowMs: number): void {
    if (nowMs - this.#measuredAtMs < MEASURE_EVERY_MS) return
    this.#measuredAtMs = nowMs
    const used = this.#used
    used.push(this.#process.usedShare())
    if (used.length > MEASUREMENTS) used.shift()
    for (const account of this.#reported) {
      if (account.bytes < account.limit * SHARE_OF_ROOM) this.#reported.delete(account)
    }
    for (const account of this.#reportedStored) {
      if (account.storedBytes < account.storeLimit * SHARE_OF_ROOM) this.#reportedStored.delete(account)
    }
    this.whole.isShort = used.length === MEASUREMENTS && Math.min(...used) > SHORT_FROM
  }
}
