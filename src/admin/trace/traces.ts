/**
 * All traces of a running broker. It is loaded with the first one, and the broker does nothing for traces while there
 * is none (`reporting/packet-watch.ts`).
 *
 *   Connection, Publishing, Session ──> TraceTap ──> each Trace that follows it ──> buffer ──> readers
 *
 * A record costs its client's share of the turn; readers are written when clients have been served.
 *
 * @module
 */
import type { Timer } from '../../base/clock.ts'
import { SluiceError } from '../../base/errors.ts'
import { scanned } from '../../base/work.ts'
import type { Server } from '../../broker/server.ts'
import { ownerOf, type AdminCaller, type TraceEnd, type TraceRequest } from '../../broker/host/trace-admin.ts'
import type { EventSink } from '../http/request.ts'
import { Trace, type TraceFacts } from './trace.ts'
import { TraceMatcher } from './trace-filter.ts'
import { TraceReader, type TraceReaderOptions } from './trace-reader.ts'
import { TraceTap, type TraceSide } from './trace-tap.ts'
import { mayGoOn, traceLimits, type TraceSettings } from './trace-limits.ts'

const TICK_MS = 1000
/** A trace that has ended can be read for so long. */
const KEPT_MS = 60_000
/** Traces that have ended and are kept. */
const MAX_ENDED = 8
/** Units for a record besides its text: an object is made and written. */
const RECORD_UNITS = 30
/** Characters that are written to a reader before the others are served. */
const PIECE_CHARACTERS = 65_536

export class Traces implements TraceSide {
  /** Those that go on. */
  readonly running: Trace[] = []
  readonly #ended: Trace[] = []
  readonly #readers = new Set<TraceReader>()
  readonly #server: Server
  readonly #settings: () => TraceSettings
  readonly #tap: TraceTap
  #timer: Timer | undefined
  #isWriting = false

  /** @param settings the options in force, which a reload changes */
  constructor(server: Server, settings: () => TraceSettings) {
    this.#server = server
    this.#settings = settings
    this.#tap = new TraceTap(server, this)
  }

  /** Traces that go on and those that have ended a short time ago, the oldest first. */
  get all(): readonly Trace[] {
    return [...this.#ended, ...this.running]
  }

  /** @throws {ParameterError} for a filter or limit that cannot be; `ERR_BUSY`, `ERR_FORBIDDEN` */
  start(request: TraceRequest, caller: AdminCaller, isHost: boolean): Trace {
    const settings = this.#settings()
    const matcher = new TraceMatcher(request)
    const limits = traceLimits(request, settings, caller, isHost)
    this.#checkRoom(settings, caller)
    const { clock, turn, metrics } = this.#server
    const traceId = Buffer.from(clock.randomBytes(6)).toString('hex')
    const trace = new Trace(traceId, caller, matcher, limits, turn.now(), clock.wallNow())
    this.running.push(trace)
    metrics.tracesStarted++
    this.#tap.begin(trace)
    this.#timer ??= this.#nextTick()
    return trace
  }

  #checkRoom({ maxTraces, maxTracesPerCaller }: TraceSettings, asking: AdminCaller): void {
    const { name } = asking
    const own = this.running.filter(({ caller }) => ownerOf(caller) === ownerOf(asking)).length
    const reason =
      this.running.length >= maxTraces
        ? `${maxTraces} traces go on already, the limit of admin.max-traces`
        : own >= maxTracesPerCaller && `${name} has ${own} traces already, the limit of admin.max-traces-per-caller`
    if (reason === false) return
    this.#server.metrics.tracesRefused++
    throw new SluiceError('ERR_BUSY', `startTrace: ${reason}; end one, or wait until one has ended`)
  }

  /** Whether another record of a trace is to be made, which is then passed to `record`. */
  takes(trace: Trace): boolean {
    if (trace.end !== undefined) return false
    const { turn, metrics } = this.#server
    if (trace.takes(turn.now())) return true
    turn.work.spend(1)
    metrics.traceRecordsLost++
    this.#tap.limitReached(trace, 'admin.max-trace-rate')
    this.#recorded(trace)
    return false
  }

  /** Adds a record to a trace that takes it. */
  record(trace: Trace, facts: TraceFacts): void {
    const { turn, clock, metrics } = this.#server
    turn.work.spend(RECORD_UNITS + scanned(trace.add(facts, clock.wallNow())))
    metrics.traceRecords++
    this.#recorded(trace)
  }

  #recorded(trace: Trace): void {
    const reason = trace.reasonToEnd(this.#server.turn.now())
    if (reason !== undefined) this.end(trace, reason)
    else this.#wantsToWrite()
  }

  /** @returns whether it went on until now */
  end(trace: Trace, reason: TraceEnd): boolean {
    const at = this.running.indexOf(trace)
    if (at < 0) return false
    this.running.splice(at, 1)
    trace.end = reason
    trace.endedAtMs = this.#server.turn.now()
    this.#tap.finish(trace)
    this.#ended.push(trace)
    if (this.#ended.length > MAX_ENDED) this.#ended.shift()
    this.#wantsToWrite()
    return true
  }

  /** @returns what ends it */
  read(trace: Trace, options: TraceReaderOptions, sink: EventSink): () => void {
    const left = trace.reads(() => this.#server.turn.now())
    const reader = new TraceReader(trace, options, sink, (records) => {
      this.#server.metrics.traceRecordsOverwritten += records
      this.#tap.limitReached(trace, 'admin.max-trace-buffer-bytes')
    })
    this.#readers.add(reader)
    this.#timer ??= this.#nextTick()
    this.#wantsToWrite()
    return () => {
      this.#readers.delete(reader)
      left()
    }
  }

  #wantsToWrite(): void {
    if (this.#isWriting || this.#readers.size === 0) return
    this.#isWriting = true
    this.#server.turn.addTask(this, { resume: () => this.#write() })
  }

  /** @returns whether everything is written that readers take */
  #write(): boolean {
    const { work } = this.#server.turn
    let isDone = true
    for (const reader of this.#readers) {
      if (work.isSpent) return false
      const written = reader.write(PIECE_CHARACTERS)
      work.spend(1 + scanned(written))
      if (written >= PIECE_CHARACTERS) isDone = false
      if (reader.isOver) this.#close(reader)
    }
    if (isDone) this.#isWriting = false
    return isDone
  }

  #close(reader: TraceReader): void {
    this.#readers.delete(reader)
    reader.close()
  }

  #nextTick(): Timer {
    return this.#server.clock.setTimer(TICK_MS, () => {
      this.#timer = undefined
      this.#tick()
      if (this.running.length + this.#ended.length + this.#readers.size > 0) this.#timer = this.#nextTick()
    })
  }

  #tick(): void {
    const now = this.#server.turn.now()
    for (const trace of [...this.running]) {
      const goesOn = mayGoOn(trace.limits, this.#settings(), trace.caller)
      const reason = goesOn ? trace.reasonToEnd(now) : 'stopped'
      if (reason !== undefined) this.end(trace, reason)
    }
    while (this.#ended.length > 0 && now - this.#ended[0]!.endedAtMs >= KEPT_MS) this.#ended.shift()
    for (const reader of this.#readers) if (!reader.tick()) this.#close(reader)
    this.#wantsToWrite()
  }

  /** Sends readers what is left, and ends them. */
  closeReaders(): void {
    for (const reader of this.#readers) {
      reader.write(Infinity)
      this.#close(reader)
    }
  }

  /** The broker closes: readers are sent what is left. */
  close(): void {
    for (const trace of [...this.running]) this.end(trace, 'broker closed')
    this.closeReaders()
    this.#ended.length = 0
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
