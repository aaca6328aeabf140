/**
 * The client of a tool: connects, reports failures in words, and turns the end into an exit code.
 *
 * @module
 */
import type { Clock } from '../../base/clock.ts'
import { Client } from '../../client/client.ts'
import { ClientError } from '../../client/client-error.ts'
import type { ClientOptions } from '../../client/client-options.ts'
import type { Attempt, ClientSide, PacketWatch, Receipt } from '../../client/client-side.ts'
import { dial } from '../../client/dial.ts'
import type { ConnackPacket } from '../../codec/packets.ts'
import { realClock, stayAlive } from '../../turn/clock.ts'
import type { ApplicationMessage } from '../../protocol/application-message.ts'
import type { Terminal } from '../terminal.ts'
import { Output } from './output.ts'
import { PacketLines } from './packet-lines.ts'
import { exitCodeOf, explain } from './reasons.ts'
import type { Settings } from './settings.ts'

/** What a tool does with its connection. */
export interface Task {
  /** Called for every connection: a tool that connects again goes on where it was. */
  connected(connack: ConnackPacket): void
  received?(message: ApplicationMessage, receipt: Receipt): void
  acknowledged?(message: ApplicationMessage, reasonCode: number): void
  dropped?(message: ApplicationMessage, error: ClientError): void
  writable?(): void
  /** The tool ends: whatever keeps the process alive has to be closed. */
  ended?(): void
}

/** The exit code after the time of `-W`, as in Mosquitto's tools. */
const TIMED_OUT = 27

export class ToolClient implements ClientSide {
  readonly client: Client
  readonly clock: Clock = realClock
  readonly output: Output
  readonly settings: Settings
  readonly watch: PacketWatch | undefined
  readonly #terminal: Terminal
  #task: Task | undefined
  #hasConnected = false
  #code = 0
  #isClosed = true
  #resolve: (() => void) | undefined

  constructor(settings: Settings, terminal: Terminal, options: Partial<ClientOptions> = {}) {
    this.settings = settings
    this.#terminal = terminal
    this.output = new Output(terminal)
    const { clientId = '' } = settings.options
    this.watch = settings.isDebugging
      ? new PacketLines(clientId, settings.tool === 'sub', (line) => this.output.line(line))
      : undefined
    this.client = new Client({ ...settings.options, ...options }, this, this.clock)
  }

  /** Connects and does the task. @returns the exit code */
  async run(task: Task): Promise<number> {
    this.#task = task
    const alive = stayAlive()
    await new Promise<void>((resolve) => {
      this.#resolve = resolve
      this.client.start()
    })
    alive.cancel()
    task.ended?.()
    this.output.flush()
    return this.#code
  }

  /** Reports a failure on standard error, unless `--quiet` was given. */
  complain(line: string): void {
    if (!this.settings.isQuiet) this.#terminal.err(line)
  }

  /** Ends the connection with DISCONNECT, and then the tool. */
  finish(code: number): void {
    this.#code = code
    this.client.end(0, this.settings.properties.DISCONNECT)
  }

  /** Ends the tool after that time, unless it has ended before. */
  limit(seconds: number): void {
    this.clock.setTimer(seconds * 1000, () => {
      if (this.client.state === 'ended') return
      this.complain('Timed out')
      this.finish(TIMED_OUT)
    })
  }

  #settle(): void {
    if (this.client.state === 'ended' && this.#isClosed) this.#resolve?.()
  }

  // ---- ClientSide ----

  dial(attempt: Attempt): void {
    dial(this.settings.address, {
      address: attempt.address,
      opened: (transport) => {
        const incoming = attempt.opened(transport)
        if (incoming === undefined) return undefined
        this.#isClosed = false
        return {
          get isConnected() {
            return incoming.isConnected
          },
          receive: (chunk) => incoming.receive(chunk),
          drained: () => incoming.drained(),
          lost: (error) => {
            incoming.lost(error)
            this.#isClosed = true
            this.#settle()
          },
        }
      },
      failed: (error) => attempt.failed(error),
      whenOver: (stop) => attempt.whenOver(stop),
    })
  }

  connected(connack: ConnackPacket): void {
    this.#hasConnected = true
    this.#task!.connected(connack)
  }

  disconnected(error: ClientError | undefined, retryInMs: number | undefined): void {
    if (error !== undefined) this.#failed(error, retryInMs)
    this.#settle()
  }

  #failed(error: ClientError, retryInMs: number | undefined): void {
    const again = retryInMs === undefined ? '' : ` Connecting again in ${(retryInMs / 1000).toFixed(1)} s.`
    const isFinal = !this.#hasConnected || error.code === 'ERR_CLIENT_REFUSED'
    this.complain(`Error: ${explain(error)}${isFinal ? '' : again}`)
    if (retryInMs === undefined) this.#code = exitCodeOf(error, this.#hasConnected)
    // Who could never connect has made a mistake that time does not mend.
    else if (isFinal) this.finish(exitCodeOf(error, this.#hasConnected))
  }

  received(message: ApplicationMessage, receipt: Receipt): number {
    this.#task!.received?.(message, receipt)
    return 0
  }

  acknowledged(message: ApplicationMessage, reasonCode: number): void {
    this.#task!.acknowledged?.(message, reasonCode)
  }

  dropped(message: ApplicationMessage, error: ClientError): void {
    this.#task!.dropped?.(message, error)
  }

  writable(): void {
    this.#task!.writable?.()
  }
}
