/** The broker under attack: the program itself, in a process of its own, with a small heap. @module */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { root } from '../../tools/main.ts'
import { Child } from './child.ts'
import type { MemoryInUse } from './probe.ts'
import { DOORS, type Door, type Ports } from './wire.ts'

const PROGRAM = join(root, 'build/src/cli/main.js')
const PROBE = fileURLToPath(new URL('./probe.js', import.meta.url))
const HEAP_MEGABYTES = 512
const START_TIMEOUT_MS = 60_000
const MOST_ERRORS = 20
const MEMORY_TIMEOUT_MS = 60_000

export class BrokerProcess {
  readonly ports: Ports
  readonly startedInMs: number
  /** What it logged as an error: nothing that a Client does is one. */
  readonly errors: readonly string[]
  readonly #child: Child
  readonly #accusations: () => number

  private constructor(
    child: Child,
    errors: readonly string[],
    accusations: () => number,
    ports: Ports,
    startedInMs: number,
  ) {
    this.#child = child
    this.#accusations = accusations
    this.errors = errors
    this.ports = ports
    this.startedInMs = startedInMs
  }

  /**
   * @param accuses errors that are not among `errors`: see `Shape`
   * @throws {Error} when it ends instead of listening, or takes too long; with what it said last
   */
  static async start(config: string, heapMegabytes = HEAP_MEGABYTES, accuses?: RegExp): Promise<BrokerProcess> {
    const begin = performance.now()
    const ports = new Map<string, number>()
    const errors: string[] = []
    let accusations = 0
    let allOpen = (): void => undefined
    const open = new Promise<void>((resolve) => (allOpen = resolve))
    const child = new Child(PROGRAM, {
      args: ['start', '--config', config, '--log-level', 'info'],
      flags: [`--max-old-space-size=${heapMegabytes}`, '--expose-gc', `--import=${PROBE}`],
      onLine: (line) => {
        if (/^\{"level":[56]0/.test(line)) {
          if (accuses?.test(line) === true) accusations++
          else if (errors.length < MOST_ERRORS) errors.push(line)
        }
        const [, door, port] = /"listener":"(\w+)","url":"\w+:\/\/127\.0\.0\.1:(\d+)/.exec(line) ?? []
        if (door === undefined || ports.size === DOORS.length) return
        ports.set(door, Number(port))
        if (ports.size === DOORS.length) allOpen()
      },
    })
    await Promise.race([open, child.exited, new Promise((resolve) => setTimeout(resolve, START_TIMEOUT_MS).unref())])
    if (ports.size < DOORS.length) {
      await child.killed()
      throw new Error(`the broker does not start (${child.end}): ${child.lastLines.slice(-5).join(' | ')}`)
    }
    return new BrokerProcess(
      child,
      errors,
      () => accusations,
      Object.fromEntries(ports) as Record<Door, number>,
      performance.now() - begin,
    )
  }

  get pid(): number {
    return this.#child.pid
  }

  /** How many errors the shape has called for. */
  get accusations(): number {
    return this.#accusations()
  }

  get isAlive(): boolean {
    return !this.#child.isOver
  }

  /** What it said before it died. */
  get lastWords(): string {
    const telling = this.#child.lastLines.filter((line) => /FATAL|Error|out of memory|"level":[56]0/.test(line))
    return `${this.#child.end}: ${(telling.length > 0 ? telling : this.#child.lastLines).slice(-3).join(' | ')}`
  }

  /** Asks it to read its configuration again. */
  reload(): void {
    if (this.isAlive) this.#child.kill('SIGHUP')
  }

  /** While nobody reads its log. @returns how to go on reading */
  stallLog(): () => void {
    this.#child.stall()
    return () => this.#child.resume()
  }

  /** Of what is in use; answered between two turns. */
  memory(): Promise<MemoryInUse> {
    return this.#child.ask('memory', undefined, MEMORY_TIMEOUT_MS)
  }

  /** Units of work (`src/base/work.ts`) that its largest turn has counted until now. */
  mostTurnUnits(): Promise<number> {
    return this.#child.ask('mostTurnUnits', undefined, MEMORY_TIMEOUT_MS)
  }

  /** The most bytes that the flight recorder has taken. */
  mostRecorderBytes(): Promise<number> {
    return this.#child.ask('mostRecorderBytes', undefined, MEMORY_TIMEOUT_MS)
  }

  /** What the flight recorder has of a Client, one line for each entry. */
  recordOf(clientId: string): Promise<readonly string[]> {
    return this.#child.ask('recordOf', clientId, MEMORY_TIMEOUT_MS)
  }

  /** Bytes; the most that it ever had. Where the system does not tell: 0. */
  async peakResident(): Promise<number> {
    try {
      const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8')
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024
    } catch {
      return 0
    }
  }

  /** Ends it: by SIGTERM in order, by SIGKILL not. @returns whether it ended in time */
  async stop(signal: 'SIGTERM' | 'SIGKILL', timeoutMs: number): Promise<boolean> {
    if (this.isAlive) this.#child.kill(signal)
    const late = new Promise<false>((resolve) => setTimeout(resolve, timeoutMs, false).unref())
    const ended = await Promise.race([this.#child.exited.then(() => true), late])
    await this.#child.killed()
    return ended
  }
}
