/**
 * Checks passwords in a separate thread, so that a burst of logins slows neither the event loop nor the thread pool
 * that performs durable writes.
 *
 *   verify ─> worker: one check after the other ─> answer          the caller limits how many there are at a time
 *
 * The thread starts with the first check and never keeps the process alive. If it dies, its checks are rejected and the
 * next check starts a new thread.
 *
 * @module
 */
import { Worker } from 'node:worker_threads'
import { PluginError } from '../base/errors.ts'
import { moduleUrl } from '../base/module-url.ts'
import type { PasswordAnswer, PasswordQuestion } from './password-worker.ts'

const CLOSING = 'the password check was abandoned because the plugin is closing'

interface Waiting {
  resolve(matches: boolean): void
  reject(error: Error): void
}

export class PasswordVerifier {
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #lastNumber = 0
  #isClosed = false

  /** @throws {PluginError} if the hash cannot be used, the thread dies, or `close` comes first */
  verify(password: Uint8Array, hash: string): Promise<boolean> {
    if (this.#isClosed) return Promise.reject(new PluginError(CLOSING))
    const worker = (this.#worker ??= this.#start())
    const number = ++this.#lastNumber

    worker.postMessage({ number, password, hash } satisfies PasswordQuestion)
    return new Promise((resolve, reject) => this.#waiting.set(number, { resolve, reject }))
  }

  async close(): Promise<void> {
    const worker = this.#worker
    this.#isClosed = true
    this.#abandon(CLOSING)
    await worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(moduleUrl('plugins/password-worker'))
    const died = (): void => {
      if (this.#worker === worker) this.#abandon('the thread that checks passwords has died')
    }
    worker.on('message', ({ number, matches }: PasswordAnswer) => {
      const waiting = this.#waiting.get(number)
      this.#waiting.delete(number)
      if (matches === undefined) waiting?.reject(new PluginError('the password hash of this user cannot be used'))
      else waiting?.resolve(matches)
    })
    worker.on('error', died)
    worker.on('exit', died)
    worker.unref()
    return worker
  }

  #abandon(reason: string): void {
    this.#worker = undefined
    for (const waiting of this.#waiting.values()) waiting.reject(new PluginError(reason))
    this.#waiting.clear()
  }
}
