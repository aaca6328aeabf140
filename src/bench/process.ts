/**
 * Manages child processes and their folders, all of which end with their run, with this process, on Ctrl-C, and when
 * they exceed their time.
 *
 * @module
 */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const running = new Set<ChildProcess>()
const folders = new Set<string>()

function endAll(): void {
  for (const child of running) child.kill('SIGKILL')
  for (const folder of folders) removeFolder(folder)
}

/** Creates a folder for the files of one run. It is removed by `removeFolder`, or at the latest with this process. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  folders.add(folder)
  return folder
}

export function removeFolder(folder: string): void {
  folders.delete(folder)
  rmSync(folder, { recursive: true, force: true })
}

process.on('exit', endAll)

/** Ends the children on Ctrl-C and SIGTERM, too. For programs only; a library must not do this. */
export function endChildrenOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      endAll()
      process.exit(signal === 'SIGINT' ? 130 : 143)
    })
  }
}

/** Starts a child; its standard error is kept, to be shown if it fails. */
export function startChild(command: string, options: readonly string[], spawnOptions: SpawnOptions = {}): Child {
  const child = spawn(command, options, { stdio: ['ignore', 'ignore', 'pipe'], ...spawnOptions })
  return new Child(child, command)
}

export class Child {
  readonly process: ChildProcess
  /** The end of its standard error. */
  output = ''
  #ended = false
  readonly #end: Promise<void>

  constructor(child: ChildProcess, command: string) {
    this.process = child
    running.add(child)
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.output = (this.output + text).slice(-2000)
    })
    this.#end = new Promise<void>((resolve) => {
      child.once('error', (error) => {
        this.output += `${command}: ${error.message}`
        resolve()
      })
      child.once('close', resolve)
    }).then(() => {
      this.#ended = true
      running.delete(child)
    })
  }

  /** The most informative line of the output. */
  get complaint(): string {
    const lines = this.output.trim().split('\n')
    return lines.find((line) => /error/i.test(line)) ?? lines[0] ?? ''
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Resolves when the process has ended. */
  async stop(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.#end
  }
}

/** Below the range from which systems choose for port 0, so that no other program is given it meanwhile. */
const FIRST_PORT = 20_000
const PORTS = 12_000
const TRIES = 100

/** Returns a port that was free a moment ago. @throws if a hundred were in use */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS)
    if (await isFree(port)) return port
  }
  throw new Error(`${TRIES} ports of 127.0.0.1 from ${FIRST_PORT} on were in use`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

const START_TIMEOUT_MS = 15_000
/** A start is measured with this accuracy. */
const POLL_MS = 3

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** Waits until a program listens on `port`. @throws its output if the child ends instead, or after 15 s */
export async function listening(child: Child, port: number): Promise<void> {
  for (const until = performance.now() + START_TIMEOUT_MS; performance.now() < until; await sleep(POLL_MS)) {
    if (await accepts(port)) return
    if (child.ended) break
  }
  await child.stop()
  throw new Error(`the broker did not start: ${child.complaint || 'it printed nothing'}`)
}
