/**
 * How many files, including sockets, the process may open. At the limit, Node closes new connections by itself and
 * reports nothing (libuv accepts and closes them at once), and the journal cannot open its next segment. So the broker
 * stops short of the limit: it closes connections that it cannot keep, counts and logs them, and leaves some files for
 * the Store.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'

/** Files left for the Store, plugins and reloads; fewer if the limit is very small. */
const SPARE_FILES = 64
/** Closed connections are summed up over this time. */
const LOG_INTERVAL_MS = 10_000

/** How many files the process may open, and how many it has open. */
export interface OpenFiles {
  /** How many files may be open; `Infinity` if that is unknown. */
  readonly limit: number
  /** How many files are open. */
  readonly count: () => number
}

/** The files of the real process. */
export const openFiles: OpenFiles = {
  get limit() {
    return softLimit() ?? Infinity
  },
  count: () => {
    for (const folder of ['/proc/self/fd', '/dev/fd']) {
      try {
        return readdirSync(folder).length
      } catch {
        // Other systems have this folder elsewhere, or not at all.
      }
    }
    return SPARE_FILES
  },
}

/** For virtual time, in which no files are opened. */
export const noOpenFiles: OpenFiles = { limit: Infinity, count: () => 0 }

function softLimit(): number | undefined {
  try {
    const [, limit] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return limit === undefined ? undefined : Number(limit)
  } catch {
    return limitOfReport()
  }
}

/** For systems without `/proc`: slow, but called once. Windows has no such limit. */
function limitOfReport(): number | undefined {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft: unknown } } }
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : undefined
}

/** How many connections have room, and what is logged when they do not. */
export class FileRoom {
  /** Streams that may be open at one time. */
  readonly streams: number
  readonly #limit: number
  readonly #clock: Clock
  readonly #log: Logger
  /** Closed connections since the last line. */
  #lost = 0
  #isTimed = false

  /** Make it when everything else is open. */
  constructor({ limit, count }: OpenFiles, clock: Clock, log: Logger) {
    this.#limit = limit
    this.#clock = clock
    this.#log = log
    this.streams = limit === Infinity ? Infinity : Math.max(1, limit - count() - Math.min(SPARE_FILES, limit >> 3))
  }

  /** Logs a warning if the limit is below what the configuration allows. */
  warn(maxConnections: number): void {
    if (maxConnections === 0 || maxConnections <= this.streams) return
    const needed = maxConnections + this.#limit - this.streams
    this.#log.warn(
      { openFiles: this.#limit, maxConnections },
      `the open-file limit of ${this.#limit} leaves room for ${this.streams} connections, max-connections is ${maxConnections}; raise it with \`ulimit -n ${needed}\` in the shell, or LimitNOFILE=${needed} in the systemd unit, or lower max-connections`,
    )
  }

  /** Counts a connection that was closed for lack of room. */
  lost(): void {
    if (this.#lost++ === 0 && !this.#isTimed) this.#report()
  }

  #report(): void {
    const lost = this.#lost
    this.#lost = 0
    this.#isTimed = lost > 0
    if (lost === 0) return
    this.#log.warn(
      { openFiles: this.#limit, lost },
      `${lost} connections were closed, because the open-file limit of ${this.#limit} is reached; raise it (ulimit -n, LimitNOFILE=)`,
    )
    this.#clock.setTimer(LOG_INTERVAL_MS, () => this.#report())
  }
}
