/**
 * Traces as files: lines of JSON.
 *
 *   {"format":"sluice-trace","version":1, …}       the header
 *   {"seq":1,"atMs":…,"clientId":"meter", …}       records
 *   {"end":"stopped","records":57,"recordsLost":0}  missing if whoever wrote it was killed
 *
 * A file that is damaged is refused with its line and the reason.
 *
 * @module
 */
import { SluiceError } from '../../base/errors.ts'
import { show } from '../../base/show.ts'
import { packetTypes } from '../../codec/packet-types.ts'
import { TRACE_FORMAT, TRACE_VERSION } from '../../broker/host/trace-admin.ts'
import type { TraceEnding, TraceHeader, TraceRecord } from '../../broker/host/trace-admin.ts'

/** The largest file that is read: all of it is kept in memory. */
export const MAX_TRACE_FILE_BYTES = 67_108_864

/** A file that is not a trace, or is damaged. */
export class TraceFileError extends SluiceError {
  /** Counted from 1; 0 for the file as a whole. */
  readonly line: number

  constructor(name: string, line: number, reason: string) {
    super('ERR_TRACE_FILE', line === 0 ? `${name}: ${reason}` : `${name}, line ${line}: ${reason}`)
    this.line = line
  }
}

/** A record and where it is. */
export interface PlacedRecord {
  readonly line: number
  readonly record: TraceRecord
}

/** A trace that was read. */
export interface ReadTrace {
  readonly header: TraceHeader
  readonly records: readonly PlacedRecord[]
  readonly ending: TraceEnding | undefined
}

const PACKET_NAMES: ReadonlySet<unknown> = new Set(packetTypes.map(({ name }) => name))

/**
 * Reads the content of a file.
 *
 * @param name of the file, for errors
 * @throws {TraceFileError} for the first line that is wrong
 */
export function parseTrace(text: string, name: string): ReadTrace {
  if (text.length > MAX_TRACE_FILE_BYTES) throw tooLong(name, text.length)
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const fail = (line: number, reason: string): TraceFileError => new TraceFileError(name, line, reason)
  if (lines.length === 0) throw fail(0, 'is empty')
  const header = objectOf(lines[0]!, 1, lines.length, fail) as unknown as TraceHeader
  const problem = headerProblem(header)
  if (problem !== undefined) throw fail(1, problem)
  const records: PlacedRecord[] = []
  let ending: TraceEnding | undefined
  let lastSeq = 0
  for (let at = 1; at < lines.length; at++) {
    const line = at + 1
    if (ending !== undefined) throw fail(line, 'comes after the end of the trace')
    const value = objectOf(lines[at]!, line, lines.length, fail)
    if ('end' in value) {
      ending = value as unknown as TraceEnding
      continue
    }
    const wrong = recordProblem(value, lastSeq)
    if (wrong !== undefined) throw fail(line, wrong)
    const record = value as unknown as TraceRecord
    lastSeq = record.seq
    records.push({ line, record })
  }
  return { header, records, ending }
}

export function tooLong(name: string, bytes: number): TraceFileError {
  return new TraceFileError(name, 0, `has ${bytes} bytes; at most ${MAX_TRACE_FILE_BYTES} can be read`)
}

type Fail = (line: number, reason: string) => TraceFileError

/** @throws {TraceFileError} */
function objectOf(text: string, line: number, lines: number, fail: Fail): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw fail(line, line === lines && line > 1 ? 'is cut off: remove it to read the rest' : 'is not JSON')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw fail(line, `must be an object, is ${show(value)}`)
}

function headerProblem({
  format,
  version,
  startedAtMs,
}: Partial<Record<keyof TraceHeader, unknown>>): string | undefined {
  if (format !== TRACE_FORMAT) return `is not the header of a trace: format must be ${TRACE_FORMAT}, is ${show(format)}`
  if (version !== TRACE_VERSION)
    return `version must be ${TRACE_VERSION}, is ${show(version)}; was it written by a newer Sluice?`
  return Number.isSafeInteger(startedAtMs) ? undefined : `startedAtMs must be a whole number, is ${show(startedAtMs)}`
}

function recordProblem(record: Readonly<Record<string, unknown>>, lastSeq: number): string | undefined {
  const { seq, atMs, clientId, connection, direction, packet, event, details } = record
  if (!Number.isSafeInteger(seq) || (seq as number) <= lastSeq) {
    return `seq must be a whole number above ${lastSeq}, is ${show(seq)}`
  }
  if (!Number.isSafeInteger(atMs)) return `atMs must be a whole number, is ${show(atMs)}`
  if (typeof clientId !== 'string') return `clientId must be a string, is ${show(clientId)}`
  if (connection !== undefined && !Number.isSafeInteger(connection)) {
    return `connection must be a whole number, is ${show(connection)}`
  }
  if (packet === undefined) {
    if (typeof event !== 'string') return 'must have a packet or an event'
    return isObject(details) ? undefined : `details must be an object, is ${show(details)}`
  }
  if (direction !== 'received' && direction !== 'sent')
    return `direction must be received or sent, is ${show(direction)}`
  if (connection === undefined) return 'a packet must have a connection'
  if (!isObject(packet) || !PACKET_NAMES.has(packet['type']))
    return `packet must be a Control Packet, is ${show(packet)}`
  return undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
