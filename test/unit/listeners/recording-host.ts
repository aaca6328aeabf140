/**
 * A host for listeners that writes down what it is told, so that a test can wait for it: no sleeps.
 *
 * @module
 */
import { EventEmitter, once } from 'node:events'
import type { Clock } from '../../../src/base/clock.ts'
import type { Logger } from '../../../src/base/log.ts'
import { realClock } from '../../../src/turn/clock.ts'
import type { Access } from '../../../src/access/access.ts'
import { Arrival, type ArrivingStream } from '../../../src/broker/sessions/arrival.ts'
import { ListenerState } from '../../../src/broker/sessions/listener-state.ts'
import { Directory } from '../../../src/access/directory/directory.ts'
import { Lobby } from '../../../src/broker/sessions/lobby.ts'
import { Metrics } from '../../../src/reporting/metrics.ts'
import { resolveOptions, type ListenerInput, type ListenerOptions, type Options } from '../../../src/config/options.ts'
import type { ListenerHost } from '../../../src/listeners/listener.ts'
import type { CertificateJudges } from '../../../src/broker/sessions/listener-state.ts'
import type { HandshakeRefusal, ListenerTrouble, ListenerUp } from '../../../src/access/listener-events.ts'
import type { Incoming, Peer, Transport } from '../../../src/protocol/transport.ts'

/** Options of a listener named `test`, on a free port of the loopback unless said otherwise. */
export function listenerOptions(input: ListenerInput = {}): ListenerOptions {
  return resolveOptions({ listeners: { test: { bind: '127.0.0.1:0', ...input } } }).listeners[0]!
}

/** A line that has not come by then never comes. */
const LINE_LIMIT_MS = 30_000

/** One Network Connection as its machine sees it. */
export class RecordedConnection extends EventEmitter implements Incoming {
  readonly transport: Transport
  readonly peer: Peer
  /** Everything received so far. */
  received = Buffer.alloc(0)
  chunks = 0
  /** What the Transport said that it holds. */
  readonly heldBytes: number[] = []
  drainedCount = 0
  lostCount = 0
  error: Error | undefined
  /** As though somebody had logged in. */
  isConnected = true
  /** Called first with each chunk. */
  onReceive: ((chunk: Uint8Array) => void) | undefined

  constructor(transport: Transport, peer: Peer) {
    super()
    this.transport = transport
    this.peer = peer
  }

  receive(chunk: Uint8Array): void {
    this.chunks++
    this.received = Buffer.concat([this.received, chunk])
    this.onReceive?.(chunk)
    this.emit('change')
  }

  arriving(heldBytes: number): void {
    this.heldBytes.push(heldBytes)
    this.emit('change')
  }

  /** Set to have work of the Transport wait for `takeTurn`. */
  atTurn?: (step: () => number) => void

  drained(): void {
    this.drainedCount++
    this.emit('change')
  }

  lost(error?: Error): void {
    this.lostCount++
    this.error = error
    this.emit('change')
  }

  /** Waits until `condition` holds; it is looked at after each thing that happens to this Connection. */
  async until(condition: (connection: this) => boolean): Promise<this> {
    while (!condition(this)) await once(this, 'change')
    return this
  }

  untilReceived(text: string): Promise<this> {
    return this.until(() => this.received.toString().includes(text))
  }

  untilLost(): Promise<this> {
    return this.until(() => this.lostCount > 0)
  }
}

/** One log line. */
export interface LogLine {
  readonly level: keyof Logger
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

/** Accepts everyone unless told otherwise, and keeps Connections and log lines. */
export class RecordingHost extends EventEmitter implements ListenerHost {
  readonly connections: RecordedConnection[] = []
  readonly lines: LogLine[] = []
  readonly clock: Clock
  readonly log: Logger = {
    debug: this.#method('debug'),
    info: this.#method('info'),
    warn: this.#method('warn'),
    error: this.#method('error'),
  }
  /** What happens to a new Connection before it is accepted; false refuses it. */
  onAccept: (connection: RecordedConnection) => boolean | void = () => true

  /** Limits addresses as the top level of this configuration says. */
  limits: Options = resolveOptions({ listeners: {} })
  readonly #state = new ListenerState(listenerOptions())
  readonly lobby: Lobby = new Lobby({
    current: this.#current(),
    metrics: new Metrics(),
    events: { emit: () => {} },
    connected: () => 0,
  })

  #current() {
    const limits = () => this.limits
    return {
      access: undefined as unknown as Access,
      directory: new Directory(() => 0),
      get options() {
        return limits()
      },
    }
  }

  constructor(clock: Clock = realClock) {
    super()
    this.clock = clock
  }

  arrive(stream: ArrivingStream): Arrival | undefined {
    return Arrival.enter(this.lobby, stream, this.#state, this.clock.now())
  }

  accept(transport: Transport, peer: Peer, arrival?: Arrival): Incoming | undefined {
    if (arrival !== undefined && arrival.handOver(peer.address) === undefined) return undefined
    const connection = new RecordedConnection(transport, peer)
    this.connections.push(connection)
    const accepted = this.onAccept(connection) !== false
    this.emit('change')
    return accepted ? connection : undefined
  }

  readonly refusals: HandshakeRefusal[] = []
  turnedAway(refusal: HandshakeRefusal): void {
    this.refusals.push(refusal)
  }

  /** Listeners of the same broker, by `address:port`. */
  readonly others = new Map<string, string>()
  listenerAt(address: string, port: number): string | undefined {
    return this.others.get(`${address}:${port}`)
  }

  readonly troubles: ListenerTrouble[] = []
  cannotListen(trouble: ListenerTrouble): void {
    this.troubles.push(trouble)
    this.emit('change')
  }

  readonly certificates: CertificateJudges = { judge: undefined }
  certificateChanges = 0
  certificatesChanged(): void {
    this.certificateChanges++
  }

  readonly openings: ListenerUp[] = []
  listens(up: ListenerUp): void {
    this.openings.push(up)
    this.emit('change')
  }

  hasFile(): boolean {
    return true
  }
  /** Connections that the system had no file for. */
  lostConnections = 0
  lostToFiles(): void {
    this.lostConnections++
    this.emit('change')
  }

  /** The Connection that came in as number `index`, now or later. */
  async connection(index = 0): Promise<RecordedConnection> {
    while (this.connections.length <= index) await once(this, 'change')
    return this.connections[index]!
  }

  /** A log line that matches, now or later. */
  async line(pattern: RegExp): Promise<LogLine> {
    const signal = AbortSignal.timeout(LINE_LIMIT_MS)
    for (;;) {
      const found = this.lines.find((line) => pattern.test(line.message))
      if (found !== undefined) return found
      await once(this, 'change', { signal })
    }
  }

  #method(level: keyof Logger) {
    return (fields: object | string, message?: string): void => {
      this.lines.push(
        typeof fields === 'string'
          ? { level, fields: {}, message: fields }
          : { level, fields: fields as Record<string, unknown>, message: message ?? '' },
      )
      this.emit('change')
    }
  }
}
