/**
 * The Connections that have ended last, with the cause of each: what an operator looks at when somebody says "it was
 * disconnected".
 *
 *   [ oldest … newest ]     as many as `max-closed-connections` lets; the oldest is forgotten for the next one
 *
 * Only those that had logged in: a flood of refused ones, which anybody can make, must not push the others out. What a
 * peer has said is shortened, so that an entry takes about a kilobyte and a half at most.
 *
 * @module
 */
import type { Clock } from '../../base/clock.ts'
import { safeExcerpt } from '../../base/printable.ts'
import { Ring } from '../../base/ring.ts'
import type { ReasonCode } from '../../codec/reason-code.ts'
import type { ActiveConfig } from '../../config/active-config.ts'
import type { Connection } from '../../protocol/connection.ts'
import type { ConnectionEnd, EndCause } from '../../protocol/server-side.ts'
import type { Metrics } from '../../reporting/metrics.ts'
import { identityOf, type ConnectionIdentity } from './connection-identity.ts'

/** Characters of a name that are kept. */
const MAX_NAME_LENGTH = 256

/**
 * A connection that has ended after its client had logged in. Times are in milliseconds since 1970. The client identifier
 * and the user names are cut to 256 characters.
 */
export interface ClosedConnectionView extends ConnectionIdentity {
  readonly connectedAtMs: number
  readonly closedAtMs: number
  /** By whose doing it ended. */
  readonly cause: EndCause
  /** Of the DISCONNECT that was sent or received, or would have been if the version had one. */
  readonly reasonCode: ReasonCode
  /** For people. */
  readonly detail: string
  /** Bytes of MQTT on this connection. */
  readonly bytesReceived: number
  readonly bytesSent: number
  /** PUBLISH packets on this connection. */
  readonly messagesReceived: number
  readonly messagesSent: number
}

/** What it works with. */
export interface ClosedConnectionsParts {
  readonly current: ActiveConfig
  readonly clock: Clock
  readonly metrics: Metrics
}

export class ClosedConnections {
  readonly #ring = new Ring<ClosedConnectionView>()
  /** How many there were, the present ones included: the number of the newest. */
  #count = 0
  readonly #parts: ClosedConnectionsParts

  constructor(parts: ClosedConnectionsParts) {
    this.#parts = parts
  }

  add(connection: Connection, end: ConnectionEnd): void {
    if (this.#limit === 0) return
    this.#ring.push(closedViewOf(connection, end, this.#parts.clock))
    this.#count++
    this.trim()
  }

  get #limit(): number {
    return this.#parts.current.options.maxClosedConnections
  }

  /** The limit may be lower than it was. */
  trim(): void {
    for (; this.#ring.length > this.#limit; this.#ring.shift()) this.#parts.metrics.closedConnectionsForgotten++
  }

  /** Number of the newest; each older one has the number below. */
  get newestNumber(): number {
    return this.#count
  }

  /** @returns `undefined` for one that is forgotten, or was never there */
  get(number: number): ClosedConnectionView | undefined {
    const at = number - 1 - (this.#count - this.#ring.length)
    return at < 0 ? undefined : this.#ring.at(at)
  }
}

function closedViewOf(connection: Connection, { cause, reasonCode, detail }: ConnectionEnd, clock: Clock) {
  const { messageCounts } = connection
  const identity = identityOf(connection)
  const { clientId, userName, claimedUserName } = identity
  const closedAtMs = Math.round(clock.wallNow())
  return {
    ...identity,
    clientId: keptName(clientId),
    userName: userName === undefined ? undefined : keptName(userName),
    claimedUserName: claimedUserName === undefined ? undefined : keptName(claimedUserName),
    connectedAtMs: Math.round(closedAtMs - (clock.now() - connection.connectedAtMs)),
    closedAtMs,
    ...{ cause, reasonCode, detail: copyOf(safeExcerpt(detail)) },
    bytesReceived: connection.receivedBytes,
    bytesSent: connection.sentBytes,
    messagesReceived: messageCounts.received,
    messagesSent: messageCounts.sent,
  }
}

/** What is kept of a Client Identifier or User Name: all of it, unless it is very long. */
export function keptName(text: string): string {
  return text.length <= MAX_NAME_LENGTH ? text : copyOf(text.slice(0, MAX_NAME_LENGTH))
}

/** A part of a text would keep the whole of it in memory. */
function copyOf(text: string): string {
  return Buffer.from(text).toString()
}
