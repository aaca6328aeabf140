/**
 * Handles the end of a Connection: counts and logs it, emits the event, and ends its Session or lets it wait for its
 * Client.
 *
 * A power cut or a proxy that restarts closes thousands of streams in one poll. Connections whose end does not fit into
 * the turn form one line, which has the share of one owner, so that Clients that are still there do not wait for those
 * that are gone. A Connection that waits here counts as open.
 *
 * @module
 */
import { safeExcerpt } from '../../base/printable.ts'
import { Ring } from '../../base/ring.ts'
import { Work } from '../../base/work.ts'
import { ReasonCode } from '../../codec/reason-code.ts'
import type { Connection } from '../../protocol/connection.ts'
import type { ConnectionEnd, Departing } from '../../protocol/server-side.ts'
import type { Session } from '../../protocol/session.ts'
import type { ConnectionLog, Refused } from '../../reporting/connection-log.ts'
import type { Events } from '../../reporting/events.ts'
import type { Metrics } from '../../reporting/metrics.ts'
import type { PacketWatch } from '../../reporting/packet-watch.ts'
import type { Replays } from '../../routing/replays.ts'
import type { Task, Turn } from '../../turn/turn.ts'
import type { Admission } from './admission.ts'
import { notesOf } from './connection-notes.ts'
import type { ClosedConnections } from './closed-connections.ts'
import type { Connections } from './connections.ts'
import type { Registration, Sessions } from './sessions.ts'

export interface DeparturesParts {
  readonly turn: Turn
  readonly metrics: Metrics
  readonly events: Events
  readonly packets: PacketWatch
  readonly connectionLog: ConnectionLog
  readonly closedConnections: ClosedConnections
  readonly admission: Admission
  readonly sessions: Sessions
  readonly replays: Replays
  /** The open Connections. */
  connections(): Connections
  /** Forgets a Connection that waits for the Store. */
  forget(connection: Connection): void
  /** Whether Sessions outlive the process. */
  readonly areKept: boolean
  /** Stores the present facts of a Session. */
  changed(registration: Registration): void
}

export class Departures implements Departing, Task {
  readonly #parts: DeparturesParts
  /** Connections that are lost and have not ended yet. */
  readonly #lost = new Ring<Connection>()

  constructor(parts: DeparturesParts) {
    this.#parts = parts
  }

  lost(connection: Connection): void {
    this.#lost.push(connection)
    if (this.#lost.length === 1) this.#parts.turn.addTask(this, this)
  }

  resume(): boolean {
    const { work } = this.#parts.turn
    while (this.#lost.length > 0) {
      if (work.isSpent) return false
      const next = this.#lost.shift()!
      next.guard(() => next.settleLoss())
    }
    return true
  }

  closed(connection: Connection, end: ConnectionEnd): void {
    const parts = this.#parts
    parts.turn.work.spend(Work.connection)
    parts.connections().ended(connection)
    notesOf(connection).forget()
    parts.forget(connection)
    parts.admission.ended(connection)
    this.#count(end)
    parts.packets.tap?.closed(connection, end)
    if (connection.session === undefined) this.#refused(connection, end)
    else this.#disconnected(connection, connection.session, end)
  }

  gone(connection: Connection): void {
    this.#parts.connections().gone(connection)
  }

  #count({ cause }: ConnectionEnd): void {
    const { metrics } = this.#parts
    if (cause === 'refused') metrics.connectsRefused++
    else if (cause === 'protocol error') metrics.protocolErrors++
    else if (cause === 'keep alive timeout') metrics.keepAliveTimeouts++
    else if (cause === 'packet timeout') metrics.packetTimeouts++
    else if (cause === 'slow receiver') metrics.slowReceiversClosed++
  }

  #refused(connection: Connection, { reasonCode, detail, isSilent }: ConnectionEnd): void {
    const { connectionLog, events } = this.#parts
    if (isSilent === true) {
      connectionLog.silent(connection)
      return
    }
    const { address, listener } = connection.peer
    const { clientId = '', userName: claimed } = connection.connectPacket ?? {}
    const userName = claimed === undefined ? undefined : safeExcerpt(claimed)
    const refused: Refused = { clientId, userName, address, listener, reasonCode, detail }
    connectionLog.refused(refused)
    events.emit('clientRefused', refused)
  }

  #disconnected(connection: Connection, session: Session, end: ConnectionEnd): void {
    const { admission, replays, turn, connectionLog, events, sessions, areKept } = this.#parts
    admission.left(connection)
    replays.disconnected(session)
    const { client } = connection
    const { cause, reasonCode, detail } = end
    connectionLog.left(connection, end, turn.now())
    this.#parts.closedConnections.add(connection, end)
    events.emit('clientDisconnected', { client, cause, reasonCode, detail })
    const registration = sessions.get(session.clientId)
    if (registration?.connection !== connection) return
    // DISCONNECT 0x00 removes the Will; a broker that stops leaves Wills to its next start (U-3.1.2.5-3).
    if (cause === 'server shutting down' && areKept) {
      this.#leaveForNextStart(registration)
      return
    }
    const isNormal = cause === 'disconnected by client' && reasonCode === ReasonCode.Success
    const keepsWill = !isNormal && cause !== 'server shutting down'
    sessions.disconnected(registration, keepsWill)
  }

  /** A stored Session and its Will continue at the next start. */
  #leaveForNextStart(registration: Registration): void {
    registration.connection = undefined
    this.#parts.changed(registration)
  }
}
