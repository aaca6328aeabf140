import { EventEmitter } from 'node:events'
import type { EventName } from '../../../src/access/broker-events.ts'
/**
 * What tests of plugins share: a clock that stands until it is moved, a log to look into, and people who ask. @module
 */
import type { Clock, Timer } from '../../../src/base/clock.ts'
import type { Logger, LogMethod } from '../../../src/base/log.ts'
import type {
  AuthenticationAnswer,
  Client,
  ConnectRequest,
  Plugin,
  PluginContext,
  PluginEvents,
} from '../../../src/access/plugin.ts'

/** Time that moves only by `advance`. */
export class ManualClock implements Clock {
  #now = 0
  readonly #timers = new Set<{ at: number; fire: () => void }>()

  now(): number {
    return this.#now
  }
  wallNow(): number {
    return 1_700_000_000_000 + this.#now
  }
  setTimer(delayMs: number, fire: () => void): Timer {
    const timer = { at: this.#now + delayMs, fire }
    this.#timers.add(timer)
    return { cancel: () => this.#timers.delete(timer) }
  }
  atEndOfTurn(run: () => void): void {
    queueMicrotask(run)
  }
  randomBytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, index) => (index * 37 + 11) & 0xff)
  }
  random(): number {
    return 0.5
  }

  /** Timers that are still to fire. */
  get waiting(): number {
    return this.#timers.size
  }

  advance(ms: number): void {
    this.#now += ms
    for (const timer of [...this.#timers].sort((a, b) => a.at - b.at)) {
      if (timer.at <= this.#now && this.#timers.delete(timer)) timer.fire()
    }
  }
}

/** Keeps every line, as one string each: level, sentence, fields. */
export class CapturedLog implements Logger {
  readonly lines: string[] = []
  readonly debug = this.#method('debug')
  readonly info = this.#method('info')
  readonly warn = this.#method('warn')
  readonly error = this.#method('error')

  #method(level: string): LogMethod {
    return (first: object | string, message?: string) => {
      if (typeof first === 'string') this.lines.push(`${level} ${first}`)
      else this.lines.push(`${level} ${message} ${JSON.stringify(first)}`)
    }
  }
}

/** Events by hand. */
export class ManualEvents extends EventEmitter implements PluginEvents {
  readonly names: readonly EventName[]

  constructor(names: readonly EventName[]) {
    super()
    this.names = names
  }
}

export function contextOf(options: Record<string, unknown>, more: Partial<PluginContext> = {}): PluginContext {
  return {
    options,
    baseFolder: '.',
    log: new CapturedLog(),
    clock: new ManualClock(),
    changed: () => undefined,
    revoked: () => undefined,
    ...more,
  }
}

export function clientOf(userName: string | undefined, more: Partial<Client> = {}): Client {
  return { clientId: 'c1', userName, address: '127.0.0.1', listener: 'default', protocolVersion: 5, ...more }
}

/** A CONNECT, anonymous unless told otherwise. */
export function requestOf(
  userName?: string,
  password?: string | Uint8Array,
  more: Partial<ConnectRequest> = {},
): ConnectRequest {
  return {
    clientId: 'c1',
    userName,
    password: password === undefined ? undefined : Buffer.from(password),
    address: '127.0.0.1',
    listener: 'default',
    encrypted: false,
    protocolVersion: 5,
    certificateUserName: undefined,
    authenticationMethod: undefined,
    authenticationData: undefined,
    exchangeState: undefined,
    reAuthentication: false,
    ...more,
  }
}

/** A plugin's answer to a login, after the check that it asks for; `undefined` for no opinion. */
export async function answerOf(plugin: Plugin, request: ConnectRequest): Promise<AuthenticationAnswer | undefined> {
  const answer = await plugin.authenticate?.(request)
  return answer?.decision === 'check' ? answer.check() : answer
}

/** An answer to a login, without what it rests on. */
export async function answerTo(plugin: Plugin, request: ConnectRequest): Promise<object | undefined> {
  const answer = await answerOf(plugin, request)
  if (answer?.decision !== 'allow') return answer
  const { evidence: _, ...rest } = answer
  return rest
}

/** What a plugin decides about a login: `undefined` for no opinion. */
export async function decisionOf(plugin: Plugin, request: ConnectRequest): Promise<string | undefined> {
  return (await answerOf(plugin, request))?.decision
}
