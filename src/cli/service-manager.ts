/**
 * Reports the state of the program to systemd (sd_notify(3)) if it was started by a unit of `Type=notify`:
 *
 *   READY=1         all listeners are open                  RELOADING=1   SIGHUP came; READY=1 once it is over
 *   STOPPING=1      SIGTERM or SIGINT came                  STATUS=…      the line that `systemctl status` shows
 *   WATCHDOG=1      a turn has just ended, see `pulse`      EXTEND_TIMEOUT_USEC=…   the start is still at work
 *
 * Node has no Unix datagram sockets, so the program `systemd-notify` sends the messages; the unit requires
 * `NotifyAccess=all`. Messages are sent one at a time, in order, by a child process, and the broker never awaits them.
 * A failure is logged once: a working broker must not end because systemd cannot be reached.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'

const PROGRAM = 'systemd-notify'
/** A message that takes longer is abandoned. */
const SEND_LIMIT_MS = 5_000
/** Characters of its standard error that are logged. */
const MAX_ERROR_TEXT = 500
/** The interval of the reports during a start, and the time that each requests. */
const START_SIGN_MS = 10_000
const START_EXTENSION_MS = 60_000

/** The interface to the service manager that started the program. All calls return at once. */
export interface ServiceManager {
  /** Reports that the start is in progress until `ready`. */
  starting(): void
  /** @param pulse resolves while the broker is alive; the watchdog is notified each time */
  ready(status: string, pulse: () => Promise<void>): void
  reloading(): void
  stopping(): void
}

/** For a program without a service manager. */
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
  /** Default: `systemd-notify`. Rejects if that is not possible. */
  readonly send?: (assignments: readonly string[]) => Promise<void>
}

/** @returns `noServiceManager` if no service manager expects messages */
export function serviceManagerOf(settings: ServiceSettings): ServiceManager {
  return (settings.environment['NOTIFY_SOCKET'] ?? '') === '' ? noServiceManager : new Systemd(settings)
}

class Systemd implements ServiceManager {
  readonly #settings: ServiceSettings
  /** Milliseconds between two watchdog messages; `undefined` without a watchdog. */
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

  /** If a pulse does not come, nothing is sent any more, so that the service manager restarts the program. */
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

  /** @param run returns whether to continue */
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

/** Half of the watchdog's time, as sd_watchdog_enabled(3) recommends; `undefined` if it does not watch this process. */
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
