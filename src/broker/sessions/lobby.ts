/**
 * Connections that have not logged in, and how many streams each network has.
 *
 *   accept() ──> PROXY header, TLS, HTTP ──> CONNECT ──> log-in ──> CONNACK
 *   |<-- Arrival ------------------------>|<-- Connection ------->|            in the lobby
 *   |<----------------------------------------------------------------> gone   counted for its network
 *
 * A stream counts for the network that it comes from until it is gone, whatever comes before MQTT. The lobby is limited
 * (`max-connections-before-connect`, `max-waiting-connections`), and silence costs an attacker nothing. So when it is
 * full, the oldest stream of the network that has most in it gives way, and no network can keep others out.
 *
 * @module
 */
import { WideMap } from '../../base/wide-map.ts'
import { networkOf } from '../../access/address.ts'
import type { ListenerState, Newcomer } from './listener-state.ts'
import type { ActiveConfig } from '../../config/active-config.ts'
import type { Events } from '../../reporting/events.ts'
import { Holders } from '../../limits/holders.ts'
import type { Metrics } from '../../reporting/metrics.ts'

/** A network with the number of its streams. */
export interface Network {
  /** Its name, as `networkOf` writes it; empty for streams without an address, which have no limit. */
  readonly name: string
  streams: number
}

/** What the lobby works with. */
export interface LobbyParts {
  readonly current: ActiveConfig
  readonly metrics: Metrics
  readonly events: Pick<Events, 'emit'>
  /** The number of Connections accepted by CONNACK. */
  connected(): number
}

export class Lobby {
  readonly #parts: LobbyParts
  readonly #networks = new WideMap<Network>()
  /** The number of streams of all networks. */
  streams = 0
  readonly #newcomers = new Holders<Newcomer>()

  constructor(parts: LobbyParts) {
    this.#parts = parts
  }

  /** The number of streams in the lobby. */
  get size(): number {
    return this.#newcomers.size
  }

  /** The number of networks that have streams. */
  get networkCount(): number {
    return this.#networks.size
  }

  /**
   * Counts one more stream.
   *
   * @param isLimited false for a proxy that has not announced its client yet
   * @returns `undefined` if that network has as many as `max-connections-per-address` allows
   */
  count(address: string, isLimited = true): Network | undefined {
    const name = networkOf(address, this.#parts.current.options.ipv6PrefixLength)
    if (isLimited && !this.hasRoomFor(address)) {
      this.#reached('max-connections-per-address', name)
      return undefined
    }
    const network = this.#networks.get(name) ?? { name, streams: 0 }
    this.streams++
    if (network.streams++ === 0) this.#networks.set(name, network)
    return network
  }

  /** Whether that network has fewer streams than `max-connections-per-address` allows. */
  hasRoomFor(address: string): boolean {
    const { maxConnectionsPerAddress: limit, ipv6PrefixLength } = this.#parts.current.options
    const name = networkOf(address, ipv6PrefixLength)
    return limit === 0 || name === '' || (this.#networks.get(name)?.streams ?? 0) < limit
  }

  /** Counts a stream that is gone. */
  discount(network: Network): void {
    this.streams--
    if (--network.streams === 0) this.#networks.delete(network.name)
  }

  /** Lets one more in; the network that has most gives way for it. @returns false if there is no room for anyone */
  enter(newcomer: Newcomer, network: Network, listener: ListenerState): boolean {
    const [limit, limitOfListener] = [this.#limit(), this.#limitOf(listener)]
    if (limit < 1 || limitOfListener < 1) {
      this.#reached('max-waiting-connections', network.name)
      return false
    }
    this.#newcomers.add(network.name, newcomer)
    listener.newcomers.add(network.name, newcomer)
    this.#makeRoom(listener.newcomers, limitOfListener, 'max-waiting-connections')
    const { maxConnectionsBeforeConnect } = this.#parts.current.options
    const isOfAll = limit === maxConnectionsBeforeConnect
    this.#makeRoom(this.#newcomers, limit, isOfAll ? 'max-connections-before-connect' : 'max-waiting-connections')
    return true
  }

  /** Removes a stream that has logged in or is lost. */
  leave(newcomer: Newcomer, network: Network, listener: ListenerState): void {
    this.#newcomers.remove(network.name, newcomer)
    listener.newcomers.remove(network.name, newcomer)
  }

  #makeRoom(newcomers: Holders<Newcomer>, limit: number, option: string): void {
    // A stream that gives way leaves by itself. One leaves for each that comes, so that a lowered limit takes no long
    // turn.
    if (newcomers.size <= limit) return
    this.#parts.metrics.connectionsGaveWay++
    this.#reached(option, newcomers.largestName)
    newcomers.oldestOfLargest()!.giveWay()
  }

  #reached(option: string, owner: string): void {
    this.#parts.events.emit('limitReached', { option, owner })
  }

  /** A few more than `max-connections` may send CONNECT, and be told that the limit is reached. */
  #limit(): number {
    const { maxConnections, maxWaitingConnections, maxConnectionsBeforeConnect } = this.#parts.current.options
    const beforeConnect = maxConnectionsBeforeConnect === 0 ? Infinity : maxConnectionsBeforeConnect
    if (maxConnections === 0) return beforeConnect
    return Math.min(beforeConnect, maxConnections + maxWaitingConnections - this.#parts.connected())
  }

  #limitOf({ options: { maxConnections }, connected }: ListenerState): number {
    return maxConnections === 0
      ? Infinity
      : maxConnections + this.#parts.current.options.maxWaitingConnections - connected
  }
}
