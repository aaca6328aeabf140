/**
 * Asks plugins a question, and guarantees an answer: a value, `undefined` for no opinion, or `FAILED`.
 *
 * A plugin fails when it throws, rejects, exceeds its time, or gives an invalid answer (`plugin-answers.ts`). Each failure
 * is logged (at most one line per second for each plugin, with a count), without data from the client. No question throws
 * or rejects, and each is answered in its time, whatever the plugin does.
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

/** The answer of a plugin that failed. */
export const FAILED = Symbol('failed')

export type Answer<Value> = Value | undefined | typeof FAILED

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
  readonly #failures = new Map<Plugin, { loggedAt: number; since: number }>()
  /** An answer that plugins still owe may fail because they are closed, which is no error. */
  #areClosing = false

  /** @param timeoutMs milliseconds that a plugin has for an answer */
  constructor(clock: Clock, log: Logger, timeoutMs: number) {
    this.#clock = clock
    this.#log = log
    this.#timeoutMs = timeoutMs
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
      const answer = ask()
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
      const answer: unknown = ask()
      // The promise may still reject, which must not become an unhandled rejection.
      if (isThenable(answer)) answer.then(ignored, (error: unknown) => void this.#failed(plugin, question, error))
      return this.#checked(plugin, question, answer as Value | undefined)
    } catch (error) {
      return this.#failed(plugin, question, error)
    }
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
      const timer = this.#clock.setTimer(timeoutMs, () =>
        settle(() => this.#failed(plugin, question, new PluginError(`no answer within ${timeoutMs} ms`))),
      )
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

  #failed(plugin: Plugin, asked: Question, error: unknown): typeof FAILED {
    const question = asked === 'check' ? 'authenticate' : asked
    const now = this.#clock.now()
    const known = this.#failures.get(plugin)
    if (known !== undefined && now - known.loggedAt < FAILURE_LOG_INTERVAL_MS) {
      known.since++
      return FAILED
    }
    this.#failures.set(plugin, { loggedAt: now, since: 0 })
    const failuresSinceLastLine = known?.since ?? 0
    const name = nameOf(plugin)
    const fields = { plugin: name, question, failuresSinceLastLine, ...describe(question, error) }
    const consequence = CONSEQUENCES[question] ?? ', which counts as a deny'
    const level = this.#areClosing && question !== 'close' ? 'debug' : 'error'
    this.#log[level](fields, `plugin ${name} failed in ${question}${consequence}`)
    return FAILED
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
