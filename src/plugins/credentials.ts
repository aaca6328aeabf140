/**
 * Makes what is kept of a password, in a thread: a hash takes a tenth of a second of processor time, which the clients
 * of the broker must not wait for.
 *
 *   password ─> line ─> thread: Argon2id, SCRAM-SHA-256 ─> credentials       the thread ends when nobody waits for it
 *
 * In the line (`credentials-line.ts`), callers take turns.
 *
 * @module
 */
import { Worker } from 'node:worker_threads'
import type { Credentials } from '../access/directory/directory.ts'
import { PluginError, UsageError } from '../base/errors.ts'
import { moduleUrl } from '../base/module-url.ts'
import { CredentialsLine } from './credentials-line.ts'
import type { CredentialsAnswer, CredentialsQuestion } from './credentials-worker.ts'
import { MAX_PASSWORD_BYTES } from './password-hash.ts'

interface Waiting {
  resolve(credentials: Credentials): void
  reject(error: Error): void
}

/** What the thread has been given. */
const waiting = new Map<number, Waiting>()
const line = new CredentialsLine(hash)
let thread: Worker | undefined
let lastNumber = 0

/**
 * @param holder callers take turns; `undefined` for the host program and callers on the machine
 * @throws {UsageError} for a password that is empty or too long
 * @throws {SluiceError} `ERR_LIMIT` if too many wait
 * @throws {PluginError} if the thread dies
 */
export async function makeCredentials(password: string, holder?: string): Promise<Credentials> {
  const length = Buffer.byteLength(password)
  if (length === 0 || length > MAX_PASSWORD_BYTES) {
    throw new UsageError(`a password must have 1 to ${MAX_PASSWORD_BYTES} bytes, got ${length}`)
  }
  return line.run(password, holder)
}

function hash(password: string): Promise<Credentials> {
  const worker = (thread ??= startThread())
  const number = ++lastNumber
  worker.postMessage({ number, password } satisfies CredentialsQuestion)
  return new Promise((resolve, reject) => waiting.set(number, { resolve, reject }))
}

function startThread(): Worker {
  const worker = new Worker(moduleUrl('plugins/credentials-worker'))
  worker.on('message', ({ number, credentials }: CredentialsAnswer) => {
    const asked = waiting.get(number)
    waiting.delete(number)
    if (credentials === undefined) asked?.reject(new PluginError('the password could not be hashed'))
    else asked?.resolve(credentials)
    if (waiting.size === 0) endThread(worker)
  })
  worker.on('error', () => died(worker))
  worker.on('exit', () => died(worker))
  return worker
}

function endThread(worker: Worker): void {
  thread = undefined
  void worker.terminate()
}

function died(worker: Worker): void {
  if (thread !== worker) return
  thread = undefined
  for (const asked of waiting.values()) asked.reject(new PluginError('the thread that hashes passwords has died'))
  waiting.clear()
}
