/**
 * Every Network Connection: accepted within the limits (`lobby.ts`), counted until its byte stream is gone, and waited
 * for at the end.
 *
 * @module
 */
import type { Clock } from '../../base/clock.ts'
import { Work } from '../../base/work.ts'
import { ReasonCode } from '../../codec/reason-code.ts'
import { Connection } from '../../protocol/connection.ts'
import type { ServerSide } from '../../protocol/server-side.ts'
import type { Peer, Transport } from '../../protocol/transport.ts'
import { Arrival, type ArrivingStream } from './arrival.ts'
import type { Refused } from '../../reporting/connection-log.ts'
import { ConnectionNotes, notesOf } from './connection-notes.ts'
import type { ListenerState } from './listener-state.ts'
import type { ActiveConfig } from '../../config/active-config.ts'
import type { Events } from '../../reporting/events.ts'
import { Holders } from '../../limits/holders.ts'
import { Lobby } from './lobby.ts'
import type { Metrics } from '../../reporting/metrics.ts'
import type { Turn } from '../../turn/turn.ts'

/** How long the broker waits for streams that it has cut off when it closes. */
const CUT_MS = 100

/** What Connections work with. */
export interface ConnectionsParts {
  readonly server: ServerSide
  readonly current: ActiveConfig
  readonly clock: Clock
  readonly metrics: Metrics
  readonly turn: Turn
  readonly events: Pick<Events, 'emit'>
  /** The number of Connections accepted by CONNACK. */
  connected(): number
  /** Logs a Connection that had to be closed at once. */
  refused(refused: Refused): void
}

export class Connections implements Iterable<Connection> {
  /** All Connections whose byte streams are open; some have ended, and their last bytes are on the way. */
  readonly #transports = new Set<Connection>()
  /** The number of Connections that have not ended, with or without CONNECT. */
  size = 0
  readonly lobby: Lobby
  /**
   * Connections that ended without a login and whose last bytes are on the way. They belong to no user, and their
   * number is limited.
   */
  readonly #leaving = new Holders<Connection>()
  #isClosing = false
  #allGone: () => void = () => {}
  readonly #parts: ConnectionsParts

  constructor(parts: ConnectionsParts) {
    this.#parts = parts
    this.lobby = new Lobby(parts)
  }

  /** The Connections that have not ended. */
  *[Symbol.iterator](): IterableIterator<Connection> {
    for (const connection of this.#transports) if (!connection.isClosed) yield connection
  }

  /**
   * Counts a stream that was accepted and has to pass something else before MQTT.
   *
   * @returns `undefined` if it has to be closed at once for lack of room
   */
  arrive(stream: ArrivingStream, listener: ListenerState): Arrival | undefined {
    if (!this.#isClosing) {
      const arrival = Arrival.enter(this.lobby, stream, listener, this.#parts.clock.now())
      if (arrival !== undefined) return arrival
    }
    this.#closedAtLimit(stream.address, listener)
    return undefined
  }

  #closedAtLimit(address: string, { options: { name: listener } }: ListenerState): void {
    this.#parts.metrics.connectionsClosedAtLimit++
    if (this.#isClosing) return
    const { maxConnectionsPerAddress } = this.#parts.current.options
    const isOfAddress = !this.lobby.hasRoomFor(address)
    this.#parts.refused({
      clientId: '',
      userName: undefined,
      address,
      listener,
      reasonCode: isOfAddress ? ReasonCode.QuotaExceeded : ReasonCode.ServerBusy,
      detail: isOfAddress
        ? `it has ${maxConnectionsPerAddress} connections (max-connections-per-address)`
        : 'too many connections have not logged in (max-connections, max-waiting-connections)',
    })
  }

  /**
   * Accepts a new Network Connection.
   *
   * @param arrival what `arrive` returned, if something came before MQTT
   * @returns `undefined` if it is closed at once for lack of room
   */
  accept(transport: Transport, peer: Peer, listener: ListenerState, arrival?: Arrival): Connection | undefined {
    const { address } = peer
    const network = arrival === undefined ? this.lobby.count(address) : arrival.handOver(address)
    if (network !== undefined) {
      const { server, metrics } = this.#parts
      const connection = new Connection(server, transport, peer, listener.options, arrival?.atMs)
      connection.notes = new ConnectionNotes(listener, network)
      if (!this.#isClosing && this.lobby.enter(connection, network, listener)) {
        metrics.connectionsAccepted++
        this.size++
        this.#transports.add(connection)
        return connection
      }
      this.#parts.turn.arm(connection, Infinity)
      this.lobby.discount(network)
    }
    this.#closedAtLimit(address, listener)
    return undefined
  }

  /** Called once CONNACK 0x00 was sent. */
  loggedIn(connection: Connection): void {
    const { network, listener } = notesOf(connection)
    this.lobby.leave(connection, network, listener)
  }

  /** Called when a Connection has ended; its last bytes may still be on their way. */
  ended(connection: Connection): void {
    this.size--
    if (connection.session !== undefined) return
    const { network, listener } = notesOf(connection)
    this.lobby.leave(connection, network, listener)
    this.#leaving.add(network.name, connection)
    const { maxConnectionsBeforeConnect: limit } = this.#parts.current.options
    if (limit > 0 && this.#leaving.size > limit) this.#leaving.oldestOfLargest()!.cut()
  }

  /** Called when the byte stream is gone. */
  gone(connection: Connection): void {
    // A program may report that twice for its own stream.
    if (!this.#transports.delete(connection)) return
    const { network } = notesOf(connection)
    this.#leaving.remove(network.name, connection)
    this.lobby.discount(network)
    if (this.#transports.size === 0) this.#allGone()
  }

  /**
   * Calls a function with each Connection that has not ended, a share of a turn at a time. Connections that come
   * meanwhile may be included or not.
   */
  each(what: (connection: Connection) => void): void {
    const { turn } = this.#parts
    const left = this[Symbol.iterator]()
    const resume = (): boolean => {
      while (!turn.work.isSpent) {
        const next = left.next()
        if (next.done === true) return true
        turn.work.spend(Work.entry)
        next.value.guard(() => what(next.value))
      }
      return false
    }
    turn.runTask(this, { resume })
  }

  /** Ends Connections that came through removed listeners. */
  endThoseOn(listeners: readonly string[]): void {
    this.each((connection) => {
      if (!listeners.includes(connection.peer.listener)) return
      connection.disconnect(ReasonCode.NotAuthorized, 'disconnected by server', 'its listener was closed')
    })
  }

  /**
   * Ends all Connections with 0x8B and accepts no new ones.
   *
   * @param timeoutMs the time after which Clients that have not read their last bytes are cut off. Streams that are
   *   still open after that are abandoned
   */
  async shutDown(timeoutMs: number): Promise<void> {
    this.#isClosing = true
    const end = (connection: Connection): void =>
      connection.disconnect(ReasonCode.ServerShuttingDown, 'server shutting down', 'the server is shutting down')
    this.each(end)
    if (this.#transports.size === 0) return
    const { clock } = this.#parts
    await new Promise<void>((resolve) => {
      let timer = clock.setTimer(timeoutMs, () => {
        // Connections that were not reached in time end as well, so that their Wills stay for the next start.
        for (const connection of this) connection.guard(() => end(connection))
        for (const connection of this.#transports) connection.guard(() => connection.cut())
        // A stream of the program may never report that it is closed.
        timer = clock.setTimer(CUT_MS, resolve)
      })
      this.#allGone = () => {
        timer.cancel()
        resolve()
      }
    })
  }
}
