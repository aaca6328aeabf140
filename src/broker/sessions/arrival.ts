/** A stream from `accept()` on, until it speaks MQTT or is gone: what a listener holds of the lobby. @module */
import type { ListenerState } from './listener-state.ts'
import type { Lobby, Network } from './lobby.ts'
import type { Newcomer } from './listener-state.ts'

/** What a listener says of a stream that it has just accepted. */
export interface ArrivingStream {
  /** Of the socket; empty where there is none. */
  readonly address: string
  /** It is a trusted proxy's, and will say for whom it speaks: its own address has no limit until then. */
  readonly speaksForOthers: boolean
  /** Ends it at once. */
  close(): void
}

export class Arrival implements Newcomer {
  /** Monotonic milliseconds of `accept()`: `connect-timeout` counts from here. */
  readonly atMs: number
  readonly #stream: ArrivingStream
  readonly #lobby: Lobby
  readonly #listener: ListenerState
  #network: Network | undefined

  /** @returns `undefined` where a limit is reached: the stream is to be closed */
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

  /** Whom it is counted for, as `networkOf` writes it. */
  get network(): string {
    return this.#network?.name ?? ''
  }

  /**
   * It speaks for that address, as a proxy says.
   *
   * @returns false where that one has as many as it may: the stream is to be closed
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
   * It is a Connection from that address from now on, which is counted in its place.
   *
   * @returns `undefined` where that address has as many as it may
   */
  handOver(address: string): Network | undefined {
    if (this.#network === undefined) return undefined
    this.leave()
    return this.#lobby.count(address)
  }

  /** It is gone; may be called twice. */
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
