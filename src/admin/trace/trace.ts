/**
 * One trace: what it follows, its records, and the limits at which it loses some or ends.
 *
 *   record ──rate──> numbered ──> text, made once ──> buffer ──> readers, each at its own place
 *            └── over it: the number is used up, so that readers see a gap
 *
 * @module
 */
import type { Connection } from '../../protocol/connection.ts'
import { RateLimit } from '../../protocol/rate-limit.ts'
import type { AdminCaller, TraceEnd, TraceHeader, TraceView } from '../../broker/host/trace-admin.ts'
import { TRACE_FORMAT, TRACE_VERSION } from '../../broker/host/trace-admin.ts'
import { version } from '../../broker/version.ts'
import { TraceBuffer } from './trace-buffer.ts'
import type { TraceMatcher } from './trace-filter.ts'

/** The longest record; of a longer one only the beginning of its facts is kept: which packet, whose, how long. */
const MAX_RECORD_BYTES = 262_144
/** A trace ends if it is not read for so long: once its last reader has left, and from its start on. */
const LEFT_MS = 10_000
const UNREAD_MS = 120_000

/** The limits of a trace. */
export interface TraceLimits {
  readonly payloadBytes: number
  /** Whether the host program has started it, which sees all payloads anyway. */
  readonly isHost: boolean
  readonly seconds: number
  readonly records: number
  readonly bytes: number
  readonly recordsPerSecond: number
  readonly clients: number
  readonly bufferBytes: number
}

/** What a record is about. */
export interface TraceFacts {
  readonly clientId: string
  readonly connection?: number
  readonly [field: string]: unknown
}

export class Trace {
  readonly traceId: string
  readonly caller: AdminCaller
  readonly matcher: TraceMatcher
  readonly limits: TraceLimits
  readonly startedAtMs: number
  readonly buffer: TraceBuffer
  /** Client identifiers that it follows: what happens to their sessions belongs to it. At most `limits.clients`. */
  readonly clientIds = new Set<string>()
  /** Connections whose packets it follows. At most `limits.clients`. */
  readonly connections = new Set<Connection>()
  /** The number of the last record. */
  seq = 0
  recordsLost = 0
  connectionsLeftOut = 0
  /** Limits that it has reached, each of which is reported once. */
  readonly limitsReached = new Set<string>()
  bytes = 0
  end: TraceEnd | undefined = undefined
  /** When it ended; monotonic. */
  endedAtMs = 0
  #readers = 0
  /** When it ends unless it is read; monotonic. */
  #unreadUntilMs: number
  readonly #endsAtMs: number
  readonly #rate: RateLimit

  /** @param nowMs monotonic; `wallMs` is the same time since 1970 */
  constructor(
    traceId: string,
    caller: AdminCaller,
    matcher: TraceMatcher,
    limits: TraceLimits,
    nowMs: number,
    wallMs: number,
  ) {
    this.traceId = traceId
    this.caller = caller
    this.matcher = matcher
    this.limits = limits
    this.startedAtMs = wallMs
    this.buffer = new TraceBuffer(limits.bufferBytes)
    this.#endsAtMs = nowMs + limits.seconds * 1000
    this.#unreadUntilMs = nowMs + UNREAD_MS
    this.#rate = new RateLimit(limits.recordsPerSecond, nowMs)
  }

  /**
   * Numbers a record, before anything is made of it.
   *
   * @returns whether it may be added; otherwise it is lost
   */
  takes(nowMs: number): boolean {
    this.seq++
    if (this.#rate.tryTake(nowMs)) return true
    this.recordsLost++
    return false
  }

  /** Adds the record that was numbered last. @returns the length of its text */
  add(facts: TraceFacts, wallMs: number): number {
    const { seq } = this
    let text = JSON.stringify({ seq, atMs: Math.round(wallMs), ...facts })
    let bytes = Buffer.byteLength(text)
    if (bytes > MAX_RECORD_BYTES) {
      text = JSON.stringify({ seq, atMs: Math.round(wallMs), ...shortened(facts, bytes) })
      bytes = Buffer.byteLength(text)
    }
    this.buffer.push(seq, text, bytes)
    this.bytes += bytes
    return bytes
  }

  /** Why it has to end now; `undefined` if it goes on. */
  reasonToEnd(nowMs: number): TraceEnd | undefined {
    if (this.seq >= this.limits.records) return 'records'
    if (this.bytes >= this.limits.bytes) return 'bytes'
    if (nowMs >= this.#endsAtMs) return 'seconds'
    return this.#readers === 0 && nowMs >= this.#unreadUntilMs ? 'abandoned' : undefined
  }

  /** Follows a connection. @returns whether there was room for it */
  follow(connection: Connection): boolean {
    if (this.connections.has(connection)) return true
    const hasRoom = this.connections.size < this.limits.clients
    if (hasRoom) this.connections.add(connection)
    else this.connectionsLeftOut++
    return hasRoom
  }

  /** Follows what happens to the session of a client. @returns whether there was room for it */
  followClient(clientId: string): boolean {
    if (this.clientIds.size < this.limits.clients) this.clientIds.add(clientId)
    return this.clientIds.has(clientId)
  }

  /** Whether what happens to that session belongs to it. */
  concerns(clientId: string): boolean {
    if (!this.matcher.selectsClients) return true
    return this.matcher.filter.clientId === clientId || this.clientIds.has(clientId)
  }

  /** Somebody reads it from now on. @returns to be called when they leave */
  reads(now: () => number): () => void {
    this.#readers++
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.#readers--
      this.#unreadUntilMs = now() + LEFT_MS
    }
  }

  /** A part of it was read. */
  wasRead(nowMs: number): void {
    this.#unreadUntilMs = nowMs + UNREAD_MS
  }

  get header(): TraceHeader {
    const { traceId, startedAtMs, limits, matcher } = this
    const { payloadBytes } = limits
    return {
      ...{ format: TRACE_FORMAT, version: TRACE_VERSION, traceId, startedAtMs, payloadBytes, broker: version },
      ...matcher.filter,
    }
  }

  get view(): TraceView {
    const { traceId, caller, startedAtMs, limits, matcher, seq, recordsLost, bytes, connectionsLeftOut, end } = this
    return {
      ...{ traceId, startedBy: caller.name, startedAtMs, endsAtMs: startedAtMs + limits.seconds * 1000 },
      ...matcher.filter,
      ...{ payloadBytes: limits.payloadBytes, records: seq, recordsLost, bytes },
      ...{ connections: this.connections.size, connectionsLeftOut, readers: this.#readers, end },
    }
  }
}

/** What is left of a record that is too long. */
function shortened({ clientId, connection, direction, packet, event }: TraceFacts, bytes: number): TraceFacts {
  const type = (packet as { readonly type?: string } | undefined)?.type
  return {
    clientId: clientId.slice(0, 1024),
    ...(connection !== undefined && { connection }),
    ...(direction !== undefined && { direction }),
    ...(type !== undefined && { packet: { type, omittedBytes: bytes } }),
    ...(event !== undefined && { event, details: { omittedBytes: bytes } }),
  }
}
