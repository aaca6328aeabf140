/**
 * Reports the state of the program to systemd (sd_notify(3)) if a unit of `Type=notify` has started it:
 *
 *   READY=1         all listeners are open                  RELOADING=1   SIGHUP came; READY=1 once it is over
 *   STOPPING=1      SIGTERM or SIGINT came                  STATUS=…      the line that `systemctl status` shows
 *   WATCHDOG=1      a turn has just ended, see `pulse`      EXTEND_TIMEOUT_USEC=…   the start is still at work
 *
 * Node has no Unix datagram sockets, so the program `systemd-notify` sends them; the unit needs `NotifyAccess=all`. One message
 * is sent at a time, in their order, by a child process, and never awaited by the broker. A failure is logged once: a broker that
 * works must not end because systemd cannot be reached.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'

const PROGRAM = 'systemd-notify'
/** A message that takes longer is given up. */
const SEND_LIMIT_MS = 5_000
/** Characters of what it writes to its standard error. */
const MAX_ERROR_TEXT = 500
/** Time between two signs of life of a start, and what each asks for. */
const START_SIGN_MS = 10_000
const START_EXTENSION_MS = 60_000

/** What a program reports to the service manager that started it. All calls return at once. */
export interface ServiceManager {
  /** The start is under way until `ready`. */
  starting(): void
  /** @param pulse resolves while the broker is alive: the watchdog is fed each time */
  ready(status: string, pulse: () => Promise<void>): void
  reloading(): void
  stopping(): void
}

/** For a program that no service manager watches. */
export const noServiceManager: ServiceManager = {
  starting() {},
  ready() {},
  reloading() {},
  stopping() {},
}

export interface ServiceSettings {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly processId: number
  readonly clock: Pick<Clock, 'setTimer'>
  /** Microseconds of the monotonic clock of the system. */
  readonly monotonicUs: () => bigint
  readonly log: Logger
  /** Default: by `systemd-notify`. Rejects if that is not possible. */
  readonly send?: (assignments: readonly string[]) => Promise<void>
}

/** @returns `noServiceManager` if no service manager waits for messages */
export function serviceManagerOf(settings: ServiceSettings): ServiceManager {
  return (settings.environment['NOTIFY_SOCKET'] ?? '') === '' ? noServiceManager : new Systemd(settings)
}

class Systemd implements ServiceManager {
  readonly #settings: ServiceSettings
  /** Milliseconds between two signs of life; `undefined` without a watchdog. */
  readonly #feedEveryMs: number | undefined
  readonly #queue: (readonly string[])[] = []
  #isSending = false
  #hasFailed = false
  #state: 'starting' | 'ready' | 'stopping' = 'starting'
  #status = ''

  constructor(settings: ServiceSettings) {
    this.#settings = settings
    this.#feedEveryMs = feedEveryMs(settings)
  }

  starting(): void {
    this.#send('STATUS=starting')
    this.#every(START_SIGN_MS, () => {
      if (this.#state !== 'starting') return false
      this.#send(`EXTEND_TIMEOUT_USEC=${START_EXTENSION_MS * 1000}`)
      return true
    })
  }

  ready(status: string, pulse: () => Promise<void>): void {
    const isFirst = this.#state === 'starting'
    if (this.#state === 'stopping') return
    this.#state = 'ready'
    this.#status = status
    this.#send('READY=1', `STATUS=${oneLine(this.#status)}`)
    if (isFirst && this.#feedEveryMs !== undefined) this.#watch(this.#feedEveryMs, pulse)
  }

  reloading(): void {
    if (this.#state !== 'ready') return
    this.#send('RELOADING=1', `MONOTONIC_USEC=${this.#settings.monotonicUs()}`, 'STATUS=reloading the configuration')
  }

  stopping(): void {
    this.#state = 'stopping'
    this.#queue.length = 0
    this.#send('STOPPING=1', 'STATUS=stopping')
  }

  /** A missing pulse is not asked for again: nothing is sent, so that the service manager restarts the program. */
  #watch(intervalMs: number, pulse: () => Promise<void>): void {
    let isAsked = false
    this.#every(intervalMs, () => {
      if (this.#state !== 'ready') return false
      if (isAsked) return true
      isAsked = true
      pulse().then(
        () => {
          isAsked = false
          if (this.#state === 'ready') this.#send('WATCHDOG=1')
        },
        (error: unknown) =>
          this.#settings.log.warn({ err: error }, 'the watchdog is not fed: the broker is not running'),
      )
      return true
    })
  }

  /** @param run returns whether to go on */
  #every(intervalMs: number, run: () => boolean): void {
    this.#settings.clock.setTimer(intervalMs, () => {
      if (run()) this.#every(intervalMs, run)
    })
  }

  #send(...assignments: readonly string[]): void {
    this.#queue.push(assignments)
    if (!this.#isSending) void this.#sendAll()
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true
    const send = this.#settings.send ?? sendBySystemdNotify
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      await send(next).catch((error: unknown) => this.#failed(error))
    }
    this.#isSending = false
  }

  #failed(error: unknown): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    const { message, code } = error as NodeJS.ErrnoException
    const reason = code === 'ENOENT' ? `${PROGRAM} is not installed. Install it, or use Type=exec.` : message
    this.#settings.log.warn(`cannot report to systemd: ${reason}`)
  }
}

/** Half of what the watchdog waits, as sd_watchdog_enabled(3) advises; `undefined` where it does not watch this process. */
function feedEveryMs({ environment, processId }: ServiceSettings): number | undefined {
  const microseconds = Number(environment['WATCHDOG_USEC'] ?? '')
  const watched = environment['WATCHDOG_PID'] ?? ''
  if (!(microseconds > 0) || (watched !== '' && watched !== String(processId))) return undefined
  return microseconds / 2000
}

/** A line feed would begin another assignment. */
function oneLine(text: string): string {
  return text.replaceAll('\n', ' ')
}

function sendBySystemdNotify(assignments: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(PROGRAM, assignments, { stdio: ['ignore', 'ignore', 'pipe'], timeout: SEND_LIMIT_MS })
    let errors = ''
    child.stderr.on('data', (chunk: Buffer) => (errors = (errors + String(chunk)).slice(0, MAX_ERROR_TEXT)))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`${PROGRAM} ended with ${signal ?? `exit code ${code}`}: ${oneLine(errors.trim())}`))
    })
  })
}
