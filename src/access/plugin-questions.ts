/**
 * Asks plugins a question, and guarantees an answer: a value, `undefined` for no opinion, or a `Failure`.
 *
 * A plugin fails when it throws, rejects, exceeds its time, or gives an invalid answer (`plugin-answers.ts`). Each
 * failure is logged (at most one line per second for each plugin, with a count), without data from the client. No
 * question throws or rejects, and each is answered in its time, whatever the plugin does.
 *
 * A plugin that computes for long before it returns stops the whole broker: that is logged as well.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import { PluginError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'
import { kindOf, messageOf } from '../base/thrown.ts'
import { readAnswer, WrongDenial, type Question } from './plugin-answers.ts'
import type { Plugin } from './plugin.ts'

/** A plugin that keeps failing is logged once in this time, with the number of failures in between. */
const FAILURE_LOG_INTERVAL_MS = 1000

/** A plugin that holds up the broker for this long is logged: no client is served meanwhile. */
const BLOCKS_MS = 50

/** The answer of a plugin that failed. */
export class Failure {
  /** For log lines and events, after the name of the plugin: `failed`, or that it timed out. */
  readonly what: string

  constructor(what: string) {
    this.what = what
  }
}

export const FAILED = new Failure('failed')

export type Answer<Value> = Value | undefined | Failure

/** Where each plugin is listed, for log lines: `sluice.yaml:12:5: auth.plugins.0`. */
export type PluginPlaces = ReadonlyMap<Plugin, string>

/** Whose errors may quote what the Client sent: a password, a payload. */
const CONFIDENTIAL: ReadonlySet<Question> = new Set(['authenticate', 'intercept', 'transformDelivery'])

/** What a failure means, where it is not a deny. */
const CONSEQUENCES: Readonly<Partial<Record<Question, string>>> = {
  intercept: ', which counts as a refusal',
  transformDelivery: ', which drops the delivery',
  close: '',
}

export class PluginQuestions {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #timeoutMs: number
  readonly #places: PluginPlaces
  readonly #failures = new Map<Plugin, { loggedAt: number; since: number }>()
  readonly #blocks = new Map<Plugin, { loggedAt: number; since: number }>()
  /** An answer that plugins still owe may fail because they are closed, which is no error. */
  #areClosing = false

  /** @param timeoutMs milliseconds that a plugin has for an answer */
  constructor(clock: Clock, log: Logger, timeoutMs: number, places: PluginPlaces = new Map()) {
    this.#clock = clock
    this.#log = log
    this.#timeoutMs = timeoutMs
    this.#places = places
  }

  /**
   * Closes plugins in reverse order of creation, each within the time for an answer.
   *
   * @param timeoutMs milliseconds for all of them together
   */
  async closeAll(plugins: readonly Plugin[], timeoutMs = Infinity): Promise<void> {
    this.#areClosing = true
    const endsAtMs = this.#clock.now() + timeoutMs
    for (const plugin of [...plugins].reverse()) {
      const leftMs = Math.max(0, endsAtMs - this.#clock.now())
      await this.ask(plugin, 'close', () => plugin.close?.(), leftMs)
    }
  }

  /** Asks each plugin; returns synchronously if all answers are synchronous. */
  askAll<Value>(
    plugins: readonly Plugin[],
    question: Question,
    ask: (plugin: Plugin) => MaybePromise<Value | undefined>,
  ): MaybePromise<Answer<Value>[]> {
    return allOf(plugins.map((plugin) => this.ask(plugin, question, () => ask(plugin))))
  }

  /** @param longestMs milliseconds for this answer, if fewer than usual */
  ask<Value>(
    plugin: Plugin,
    question: Question,
    ask: () => MaybePromise<Value | undefined>,
    longestMs = Infinity,
  ): MaybePromise<Answer<Value>> {
    try {
      const answer = this.#timed(plugin, question, ask)
      if (!isThenable(answer)) return this.#checked(plugin, question, answer)
      return this.#inTime(plugin, question, answer, Math.min(longestMs, this.#timeoutMs))
    } catch (error) {
      return this.#failed(plugin, question, error)
    }
  }

  /** Asks a question that must be answered synchronously: a promise is not a valid answer. */
  askNow<Value = boolean>(
    plugin: Plugin,
    question: 'mayReceive' | 'transformDelivery',
    ask: () => Value | undefined,
  ): Answer<Value> {
    try {
      const answer: unknown = this.#timed(plugin, question, ask)
      // The promise may still reject, which must not become an unhandled rejection.
      if (isThenable(answer)) answer.then(ignored, (error: unknown) => void this.#failed(plugin, question, error))
      return this.#checked(plugin, question, answer as Value | undefined)
    } catch (error) {
      return this.#failed(plugin, question, error)
    }
  }

  /** Hot: two looks at the clock for each question. */
  #timed<Value>(plugin: Plugin, question: Question, ask: () => Value): Value {
    const beganAtMs = this.#clock.now()
    try {
      return ask()
    } finally {
      const blockedMs = this.#clock.now() - beganAtMs
      if (blockedMs >= BLOCKS_MS) this.#blocked(plugin, question, blockedMs)
    }
  }

  #blocked(plugin: Plugin, asked: Question, blockedMs: number): void {
    const since = this.#countOrLog(this.#blocks, plugin)
    if (since === undefined) return
    const name = nameOf(plugin)
    const question = asked === 'check' ? 'authenticate' : asked
    const ms = Math.round(blockedMs)
    const more = since === 0 ? '' : `; ${since} more since the last such line`
    this.#log.warn(
      { plugin: name, place: this.#places.get(plugin), question, blockedMs: ms, blocksSinceLastLine: since },
      `plugin ${name} stopped the whole broker for ${ms} ms in ${question}${this.#placed(plugin)}: it should do long work elsewhere, such as in a worker thread, and return a promise${more}`,
    )
  }

  /** @returns how many there were since the last line, or `undefined` if there was a line a moment ago */
  #countOrLog(lines: Map<Plugin, { loggedAt: number; since: number }>, plugin: Plugin): number | undefined {
    const now = this.#clock.now()
    const known = lines.get(plugin)
    if (known !== undefined && now - known.loggedAt < FAILURE_LOG_INTERVAL_MS) {
      known.since++
      return undefined
    }
    lines.set(plugin, { loggedAt: now, since: 0 })
    return known?.since ?? 0
  }

  #placed(plugin: Plugin): string {
    const place = this.#places.get(plugin)
    return place === undefined ? '' : ` (listed at ${place})`
  }

  #inTime<Value>(
    plugin: Plugin,
    question: Question,
    promise: PromiseLike<Value>,
    timeoutMs: number,
  ): Promise<Answer<Value>> {
    return new Promise((resolve) => {
      let waiting = true
      const settle = (answer: () => Answer<Value>): void => {
        if (!waiting) return
        waiting = false
        timer.cancel()
        resolve(answer())
      }
      const timer = this.#clock.setTimer(timeoutMs, () => settle(() => this.#timedOut(plugin, question, timeoutMs)))
      const fails = (error: unknown): void => settle(() => this.#failed(plugin, question, error))
      try {
        promise.then((value) => settle(() => this.#checked(plugin, isLate(question), value)), fails)
      } catch (error) {
        fails(error)
      }
    })
  }

  /** Plugins may be plain JavaScript: an invalid answer must not be taken for a valid one. */
  #checked<Value>(plugin: Plugin, question: Question, answer: Value | undefined): Answer<Value> {
    if (answer === undefined) return undefined
    try {
      return readAnswer(question, answer) as Value | undefined
    } catch (error) {
      this.#failed(plugin, question, error)
      return error instanceof WrongDenial ? (DENIAL as Value) : FAILED
    }
  }

  #timedOut(plugin: Plugin, question: Question, timeoutMs: number): Failure {
    const failure = new Failure(`timed out after ${timeoutMs} ms`)
    return this.#failed(plugin, question, new PluginError(`no answer within ${timeoutMs} ms`), failure)
  }

  #failed(plugin: Plugin, asked: Question, error: unknown, failure = FAILED): Failure {
    const question = asked === 'check' ? 'authenticate' : asked
    const failuresSinceLastLine = this.#countOrLog(this.#failures, plugin)
    if (failuresSinceLastLine === undefined) return failure
    const name = nameOf(plugin)
    const place = this.#places.get(plugin)
    const fields = { plugin: name, place, question, failuresSinceLastLine, ...describe(question, error) }
    const consequence = CONSEQUENCES[question] ?? ', which counts as a deny'
    const level = this.#areClosing && question !== 'close' ? 'debug' : 'error'
    this.#log[level](fields, `plugin ${name} ${failure.what} in ${question}${consequence}${this.#placed(plugin)}`)
    return failure
  }
}

/** A promise that resolves to another check would only postpone the answer again. */
function isLate(question: Question): Question {
  return question === 'authenticate' ? 'check' : question
}

/** Returns synchronously if all answers are there. */
export function allOf<Value>(answers: readonly MaybePromise<Answer<Value>>[]): MaybePromise<Answer<Value>[]> {
  const later = answers.some((answer) => answer instanceof Promise)
  return later ? Promise.all(answers as readonly Promise<Answer<Value>>[]) : (answers as Answer<Value>[])
}

export function isThenable<Value>(value: MaybePromise<Value>): value is Promise<Value> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function ignored(): void {}

/** What is left of a denial whose other fields are wrong. */
const DENIAL = { decision: 'deny' } as const

/** A plugin's name in messages. */
export function nameOf(plugin: Plugin): string {
  try {
    const { name } = plugin
    return typeof name === 'string' ? name : kindOf(name)
  } catch {
    return 'without a name'
  }
}

/**
 * The loggable part of a plugin's error. A message from a login, or from code that reads a payload, may quote data from
 * the client (as that of `JSON.parse` does), so only the kind of the error and its place are logged.
 */
function describe(question: Question, error: unknown): object {
  try {
    const isPlain = error instanceof PluginError || !(error instanceof Error)
    if (CONFIDENTIAL.has(question) && !isPlain) return describeConfidential(error)
  } catch {
    // Reading the error throws, which its message states.
  }
  return { error: messageOf(error) }
}

function describeConfidential(error: Error & { readonly code?: unknown }): object {
  const { name, stack } = error
  const code = typeof error.code === 'string' ? error.code : undefined
  const lines = typeof stack === 'string' ? stack.split('\n') : []
  const places = lines.filter((line) => line.startsWith('    at '))
  // The place from which Node was called is more useful than a line of Node.
  const place = places.find((line) => !line.includes('node:')) ?? places[0]
  return { error: typeof name === 'string' ? name : 'Error', code, place: place?.trim() }
}
