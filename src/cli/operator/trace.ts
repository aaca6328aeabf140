/**
 * `sluice trace`: follows clients or topics of a running broker, live.
 *
 *   on a terminal   a line for each record
 *   on a pipe       the trace as lines of JSON
 *   --file FILE     the same lines of JSON to a file, which `replayTrace` of `sluice/testing` reads
 *
 * Ctrl-C ends the trace; what it holds is still printed.
 *
 * @module
 */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { SluiceError, UsageError } from '../../base/errors.ts'
import { printable } from '../../base/printable.ts'
import { messageOf } from '../../base/thrown.ts'
import { traceLine } from '../../admin/trace/trace-line.ts'
import type { TraceEnding, TraceRecord, TraceRequest, TraceView } from '../../broker/host/trace-admin.ts'
import type { Call } from '../command.ts'
import { apiOf } from './broker-door.ts'
import type { StreamEvent } from './event-stream.ts'
import { shortened } from './layout.ts'
import { isForPeople } from './list-command.ts'
import { parametersOf } from './parameters.ts'
import { traceRow } from './trace-row.ts'

const CLIENT_WIDTH = 20

/** Calls back when the user interrupts a command. @returns what ends the listening */
export type OnInterrupt = (end: () => void) => () => void

/** Ctrl-C; a second one ends the program at once. */
const untilInterrupt: OnInterrupt = (end) => {
  process.once('SIGINT', end)
  return () => void process.off('SIGINT', end)
}

/** @returns the exit code */
export async function trace(call: Call, onInterrupt: OnInterrupt = untilInterrupt): Promise<number> {
  const client = apiOf(call)
  const request = parametersOf(traceRow, call) as TraceRequest
  if (Object.keys(request).length === 0) {
    throw new UsageError('`sluice trace` needs CLIENT, --user-name, --address or --topic-filter; see --help.')
  }
  const output = new TraceOutput(call)
  try {
    const view = (await client.call('startTrace', request)) as TraceView
    const { traceId } = view
    const stop = (): void => void client.call('stopTrace', { traceId }).catch(() => undefined)
    const isOver = onInterrupt(stop)
    try {
      output.begins(view)
      for await (const event of client.follow(`/traces/${traceId}/events`)) output.event(event)
    } catch (error) {
      stop()
      throw error
    } finally {
      isOver()
    }
  } finally {
    output.close()
  }
  if (output.hasEnded) return 0
  call.terminal.err('the broker has ended the connection; the trace may be incomplete')
  return 1
}

/** Where records go. */
class TraceOutput {
  hasEnded = false
  #hasWritten = false
  readonly #call: Call
  readonly #isPeople: boolean
  readonly #file: number | undefined
  readonly #path: string

  /** @throws {UsageError} for a file that exists or cannot be made */
  constructor(call: Call) {
    this.#call = call
    this.#isPeople = isForPeople(call)
    this.#path = call.options['file'] ?? ''
    this.#file = this.#path === '' ? undefined : createdFile(this.#path)
  }

  begins({ endsAtMs, startedAtMs }: TraceView): void {
    if (!this.#isPeople) return
    const seconds = Math.round((endsAtMs - startedAtMs) / 1000)
    this.#call.terminal.out(`following for ${seconds} s; Ctrl-C ends it`)
    this.#call.terminal.out(
      this.#call.terminal.bold(`${'TIME'.padEnd(12)}  CON  ${'CLIENT'.padEnd(CLIENT_WIDTH)}  WHAT`),
    )
  }

  event({ name, data }: StreamEvent): void {
    if (name === 'end') this.hasEnded = true
    if (name === 'lost') this.#lost(data)
    else this.#write(data)
    if (!this.#isPeople) return
    if (name === 'record')
      this.#call.terminal.out(recordLine(JSON.parse(data) as TraceRecord, this.#call.terminal.columns()))
    if (name === 'end') this.#call.terminal.out(endLine(JSON.parse(data) as TraceEnding))
  }

  /** In JSON, the numbers show what is missing. */
  #lost(data: string): void {
    const { records } = JSON.parse(data) as { readonly records: number }
    if (this.#isPeople) this.#call.terminal.out(`… ${records} records were lost`)
  }

  /** Each line of a file is written at once: whoever looks at it sees what has happened. */
  #write(line: string): void {
    if (!this.#isPeople && this.#file === undefined) this.#call.terminal.out(line)
    if (this.#file === undefined) return
    try {
      writeSync(this.#file, `${line}\n`)
      this.#hasWritten = true
    } catch (error) {
      throw new SluiceError('ERR_TRACE_FILE', `${this.#path} cannot be written: ${messageOf(error)}`)
    }
  }

  /** A trace that could not be started leaves no file behind. */
  close(): void {
    if (this.#file === undefined) return
    closeSync(this.#file)
    if (!this.#hasWritten) rmSync(this.#path)
  }
}

/** It may show what clients say: only its owner may read it. */
function createdFile(path: string): number {
  try {
    return openSync(path, 'wx', 0o600)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why = code === 'EEXIST' ? 'exists already; choose another name' : `cannot be made: ${messageOf(error)}`
    throw new UsageError(`${path} ${why}.`)
  }
}

function recordLine(record: TraceRecord, width: number): string {
  const time = new Date(record.atMs).toTimeString().slice(0, 8)
  const ms = String(record.atMs % 1000).padStart(3, '0')
  const connection = String(record.connection ?? '').padStart(3)
  const client = shortened(printable(record.clientId), CLIENT_WIDTH).padEnd(CLIENT_WIDTH)
  const line = `${time}.${ms}  ${connection}  ${client}  ${traceLine(record)}`
  return width === Infinity ? line : shortened(line, Math.max(width, 80) * 4)
}

const ENDS: Readonly<Record<string, string>> = {
  stopped: 'it was stopped',
  seconds: 'its time is over',
  records: 'it has as many records as it may have',
  bytes: 'it has reached admin.max-trace-bytes',
  abandoned: 'nobody read it',
  'broker closed': 'the broker closes',
}

function endLine({ end, records, recordsLost }: TraceEnding): string {
  const lost = recordsLost === 0 ? '' : `, ${recordsLost} of them lost at admin.max-trace-rate`
  return `the trace has ended: ${ENDS[end] ?? end}; ${records} records${lost}`
}
