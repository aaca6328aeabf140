/**
 * Remembers for a short time which credentials were correct, so that a fleet that reconnects does not need a password
 * hash for each client. Only positive answers are kept, and never the credentials themselves: their place is taken by a
 * keyed hash, with a random key that lives as long as this object.
 *
 * @module
 */
import { createHmac } from 'node:crypto'
import type { Clock } from '../base/clock.ts'

/** Credentials that are remembered at a time; the oldest is dropped first. */
export const MAX_REMEMBERED_LOGINS = 10_000

type Credentials = readonly (string | Uint8Array)[]

export class LoginCache<Value> {
  readonly #clock: Clock
  readonly #lifetimeMs: number
  readonly #key: Uint8Array
  readonly #entries = new Map<string, { readonly value: Value; readonly until: number }>()

  /** @param lifetimeMs how long an answer is valid; 0 keeps none */
  constructor(clock: Clock, lifetimeMs: number) {
    this.#clock = clock
    this.#lifetimeMs = lifetimeMs
    this.#key = clock.randomBytes(32)
  }

  get(credentials: Credentials): Value | undefined {
    if (this.#entries.size === 0) return undefined
    const name = this.#nameOf(credentials)
    const entry = this.#entries.get(name)
    if (entry === undefined || this.#clock.now() < entry.until) return entry?.value
    this.#entries.delete(name)
    return undefined
  }

  set(credentials: Credentials, value: Value): void {
    if (this.#lifetimeMs <= 0) return
    const name = this.#nameOf(credentials)
    this.#entries.delete(name)
    this.#entries.set(name, { value, until: this.#clock.now() + this.#lifetimeMs })
    if (this.#entries.size > MAX_REMEMBERED_LOGINS) this.#entries.delete(this.#entries.keys().next().value!)
  }

  /** Each part is hashed with its length, so that no two lists of parts give the same input. */
  #nameOf(credentials: Credentials): string {
    const hmac = createHmac('sha256', this.#key)
    for (const part of credentials) hmac.update(`${Buffer.byteLength(part)}:`).update(part)
    return hmac.digest('base64')
  }
}
