/**
 * The latest logins and handshakes that were refused, by the network that they came from: a flood from one network
 * pushes out its own entries alone. They are not part of a Client's record, because anybody can name any client
 * identifier in a CONNECT that is refused.
 *
 * @module
 */
import { safeExcerpt } from '../../base/printable.ts'
import { networkOf } from '../../access/address.ts'

/** Networks that are remembered; beyond it, the one that was refused longest ago is forgotten. */
const MAX_NETWORKS = 256
/** Refusals of one network. */
const MAX_REFUSALS = 8
const IPV6_PREFIX = 64

/** Refusals of one kind. Times are in monotonic milliseconds. */
export interface RecordedRefusal {
  /** Empty if it was refused before CONNECT was read. */
  readonly clientId: string
  readonly userName: string | undefined
  readonly address: string
  readonly listener: string
  /** `undefined` for a handshake before MQTT. */
  readonly reasonCode: number | undefined
  readonly detail: string
  readonly count: number
  readonly firstAtMs: number
  readonly lastAtMs: number
}

type Entry = { -readonly [Key in keyof RecordedRefusal]: RecordedRefusal[Key] }

/** What is refused. The user name is an excerpt already. */
export type Refused = Omit<RecordedRefusal, 'count' | 'firstAtMs' | 'lastAtMs'>

export class Refusals {
  readonly #networks = new Map<string, Entry[]>()
  /** When the last entry that was forgotten was made; -1 if none was. */
  lostBeforeMs = -1

  add(nowMs: number, refused: Refused): void {
    const network = networkOf(refused.address, IPV6_PREFIX)
    const entries = this.#networks.get(network) ?? []
    this.#networks.delete(network)
    this.#networks.set(network, entries)
    const detail = safeExcerpt(refused.detail)
    const known = entries.findIndex((each) => isSame(each, refused, detail))
    const [old] = known < 0 ? [] : entries.splice(known, 1)
    const { clientId, userName, address, listener, reasonCode } = refused
    const { count, firstAtMs } = old ?? { count: 0, firstAtMs: nowMs }
    const names = { clientId: safeExcerpt(clientId), userName }
    entries.push({ ...names, address, listener, reasonCode, detail, count: count + 1, firstAtMs, lastAtMs: nowMs })
    if (entries.length > MAX_REFUSALS) this.#lose(entries.shift()!)
    if (this.#networks.size > MAX_NETWORKS) this.#loseOldest()
  }

  #loseOldest(): void {
    const [network, entries] = this.#networks.entries().next().value!
    this.#networks.delete(network)
    this.#lose(entries.at(-1)!)
  }

  #lose({ lastAtMs }: Entry): void {
    this.lostBeforeMs = Math.max(this.lostBeforeMs, lastAtMs)
  }

  /** The newest first. */
  all(): RecordedRefusal[] {
    return [...this.#networks.values()].flat().toSorted((one, other) => other.lastAtMs - one.lastAtMs)
  }

  clear(): void {
    this.#networks.clear()
  }
}

function isSame(each: Entry, { clientId, userName, listener, reasonCode }: Refused, detail: string): boolean {
  return (
    each.detail === detail &&
    each.reasonCode === reasonCode &&
    each.listener === listener &&
    each.clientId === safeExcerpt(clientId) &&
    each.userName === userName
  )
}
