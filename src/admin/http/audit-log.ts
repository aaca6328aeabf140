/**
 * The audit log: a line of JSON for every action, and for every view that returns secrets.
 *
 *   {"time":"2026-11-30T12:00:00.000Z","who":"key 3f9a01b2c4d5 (deploy)","from":"192.0.2.7","what":"disconnect",
 *    "parameters":{"clientId":"meter-7"},"status":200}
 *
 * Lines are appended one batch after the other. When the file has reached its size it becomes `FILE.1`, and the one
 * before is deleted. What cannot be written waits, up to a limit, and is tried again with the next line. A disk that
 * becomes full may take half a line, after which the next one begins a line of its own.
 *
 * @module
 */
import { mkdir, open, rename, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Logger } from '../../base/log.ts'
import { printable } from '../../base/printable.ts'
import { messageOf } from '../../base/thrown.ts'

/** Lines that wait while the disk takes none; beyond it, the oldest is dropped and counted. */
const MAX_WAITING_LINES = 1000
/** The longest line; parameters that make it longer are left out. */
const MAX_LINE_LENGTH = 4096

export interface AuditEntry {
  readonly time: string
  readonly who: string
  /** IP address; empty for the Unix domain socket. */
  readonly from: string
  /** The operation, or method and path. */
  readonly what: string
  readonly parameters?: object
  readonly status: number
  readonly code?: string
}

/** How a line is appended to a file. */
export type Append = (path: string, text: string) => Promise<void>

export class AuditLog {
  /** Empty: nothing is written. */
  path: string
  maxBytes: number
  /** Why the last attempt to write failed; `undefined` if it did not. */
  problem: string | undefined
  /** Lines that were dropped because too many waited. */
  lost = 0
  readonly #log: Logger
  readonly #append: Append
  readonly #onLost: (lines: number) => void
  #waiting: string[] = []
  #writing: Promise<void> | undefined

  /** @param onLost is called with the number of lines that were dropped */
  constructor(
    path: string,
    maxBytes: number,
    log: Logger,
    onLost: (lines: number) => void = () => {},
    append: Append = appendPrivately,
  ) {
    this.path = path
    this.maxBytes = maxBytes
    this.#log = log
    this.#append = append
    this.#onLost = onLost
  }

  record(entry: AuditEntry): void {
    if (this.path === '') return
    const line = lineOf(entry)
    const { parameters: _, ...short } = entry
    this.#waiting.push(line.length > MAX_LINE_LENGTH ? lineOf(short) : line)
    this.#dropOldest()
    void this.flush()
  }

  /** Resolves when everything has been written, or could not be. */
  flush(): Promise<void> {
    return (this.#writing ??= this.#write().finally(() => (this.#writing = undefined)))
  }

  async #write(): Promise<void> {
    // What comes within this turn is written together.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const lines = this.#waiting
      this.#waiting = []
      try {
        await this.#rotate()
        await this.#append(this.path, lines.join(''))
        this.#succeeded()
      } catch (error) {
        this.#waiting = [...lines, ...this.#waiting]
        this.#dropOldest()
        return this.#failed(error)
      }
    }
  }

  #dropOldest(): void {
    const superfluous = this.#waiting.length - MAX_WAITING_LINES
    if (superfluous <= 0) return
    this.#waiting.splice(0, superfluous)
    this.lost += superfluous
    this.#onLost(superfluous)
  }

  async #rotate(): Promise<void> {
    const size = await stat(this.path).then(
      (file) => file.size,
      () => 0,
    )
    if (size >= this.maxBytes) await rename(this.path, `${this.path}.1`)
  }

  #succeeded(): void {
    if (this.problem !== undefined) this.#log.info(`the audit log is written again to ${this.path}`)
    this.problem = undefined
  }

  #failed(error: unknown): void {
    const problem = `cannot write ${this.path}: ${messageOf(error)}`
    if (problem !== this.problem) this.#log.error({ err: error }, `audit log: ${problem}`)
    this.problem = problem
  }
}

/**
 * Names come from clients too, and operators read the file on a terminal: escapes as in JSON, which is read back the
 * same.
 */
function lineOf(entry: AuditEntry): string {
  return `${printable(JSON.stringify(entry))}\n`
}

async function appendPrivately(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const file = await open(path, 'a+', 0o600)
  try {
    await file.appendFile((await endsWithinLine(file)) ? `\n${text}` : text)
  } finally {
    await file.close()
  }
}

async function endsWithinLine(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat()
  if (size === 0) return false
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
  return buffer[0] !== 0x0a
}
