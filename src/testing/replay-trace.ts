/**
 * Replays a trace as a test: what clients have sent is sent again to a broker in virtual time, at the times of the
 * trace, and its answers are compared with those in the trace.
 *
 *   sluice trace meter-7 --file trace.jsonl
 *   const { differences } = await replayTrace('trace.jsonl')
 *
 * @module
 */
import { readFile, stat } from 'node:fs/promises'
import { messageOf } from '../base/thrown.ts'
import type { ConfigInput } from '../config/options.ts'
import { MAX_TRACE_FILE_BYTES, parseTrace, tooLong, TraceFileError } from '../admin/trace/trace-file.ts'
import { Replayer, type Replay } from './replayer.ts'
import type { Passwords } from './traced-packets.ts'

/** How a trace is replayed. */
export interface ReplayOptions {
  /** The configuration of the broker, as for `createTestBroker`; default: empty, so anyone may log in. */
  readonly config?: ConfigInput
  /** Passwords by user name, because a trace has none; default: as many zeros as the password had bytes. */
  readonly passwords?: Passwords
}

/**
 * Replays the packets of a trace against a broker in virtual time, and returns where its answers differ. What the trace
 * does not show is replaced: payloads by zeros, messages of clients that it did not follow by messages of the host
 * program, clients that were connected when it began by new ones with the same subscriptions. Compared are the packets
 * that the broker sends, with their identifiers, Reason Codes, topics and flags; not properties that depend on the
 * configuration.
 *
 * @param file path of the file, at most 64 MiB
 * @throws {TraceFileError} `ERR_TRACE_FILE` for a file that is no trace, is damaged, or follows a topic; with the line
 *
 * @example
 * const header = { format: 'sluice-trace', version: 1, traceId: '1', startedAtMs: 0, payloadBytes: 0, broker: '1.0.0' }
 * const connect = { type: 'CONNECT', protocolVersion: 4, cleanStart: true, keepAlive: 0, clientId: 'a', properties: {} }
 * const common = { atMs: 0, clientId: 'a', connection: 1 }
 * const records = [
 *   { seq: 1, ...common, direction: 'received', packet: connect },
 *   { seq: 2, ...common, direction: 'sent', packet: { type: 'CONNACK', sessionPresent: true, reasonCode: 0 } },
 * ]
 * const text = [header, ...records].map((line) => JSON.stringify(line)).join('\n')
 * const { differences } = await replayTraceText(text)
 * differences[0]?.got // 'CONNACK Connection Accepted (0), Session Present 0'
 */
export async function replayTrace(file: string, options: ReplayOptions = {}): Promise<Replay> {
  const { size } = await stat(file)
  if (size > MAX_TRACE_FILE_BYTES) throw tooLong(file, size)
  return replayTraceText(await readFile(file, 'utf8'), options, file)
}

/**
 * The same for the content of a file.
 *
 * @param name of the file, for errors
 * @throws {TraceFileError} as `replayTrace`
 */
export async function replayTraceText(text: string, options: ReplayOptions = {}, name = 'the trace'): Promise<Replay> {
  const { header, records } = parseTrace(text, name)
  if (header.topicFilter !== undefined) {
    throw new TraceFileError(name, 1, 'follows messages of a topic: it has no packets that could be replayed')
  }
  const replayer = await Replayer.start(header, options.config ?? {}, options.passwords ?? {})
  try {
    replayer.look(records)
    for (const { line, record } of records) {
      try {
        await replayer.replay(line, record)
      } catch (error) {
        throw new TraceFileError(name, line, `cannot be replayed: ${messageOf(error)}`)
      }
    }
    return await replayer.result(records.at(-1)?.line ?? 1)
  } finally {
    await replayer.close()
  }
}
