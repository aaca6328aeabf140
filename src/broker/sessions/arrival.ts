/** A stream from `accept()` on, until it speaks MQTT or is lost, as its listener holds it. @module */
import type { ListenerState } from './listener-state.ts'
import type { Lobby, Network } from './lobby.ts'
import type { Newcomer } from './listener-state.ts'

/** A stream that a listener has just accepted. */
export interface ArrivingStream {
  /** The address of the socket; empty if there is none. */
  readonly address: string
  /**
   * Whether it comes from a trusted proxy, which will announce its client: until then, its own address has no limit.
   */
  readonly speaksForOthers: boolean
  /** Ends it at once. */
  close(): void
}

export class Arrival implements Newcomer {
  /** When it was accepted, in monotonic milliseconds: `connect-timeout` counts from then. */
  readonly atMs: number
  readonly #stream: ArrivingStream
  readonly #lobby: Lobby
  readonly #listener: ListenerState
  #network: Network | undefined

  /** @returns `undefined` if a limit is reached, so that the stream has to be closed */
  static enter(lobby: Lobby, stream: ArrivingStream, listener: ListenerState, atMs: number): Arrival | undefined {
    const network = lobby.count(stream.address, !stream.speaksForOthers)
    if (network === undefined) return undefined
    const arrival = new Arrival(lobby, stream, listener, atMs, network)
    if (lobby.enter(arrival, network, listener)) return arrival
    lobby.discount(network)
    return undefined
  }

  private constructor(lobby: Lobby, stream: ArrivingStream, listener: ListenerState, atMs: number, network: Network) {
    this.#lobby = lobby
    this.#stream = stream
    this.#listener = listener
    this.#network = network
    this.atMs = atMs
  }

  /** The network for which it is counted, as `networkOf` writes it. */
  get network(): string {
    return this.#network?.name ?? ''
  }

  /**
   * Counts it for the address that a proxy has announced.
   *
   * @returns false if that address has reached its limit, so that the stream has to be closed
   */
  comesFrom(address: string): boolean {
    const network = this.handOver(address)
    if (network === undefined) return false
    this.#network = network
    if (this.#lobby.enter(this, network, this.#listener)) return true
    this.leave()
    return false
  }

  /**
   * Ends the arrival, because the stream is a Connection from that address from now on, which is counted instead.
   *
   * @returns `undefined` if that address has reached its limit
   */
  handOver(address: string): Network | undefined {
    if (this.#network === undefined) return undefined
    this.leave()
    return this.#lobby.count(address)
  }

  /** Ends the arrival of a stream that is lost; it may be called twice. */
  leave(): void {
    const network = this.#network
    if (network === undefined) return
    this.#network = undefined
    this.#lobby.leave(this, network, this.#listener)
    this.#lobby.discount(network)
  }

  giveWay(): void {
    this.leave()
    this.#stream.close()
  }
}
