/**
 * The Connections that have ended most recently, with their causes: what an operator looks at when a user reports that
 * a client was disconnected.
 *
 *   [ oldest … newest ]     as many as `max-closed-connections` lets; the oldest is forgotten for the next one
 *
 * Only Connections that had logged in are kept: a flood of refused ones, which anybody can cause, must not push the
 * others out. Texts from peers are shortened, so an entry takes about a kilobyte and a half at most.
 *
 * @module
 */
import type { Clock } from '../../base/clock.ts'
import { sizeOfText } from '../../base/memory-account.ts'
import { safeExcerpt } from '../../base/printable.ts'
import { Ring } from '../../base/ring.ts'
import type { ReasonCode } from '../../codec/reason-code.ts'
import type { ActiveConfig } from '../../config/active-config.ts'
import type { Connection } from '../../protocol/connection.ts'
import type { ConnectionEnd, EndCause } from '../../protocol/server-side.ts'
import type { Memory } from '../../limits/memory.ts'
import type { Metrics } from '../../reporting/metrics.ts'
import type { ConnectionIdentity } from './connection-identity.ts'

/** Characters of a name that are kept. */
export const MAX_NAME_LENGTH = 256

/**
 * A connection that has ended after its client had logged in. Times are in milliseconds since 1970. The client
 * identifier and the user names are cut to 256 characters.
 */
export interface ClosedConnectionView extends ConnectionIdentity {
  readonly connectedAtMs: number
  readonly closedAtMs: number
  /** Why it ended. */
  readonly cause: EndCause
  /** The Reason Code of the DISCONNECT that was sent or received, or would have been if the version had one. */
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

/** What ClosedConnections work with. */
export interface ClosedConnectionsParts {
  readonly current: ActiveConfig
  readonly clock: Clock
  readonly metrics: Metrics
  readonly memory: Memory
}

export class ClosedConnections {
  readonly #ring = new Ring<ClosedConnectionView>()
  /** How many there have been in total, which is the number of the newest. */
  #count = 0
  readonly #parts: ClosedConnectionsParts

  constructor(parts: ClosedConnectionsParts) {
    this.#parts = parts
  }

  add(connection: Connection, end: ConnectionEnd): void {
    if (this.#limit === 0) return
    const view = closedViewOf(connection, end, this.#parts.clock)
    this.#ring.push(view)
    this.#parts.memory.whole.add(sizeOf(view))
    this.#count++
    this.trim()
  }

  get #limit(): number {
    return this.#parts.current.options.maxClosedConnections
  }

  /** Removes the oldest beyond the limit, which a reload may have lowered. */
  trim(): void {
    while (this.#ring.length > this.#limit) {
      this.#parts.memory.whole.add(-sizeOf(this.#ring.shift()!))
      this.#parts.metrics.closedConnectionsForgotten++
    }
  }

  /** The number of the newest; the numbers of older ones count down from it. */
  get newestNumber(): number {
    return this.#count
  }

  /** @returns `undefined` if it was forgotten, or never existed */
  get(number: number): ClosedConnectionView | undefined {
    const at = number - 1 - (this.#count - this.#ring.length)
    return at < 0 ? undefined : this.#ring.at(at)
  }
}

/** An entry without its texts. */
const ENTRY_BYTES = 320

function sizeOf({ clientId, userName = '', claimedUserName = '', address, detail }: ClosedConnectionView): number {
  return (
    ENTRY_BYTES +
    sizeOfText(clientId) +
    sizeOfText(userName) +
    sizeOfText(claimedUserName) +
    sizeOfText(address + detail)
  )
}

/** One literal, as in `client-view.ts`: it is made for every connection that ends. */
function closedViewOf(connection: Connection, { cause, reasonCode, detail }: ConnectionEnd, clock: Clock) {
  const { client, peer, messageCounts } = connection
  const { userName, claimedUserName } = client
  const closedAtMs = Math.round(clock.wallNow())
  return {
    clientId: keptName(client.clientId),
    userName: userName === undefined ? undefined : keptName(userName),
    claimedUserName: claimedUserName === undefined ? undefined : keptName(claimedUserName),
    address: client.address,
    port: peer.port,
    listener: client.listener,
    protocolVersion: client.protocolVersion,
    connectedAtMs: Math.round(closedAtMs - (clock.now() - connection.connectedAtMs)),
    closedAtMs,
    cause,
    reasonCode,
    detail: copyOf(safeExcerpt(detail)),
    bytesReceived: connection.receivedBytes,
    bytesSent: connection.sentBytes,
    messagesReceived: messageCounts.received,
    messagesSent: messageCounts.sent,
  }
}

/** Shortens a Client Identifier or User Name that is very long. */
export function keptName(text: string): string {
  return text.length <= MAX_NAME_LENGTH ? text : copyOf(text.slice(0, MAX_NAME_LENGTH))
}

/** Copies a text, because a part of a text keeps the whole of it in memory. */
function copyOf(text: string): string {
  return Buffer.from(text).toString()
}
