/**
 * Every Network Connection: let in as far as the limits go, counted, and waited for at the end.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { Connection } from '../protocol/connection.ts'
import type { ServerSide } from '../protocol/server-side.ts'
import type { Peer, Transport } from '../protocol/transport.ts'
import { ConnectionNotes, notesOf, type ListenerState } from './connection-notes.ts'
import type { Current } from './current.ts'
import type { Metrics } from './metrics.ts'

/** What Connections work with. */
export interface ConnectionsParts {
  readonly server: ServerSide
  readonly current: Current
  readonly clock: Clock
  readonly metrics: Metrics
  /** How many Connections were accepted by CONNACK. */
  connected(): number
}

export class Connections implements Iterable<Connection> {
  /** All whose byte stream is open; some have ended, and their last bytes are on the way. */
  readonly #transports = new Set<Connection>()
  /** Those that have not ended, with or without CONNECT. */
  size = 0
  readonly #byAddress = new Map<string, number>()
  #isClosing = false
  #allGone: () => void = () => {}
  readonly #parts: ConnectionsParts

  constructor(parts: ConnectionsParts) {
    this.#parts = parts
  }

  /** Those that have not ended. */
  *[Symbol.iterator](): IterableIterator<Connection> {
    for (const connection of this.#transports) if (!connection.isClosed) yield connection
  }

  /** A new Network Connection. @returns `undefined` where it is closed at once for lack of room */
  accept(transport: Transport, peer: Peer, listener: ListenerState): Connection | undefined {
    const { server, metrics } = this.#parts
    if (this.#isClosing || !this.#hasRoom(peer, listener)) {
      metrics.connectionsClosedAtLimit++
      return undefined
    }
    metrics.connectionsAccepted++
    const connection = new Connection(server, transport, peer, listener.options)
    connection.notes = new ConnectionNotes(listener)
    listener.open++
    this.size++
    this.#transports.add(connection)
    this.#count(peer.address, 1)
    return connection
  }

  /** A few more than `max-connections` may come as far as CONNECT, and read there that the limit is reached. */
  #hasRoom({ address }: Peer, listener: ListenerState): boolean {
    const { maxWaitingConnections, maxConnections, maxConnectionsBeforeConnect, maxConnectionsPerAddress } =
      this.#parts.current.options
    const isBelow = (limit: number, count: number, extra = 0): boolean => limit === 0 || count < limit + extra
    return (
      isBelow(maxConnectionsPerAddress, this.#byAddress.get(address) ?? 0) &&
      isBelow(maxConnectionsBeforeConnect, this.size - this.#parts.connected()) &&
      isBelow(maxConnections, this.size, maxWaitingConnections) &&
      isBelow(listener.options.maxConnections, listener.open, maxWaitingConnections)
    )
  }

  #count(address: string, change: 1 | -1): void {
    if (address === '') return // a Unix socket, or a stream of the host program
    const count = (this.#byAddress.get(address) ?? 0) + change
    if (count === 0) this.#byAddress.delete(address)
    else this.#byAddress.set(address, count)
  }

  /** It ended; its last bytes may still be on their way. */
  ended(connection: Connection): void {
    this.size--
    this.#count(connection.peer.address, -1)
    notesOf(connection).listener.open--
  }

  /** Its byte stream is gone. */
  gone(connection: Connection): void {
    this.#transports.delete(connection)
    if (this.#transports.size === 0) this.#allGone()
  }

  /**
   * Ends all with 0x8B and takes no new one.
   *
   * @param timeoutMs Clients that have not taken their last bytes by then are cut
   */
  async shutDown(timeoutMs: number): Promise<void> {
    this.#isClosing = true
    for (const connection of this) {
      connection.disconnect(ReasonCode.ServerShuttingDown, 'server shutting down', 'the server is shutting down')
    }
    if (this.#transports.size === 0) return
    await new Promise<void>((resolve) => {
      const timer = this.#parts.clock.setTimer(timeoutMs, () => {
        for (const connection of this.#transports) connection.cut()
      })
      this.#allGone = () => {
        timer.cancel()
        resolve()
      }
    })
  }
}
