/** The links of one run: many are opened at a time, all are watched and closed together. @module */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Version } from './frames.ts'
import { RawConnection, type Target } from './raw-connection.ts'

/** The number of connections that are opened at the same time: less than any broker's limit for pending logins. */
const PARALLEL = 50

/** Calls `make` for 0 up to `count`, at most `atOnce` at a time; returns the results in order. */
export async function inParallel<Value>(
  count: number,
  make: (index: number) => Promise<Value>,
  atOnce = PARALLEL,
): Promise<Value[]> {
  const made: Value[] = []
  let next = 0
  async function worker(): Promise<void> {
    while (next < count) {
      const index = next++
      made[index] = await make(index)
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker))
  return made
}

export class Crowd {
  readonly #target: Target
  readonly #version: Version
  /** Distinguishes two benchmarks against one broker. */
  readonly #name = randomBytes(3).toString('hex')
  #clients = 0
  readonly #links: RawConnection[] = []
  readonly #failure: Promise<never>
  #fail!: (error: Error) => void

  constructor(target: Target, version: Version) {
    this.#target = target
    this.#version = version
    this.#failure = new Promise((_resolve, reject) => {
      this.#fail = reject
    })
    this.#failure.catch(() => undefined)
  }

  /** The number of Client Identifiers so far. */
  get clients(): number {
    return this.#clients
  }

  /** The Client Identifier of the log-in with this number, from 0. */
  identifier(number: number): string {
    return `bench-${this.#name}-${number}`
  }

  /** @param cleanStart false for a session that outlives its connection (3.1.1) */
  logIn(cleanStart = true): Promise<RawConnection> {
    return this.logInAs(this.#clients++, cleanStart)
  }

  /** Logs in once more under an earlier Client Identifier. */
  async logInAs(number: number, cleanStart = true): Promise<RawConnection> {
    const clientId = this.identifier(number)
    return this.#keep(await RawConnection.logIn(this.#target, this.#version, clientId, cleanStart))
  }

  /** A connection without a log-in. */
  async open(): Promise<RawConnection> {
    return this.#keep(await RawConnection.open(this.#target))
  }

  /** From now on, a failure of one of these links ends the run. */
  watch(links: readonly RawConnection[]): void {
    for (const link of links) link.broken = this.#fail
  }

  /** Waits. @throws the error of a watched link that failed meanwhile */
  wait(milliseconds: number): Promise<void> {
    return this.until(new Promise(() => undefined), milliseconds)
  }

  /** Waits for `event`, for at most `milliseconds`. @throws the error of a watched link that failed meanwhile */
  async until(event: Promise<unknown>, milliseconds: number): Promise<void> {
    const timer = new AbortController()
    try {
      await Promise.race([this.#failure, event, sleep(milliseconds, undefined, { signal: timer.signal })])
    } finally {
      timer.abort()
    }
  }

  close(): void {
    for (const link of this.#links) link.destroy()
  }

  #keep(link: RawConnection): RawConnection {
    this.#links.push(link)
    return link
  }
}
