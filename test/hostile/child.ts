/**
 * Processes that answer: the parent asks by name, the child has a handler for each name.
 *
 *   parent: await child.ask('report')          child: answerRequests({ report: () => … })
 *
 * @module
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

interface Request {
  readonly number: number
  readonly name: string
  readonly argument: unknown
}

interface Answer {
  readonly number: number
  readonly value?: unknown
  readonly problem?: string
}

/** Lines of a child's output that are kept, to say what it said last. */
const LAST_LINES = 40

export interface ChildOptions {
  readonly args?: readonly string[]
  /** Flags of Node. */
  readonly flags?: readonly string[]
  /** Called with each line on standard output. */
  readonly onLine?: (line: string) => void
}

export class Child {
  /** What it wrote last, both streams. */
  readonly lastLines: string[] = []
  readonly exited: Promise<void>
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #asked = 0
  #isOver = false

  constructor(module: string, { args = [], flags = [], onLine }: ChildOptions = {}) {
    this.#process = fork(module, [...args], {
      execArgv: [...flags],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
    })
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) this.#readLines(stream, onLine)
    this.#process.on('message', (answer: Answer) => this.#answered(answer))
    this.exited = once(this.#process, 'exit').then(() => this.#ended())
  }

  get pid(): number {
    return this.#process.pid!
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** How it ended, for people. */
  get end(): string {
    const { exitCode, signalCode } = this.#process
    return signalCode === null ? `exit code ${exitCode}` : signalCode
  }

  #readLines(stream: NodeJS.ReadableStream, onLine: ((line: string) => void) | undefined): void {
    let rest = ''
    stream.on('data', (bytes: Buffer) => {
      const lines = (rest + bytes.toString()).split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        this.lastLines.push(line.slice(0, 500))
        onLine?.(line)
      }
      if (this.lastLines.length > LAST_LINES) this.lastLines.splice(0, this.lastLines.length - LAST_LINES)
    })
  }

  #answered({ number, value, problem }: Answer): void {
    const waiting = this.#waiting.get(number)
    this.#waiting.delete(number)
    if (problem === undefined) waiting?.resolve(value)
    else waiting?.reject(new Error(problem))
  }

  #ended(): void {
    this.#isOver = true
    for (const waiting of this.#waiting.values()) waiting.reject(new Error(`the process is gone: ${this.end}`))
    this.#waiting.clear()
  }

  /** @throws {Error} when it fails, is gone, or does not answer in time */
  async ask<Value>(name: string, argument?: unknown, timeoutMs = 20_000): Promise<Value> {
    if (this.#isOver) throw new Error(`the process is gone: ${this.end}`)
    const number = ++this.#asked
    const answered = new Promise<unknown>((resolve, reject) => this.#waiting.set(number, { resolve, reject }))
    this.#process.send({ number, name, argument } satisfies Request, () => undefined)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer to "${name}" within ${timeoutMs / 1000} s`)), timeoutMs)
    })
    try {
      return (await Promise.race([answered, late])) as Value
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(number)
    }
  }

  /** Reads its output no more: its pipes fill up. */
  stall(): void {
    this.#process.stdout!.pause()
    this.#process.stderr!.pause()
  }

  resume(): void {
    this.#process.stdout!.resume()
    this.#process.stderr!.resume()
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#process.kill(signal)
  }

  async killed(): Promise<void> {
    if (!this.#isOver) this.kill()
    await this.exited
  }
}

type Handler = (argument: never) => unknown

/** In the child: answers what the parent asks, and does not outlive it. */
export function answerRequests(handlers: Readonly<Record<string, Handler>>): void {
  process.on('disconnect', () => process.exit(1))
  process.on('message', ({ number, name, argument }: Request) => {
    void answer(handlers[name]!, argument).then((given) => process.send?.({ number, ...given } satisfies Answer))
  })
}

async function answer(handler: Handler, argument: unknown): Promise<Omit<Answer, 'number'>> {
  try {
    return { value: await handler(argument as never) }
  } catch (error) {
    return { problem: String(error instanceof Error ? error.stack : error) }
  }
}
