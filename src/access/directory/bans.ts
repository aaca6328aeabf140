/**
 * Bans, arranged for the question that each CONNECT asks: is this client identifier, user or address banned now?
 *
 * Client identifiers, users and addresses are looked up. Networks are looked up by their first bits, once for
 * each length of prefix that is in use.
 *
 * @module
 */
import { plainAddress, prefixOf } from '../address.ts'
import type { BanEntry, BanKind } from './entries.ts'

/** The facts of a client that bans are about. */
export interface Banned {
  readonly clientId?: string | undefined
  readonly userName?: string | undefined
  readonly address?: string | undefined
}

export class Bans {
  readonly #byName = new Map<string, BanEntry>()
  /** By their first bits. */
  readonly #networks = new Map<string, BanEntry>()
  /** How many networks there are of each length, by family. */
  readonly #lengths = { ipv4: new Map<number, number>(), ipv6: new Map<number, number>() }
  readonly #wallNow: () => number

  constructor(wallNow: () => number) {
    this.#wallNow = wallNow
  }

  /** Whether there is no ban at all. */
  get isEmpty(): boolean {
    return this.#byName.size === 0
  }

  clear(): void {
    this.#byName.clear()
    this.#networks.clear()
    this.#lengths.ipv4.clear()
    this.#lengths.ipv6.clear()
  }

  /** @param ban `undefined` removes it */
  set(name: string, ban: BanEntry | undefined): void {
    const before = this.#byName.get(name)
    if (before?.kind === 'network') this.#setNetwork(before.value, undefined)
    if (ban?.kind === 'network') this.#setNetwork(ban.value, ban)
    if (ban === undefined) this.#byName.delete(name)
    else this.#byName.set(name, ban)
  }

  #setNetwork(network: string, ban: BanEntry | undefined): void {
    const [address = '', length = ''] = network.split('/')
    const bits = Number(length)
    const counts = this.#lengthsOf(address)
    const count = (counts.get(bits) ?? 0) + (ban === undefined ? -1 : 1)
    if (count === 0) counts.delete(bits)
    else counts.set(bits, count)
    const key = prefixOf(address, bits)
    if (ban === undefined) this.#networks.delete(key)
    else this.#networks.set(key, ban)
  }

  #lengthsOf(address: string): Map<number, number> {
    return address.includes(':') ? this.#lengths.ipv6 : this.#lengths.ipv4
  }

  /** A ban of that user that holds now. */
  ofUser(userName: string | undefined): BanEntry | undefined {
    return userName === undefined ? undefined : this.#holding('user', userName)
  }

  /** A ban of that client identifier or address that holds now. */
  ofOrigin({ clientId, address }: Banned): BanEntry | undefined {
    const ofClient = clientId === undefined || clientId === '' ? undefined : this.#holding('client-id', clientId)
    return ofClient ?? this.#ofAddress(address)
  }

  /** Names of bans that are over. */
  over(): string[] {
    return [...this.#byName].flatMap(([name, ban]) => (this.#holds(ban) ? [] : [name]))
  }

  #ofAddress(given = ''): BanEntry | undefined {
    const address = plainAddress(given)
    if (address === undefined) return undefined
    const banned = this.#holding('address', address)
    if (banned !== undefined) return banned
    for (const bits of this.#lengthsOf(address).keys()) {
      const ban = this.#networks.get(prefixOf(address, bits))
      if (ban !== undefined && this.#holds(ban)) return ban
    }
    return undefined
  }

  #holding(kind: BanKind, value: string): BanEntry | undefined {
    const ban = this.#byName.get(banName(kind, value))
    return ban !== undefined && this.#holds(ban) ? ban : undefined
  }

  #holds({ untilMs }: BanEntry): boolean {
    return untilMs === undefined || untilMs > this.#wallNow()
  }
}

/** The name of a ban: its kind and value. */
export function banName(kind: BanKind, value: string): string {
  return `${kind}:${value}`
}
