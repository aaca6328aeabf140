/**
 * Traces: what happens to clients that an operator follows, as it happens. The format of a trace is described here.
 * @module
 */
import type { PacketName } from '../../codec/packet-types.ts'
import type { AdminRole } from './api-key-views.ts'

/** The format of a trace, in its first line. */
export const TRACE_FORMAT = 'sluice-trace'
export const TRACE_VERSION = 1

/** Who makes a call of `broker.admin`, where that matters; default: the host program, which may see everything. */
export interface AdminCaller {
  /** As in the audit log. */
  readonly name: string
  readonly role: AdminRole
  /** What it may do by now, for calls that take time; `undefined` once it may do nothing. Default: `role`. */
  readonly roleNow?: (() => AdminRole | undefined) | undefined
  /** What tells it apart from others whose names are shown in the same way; default: the name. */
  readonly owner?: string | undefined
  /** Whether it came through the Unix domain socket: it can let somebody in again. */
  readonly isLocal?: boolean | undefined
}

/** Whose something is. */
export function ownerOf({ owner, name }: AdminCaller): string {
  return owner ?? name
}

/** What is followed. Every condition that is given has to hold. */
export interface TraceFilter {
  /** Client identifier. */
  readonly clientId?: string | undefined
  /** User name: the one of the login or, before it and of anonymous clients, the one that CONNECT claims. */
  readonly userName?: string | undefined
  /** IP address or network, such as `192.0.2.7` or `10.0.0.0/8`. */
  readonly address?: string | undefined
  /** Follows messages of topics that this topic filter matches, rather than packets. */
  readonly topicFilter?: string | undefined
}

/** What `startTrace` takes: a filter, and limits. */
export interface TraceRequest extends TraceFilter {
  /** Bytes of each payload, of Correlation Data and of User Properties that are shown; default 0: only their sizes. */
  readonly payloadBytes?: number | undefined
  /** When it ends; default 300, at most `admin.max-trace-seconds`. */
  readonly seconds?: number | undefined
  /** After how many records it ends; default and maximum: `admin.max-trace-records`. */
  readonly records?: number | undefined
}

/** Why a trace has ended. */
export type TraceEnd = 'stopped' | 'seconds' | 'records' | 'bytes' | 'abandoned' | 'broker closed'

/** A trace. Times are in milliseconds since 1970. */
export interface TraceView extends TraceFilter {
  readonly traceId: string
  /** Who has started it. */
  readonly startedBy: string
  readonly startedAtMs: number
  readonly endsAtMs: number
  readonly payloadBytes: number
  /** Records so far, those that were lost included. */
  readonly records: number
  /** Records that were not made because there were more in a second than `admin.max-trace-rate`. */
  readonly recordsLost: number
  /** Bytes of the records. */
  readonly bytes: number
  /** Connections that are followed now. */
  readonly connections: number
  /** Connections that were not followed because there were more than `admin.max-trace-clients`. */
  readonly connectionsLeftOut: number
  /** Who reads it now. */
  readonly readers: number
  /** `undefined` while it is running. */
  readonly end: TraceEnd | undefined
}

/** Bytes in a trace: how many there were and, if they may be shown, the first of them. */
export interface TraceBytes {
  readonly bytes: number
  readonly base64?: string
}

/** A Control Packet in a trace: the fields of `Packet`, binary ones as `TraceBytes`. */
export interface TracePacket {
  readonly type: PacketName
  readonly [field: string]: unknown
}

/** One line of a trace: a packet, or something else that happened. */
export interface TraceRecord {
  /** Counts from 1; where a number is missing, records were lost. */
  readonly seq: number
  /** Milliseconds since 1970. */
  readonly atMs: number
  /** Client identifier; empty for the host program, and before a client has one. */
  readonly clientId: string
  /** Number of the connection in this trace; missing if there was none. */
  readonly connection?: number
  /** Of a packet: whether the broker received or sent it. */
  readonly direction?: 'received' | 'sent'
  readonly packet?: TracePacket
  /**
   * An event of the broker by its name (docs/reference/events.md), or `following`: the client was connected already.
   */
  readonly event?: string
  /** Fields of the event. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** The first line of a trace. */
export interface TraceHeader extends TraceFilter {
  readonly format: typeof TRACE_FORMAT
  readonly version: typeof TRACE_VERSION
  readonly traceId: string
  readonly startedAtMs: number
  readonly payloadBytes: number
  /** Version of the broker. */
  readonly broker: string
}

/** The last line of a trace that has ended. */
export interface TraceEnding {
  readonly end: TraceEnd
  readonly records: number
  readonly recordsLost: number
}

/** A part of a trace. */
export interface TraceRecordsView {
  readonly records: readonly TraceRecord[]
  /** Pass it as `after` to get what comes next. */
  readonly after: number
  /** `undefined` while more may come. */
  readonly end: TraceEnd | undefined
}

/** The parameters of the operations. */
export interface TraceParameters {
  startTrace: TraceRequest
  traces: object
  traceRecords: {
    readonly traceId: string
    /** `seq` of the last record that is known; default 0. */
    readonly after?: number | undefined
    /** The most records; default 100. */
    readonly limit?: number | undefined
  }
  stopTrace: { readonly traceId: string }
}

/** The operations about traces. */
export interface TraceAdmin {
  /**
   * Follows clients or topics from now on. Rejects with `ERR_BUSY` while there are `admin.max-traces` of them, or
   * `admin.max-traces-per-caller` of this caller, and with `ERR_FORBIDDEN` for payloads that the caller may not see.
   */
  startTrace(parameters: TraceRequest): Promise<TraceView>
  /** The traces that the caller may see: its own, and to administrators all; those that have ended for a minute. */
  traces(parameters?: object): Promise<readonly TraceView[]>
  /** What a trace has recorded and still holds; `undefined` if there is no such trace. */
  traceRecords(parameters: TraceParameters['traceRecords']): Promise<TraceRecordsView | undefined>
  /** Ends a trace, whose records can be read for another minute; `false` if no such trace is running. */
  stopTrace(parameters: TraceParameters['stopTrace']): Promise<boolean>
}
