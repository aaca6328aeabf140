/**
 * The broker's memory: one account for the whole, one for each user, and what the process itself has.
 *
 *   sessions, connections, retained messages ──> user ──> broker
 *
 * A user is a User Name; anonymous Clients count together by their network. Whoever has no room is refused with the
 * standard's Reason Code; what was accepted is kept, and what leaves at once may use a reserve, so that reading frees memory
 * also where there is none left.
 *
 * @module
 */
import { MemoryAccount } from '../base/memory-account.ts'
import { WideMap } from '../base/wide-map.ts'
import type { Client } from '../protocol/client.ts'
import { networkOf } from '../access/address.ts'
import type { ProcessMemory } from './process-memory.ts'

/** Of what the process has, so much may be charged: garbage, code and the system need the rest. */
const SHARE_OF_PROCESS = 1 / 2
/** Of that, so much may be one user's. */
const SHARE_OF_USER = 1 / 2
/** Worker threads and processes that share the machine. */
const WORKERS = 1
/** The share of what the process has from which on it is short of memory, whatever was charged. */
const SHORT_FROM = 0.85
/** How often the process is measured, and how many measurements in a row have to say the same. */
const MEASURE_EVERY_MS = 1000
const MEASUREMENTS = 5
/** Below that share of its limit an account has room again. */
const SHARE_OF_ROOM = 7 / 8
/** Empty accounts are looked for when there are twice as many as were in use the last time, and at least so many. */
const FEW_USERS = 1000
/** Of `persistence.max-bytes`, so much may be one user's. */
const SHARE_OF_STORE = 1 / 2
/** The key of anonymous Clients without an address. */
const NOBODY = '@'

/** 0 sets no limit; `undefined` stands for what the process allows. */
export interface MemoryLimits {
  readonly maxMemory?: number
  readonly maxMemoryPerUser?: number
  readonly ipv6PrefixLength: number
  /** Of the store: 0 sets no limit; without a share of one user, it is half of the whole. */
  readonly persistence?: { readonly maxBytes: number; readonly maxBytesPerUser?: number } | undefined
}

export class Memory {
  /** The broker's account: everything is charged to it. */
  readonly whole: MemoryAccount
  readonly #process: ProcessMemory
  readonly #users = new WideMap<MemoryAccount>()
  #userLimit = 0
  /** The same of the store. */
  #storeLimit = 0
  #ipv6PrefixLength = 0
  /** Accounts whose limit was reported, and that have had no room since. */
  readonly #reported = new Set<MemoryAccount>()
  readonly #reportedStored = new Set<MemoryAccount>()
  #sweepAt = FEW_USERS
  #measuredAtMs = -Infinity
  /** What the process used, newest last: the least of them is what the collector cannot free. */
  readonly #used: number[] = []

  constructor(limits: MemoryLimits, process: ProcessMemory) {
    this.#process = process
    this.whole = new MemoryAccount('broker', '', 0, undefined)
    this.limit(limits)
  }

  /** Reads the limits: again after they changed. */
  limit({ maxMemory, maxMemoryPerUser, ipv6PrefixLength, persistence }: MemoryLimits): void {
    this.#ipv6PrefixLength = ipv6PrefixLength
    const { whole } = this
    whole.limit = maxMemory ?? Math.floor((this.#process.availableBytes * SHARE_OF_PROCESS) / WORKERS)
    this.#userLimit = maxMemoryPerUser ?? Math.floor(whole.limit * SHARE_OF_USER)
    const { maxBytes = 0, maxBytesPerUser } = persistence ?? {}
    this.#storeLimit = maxBytesPerUser ?? Math.floor(maxBytes * SHARE_OF_STORE)
    for (const [key, account] of this.#users.entries()) this.#limitUser(key, account)
  }

  /** What is known of nobody has no address: streams of the host program, and who was here before the start. */
  #limitUser(key: string, account: MemoryAccount): void {
    account.limit = key === NOBODY ? 0 : this.#userLimit
    account.storeLimit = key === NOBODY ? 0 : this.#storeLimit
  }

  /** The account of whoever that is. */
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

  /** Forgets accounts that nothing is charged to: nobody has a Session then. */
  #sweep(): void {
    for (const [key, { bytes }] of this.#users.entries()) if (bytes === 0) this.#users.delete(key)
    this.#sweepAt = Math.max(FEW_USERS, this.#users.size * 2)
  }

  /** What the process uses, garbage included, in bytes. */
  get processBytes(): number {
    return this.#process.usedBytes()
  }

  /** Whether that account's limit has not been reported since it last had room. */
  isNews(account: MemoryAccount): boolean {
    if (this.#reported.has(account)) return false
    this.#reported.add(account)
    return true
  }

  /** The same of its share of the store. */
  isNewsOfStore(account: MemoryAccount): boolean {
    if (this.#reportedStored.has(account)) return false
    this.#reportedStored.add(account)
    return true
  }

  /**
   * Measures the process, once a second at the most. What is used goes up and down with the garbage in it, so that only what
   * several measurements agree on counts.
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
