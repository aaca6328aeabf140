/**
 * Streams that are connected but have not finished the steps before MQTT: a PROXY header, a TLS handshake, an HTTP
 * upgrade. They are counted for their address from the first moment, share one deadline for all steps, and are closed
 * here when it passes. When the room is full, the oldest stream of the address with the most streams gives way.
 *
 *   accept() ──> enter ──> (PROXY header) comesFrom ──> (TLS, HTTP) next ──> leave ──> a Connection
 *
 * @module
 */
import type { Duplex } from 'node:stream'
import type { Timer } from '../base/clock.ts'
import type { Arrival } from '../broker/sessions/arrival.ts'
import { Holders } from '../limits/holders.ts'
import type { ListenerOptions } from '../config/options.ts'
import { cutOff } from './cut-off.ts'
import type { ListenerCounters, ListenerHost } from './host.ts'

/** The time for which a full room is not logged again. */
const LOG_INTERVAL_MS = 60_000

/** Why a stream was lost. */
export type LostCause = 'late' | 'gave way' | 'closed'

/** One stream in the room. */
export class Stay {
  /** The socket below everything else. */
  readonly stream: Duplex
  readonly arrival: Arrival
  readonly deadline: Timer
  /** Called once if the stream is lost; by then it is closed, or about to be. */
  onLost: (cause: LostCause) => void
  readonly onClose: () => void
  /** Length of its PROXY header. */
  headerBytes = 0
  /** Its deadline has passed: it was not closed by the peer. */
  isLate = false

  constructor(room: WaitingRoom, stream: Duplex, arrival: Arrival, deadline: Timer, onLost: Stay['onLost']) {
    this.stream = stream
    this.arrival = arrival
    this.deadline = deadline
    this.onLost = onLost
    this.onClose = () => room.lost(this, 'closed')
  }
}

export class WaitingRoom {
  /** The listener's present options. */
  options: Pick<ListenerOptions, 'name' | 'maxHandshakes' | 'connectTimeout'>
  readonly #host: Pick<ListenerHost, 'clock' | 'log' | 'arrive'>
  readonly #counters: ListenerCounters
  readonly #stays = new Holders<Stay>()
  /** Streams in the room, with the network that each counts for. */
  readonly #networks = new Map<Stay, string>()
  #logsAgainAtMs = -Infinity

  constructor(
    options: WaitingRoom['options'],
    host: Pick<ListenerHost, 'clock' | 'log' | 'arrive'>,
    counters: ListenerCounters,
  ) {
    this.options = options
    this.#host = host
    this.#counters = counters
  }

  /**
   * Admits a stream.
   *
   * @param speaksForOthers it belongs to a trusted proxy and will name its client
   * @returns `undefined` if it is refused; the stream is closed then
   */
  enter(stream: Duplex, address: string, speaksForOthers: boolean, onLost: Stay['onLost']): Stay | undefined {
    let stay: Stay | undefined
    const lose = (cause: LostCause) => stay && this.lost(stay, cause)
    const arrival = this.#host.arrive({ address, speaksForOthers, close: () => lose('gave way') })
    if (arrival === undefined) {
      cutOff(stream)
      return undefined
    }
    const deadline = this.#host.clock.setTimer(this.options.connectTimeout * 1000, () => lose('late'))
    stay = new Stay(this, stream, arrival, deadline, onLost)
    stream.on('close', stay.onClose)
    stream.on('error', ignore)
    this.#add(stay)
    return stay
  }

  /**
   * Counts the stream for the address that its proxy named. @returns false if that address has too many: it is closed
   * then
   */
  comesFrom(stay: Stay, address: string): boolean {
    if (!this.#remove(stay)) return false
    if (stay.arrival.comesFrom(address)) {
      this.#add(stay)
      return true
    }
    this.#end(stay)
    cutOff(stay.stream)
    return false
  }

  /** The stream has finished and leaves the room. @returns undefined if it is already lost */
  leave(stay: Stay): Arrival | undefined {
    if (!this.#remove(stay)) return undefined
    this.#end(stay)
    stay.stream.off('error', ignore)
    return stay.arrival
  }

  /** The stream did not finish; may be called twice. */
  lost(stay: Stay, cause: LostCause): void {
    if (!this.#remove(stay)) return
    this.#end(stay)
    stay.arrival.leave()
    stay.isLate = cause === 'late'
    stay.onLost(cause)
    if (cause === 'gave way') this.#gaveWay()
    if (cause !== 'closed') cutOff(stay.stream)
  }

  close(): void {
    for (const stay of [...this.#networks.keys()]) {
      this.lost(stay, 'closed')
      stay.stream.destroy()
    }
  }

  #add(stay: Stay): void {
    const { network } = stay.arrival
    this.#networks.set(stay, network)
    this.#stays.add(network, stay)
    if (this.#stays.size > this.options.maxHandshakes) this.lost(this.#stays.oldestOfLargest()!, 'gave way')
  }

  #remove(stay: Stay): boolean {
    const network = this.#networks.get(stay)
    if (network === undefined) return false
    this.#networks.delete(stay)
    return this.#stays.remove(network, stay)
  }

  #end(stay: Stay): void {
    stay.deadline.cancel()
    stay.stream.off('close', stay.onClose)
  }

  /** One line per interval, not one for each stream, so that a flood does not fill the log. */
  #gaveWay(): void {
    this.#counters.refusedWaiting++
    const now = this.#host.clock.now()
    if (now < this.#logsAgainAtMs) return
    this.#logsAgainAtMs = now + LOG_INTERVAL_MS
    const { name, maxHandshakes } = this.options
    this.#host.log.warn(
      { listener: name, limit: maxHandshakes },
      'Too many connections are in their handshake; the oldest of the address with the most are closed',
    )
  }
}

/** An error before MQTT is followed by 'close', which is all that matters here. */
function ignore(): void {}
