/**
 * Puts one question to plugins, and makes sure that an answer comes back: a value, `undefined` for no opinion, or `FAILED`.
 *
 * A plugin fails when it throws, rejects, outlasts its time, or answers with something that is no answer. Each failure is
 * logged (one line a second at most for each plugin, with a count), without what the Client sent.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import { PluginError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { Plugin } from './plugin.ts'

/** A plugin that keeps failing is logged once in this time, with a count of the failures in between. */
const FAILURE_LOG_INTERVAL_MS = 1000

/** Stands for the answer of a plugin that failed. */
export const FAILED = Symbol('failed')

export type Answer<Value> = Value | undefined | typeof FAILED

export type Question =
  'authenticate' | 'check' | 'mayStay' | 'mayPublish' | 'maySubscribe' | 'mayReceive' | 'explain' | 'close'

export class PluginQuestions {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #timeoutMs: number
  readonly #failures = new Map<Plugin, { loggedAt: number; since: number }>()
  #areClosing = false

  /** @param timeoutMs milliseconds that a plugin has for one answer */
  constructor(clock: Clock, log: Logger, timeoutMs: number) {
    this.#clock = clock
    this.#log = log
    this.#timeoutMs = timeoutMs
  }

  /** The plugins are about to be closed: an answer that they still owe may fail because of that, which is no error. */
  closing(): void {
    this.#areClosing = true
  }

  /** Asks each; the answers come at once if all of them do. */
  askAll<Value>(
    plugins: readonly Plugin[],
    question: Question,
    ask: (plugin: Plugin) => MaybePromise<Value | undefined>,
  ): MaybePromise<Answer<Value>[]> {
    return allOf(plugins.map((plugin) => this.ask(plugin, question, () => ask(plugin))))
  }

  /** @param longestMs milliseconds for this answer, where they are fewer than usual */
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

  /** For a question whose answer is due at once: a promise is no answer. */
  askNow(plugin: Plugin, question: 'mayReceive', ask: () => boolean | undefined): Answer<boolean> {
    try {
      const answer: unknown = ask()
      // What becomes of a promise must still not surface as an unhandled rejection.
      if (isThenable(answer)) answer.then(undefined, (error: unknown) => this.#failed(plugin, question, error))
      return this.#checked(plugin, question, answer as boolean | undefined)
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
      promise.then(
        (value) => settle(() => this.#checked(plugin, isLate(question), value)),
        (error: unknown) => settle(() => this.#failed(plugin, question, error)),
      )
    })
  }

  /** Plugins may be plain JavaScript: an answer that is none must not count as one. */
  #checked<Value>(plugin: Plugin, question: Question, answer: Value | undefined): Answer<Value> {
    if (answer === undefined || question === 'close' || isAnswer(question, answer)) return answer
    return this.#failed(plugin, question, new PluginError('the answer is neither one of its kind nor undefined'))
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
    const fields = { plugin: plugin.name, question, failuresSinceLastLine, ...describe(question, error) }
    const consequence = question === 'close' ? '' : ', which counts as a deny'
    const level = this.#areClosing && question !== 'close' ? 'debug' : 'error'
    this.#log[level](fields, `plugin ${plugin.name} failed in ${question}${consequence}`)
    return FAILED
  }
}

/** An answer that came later cannot put the question off once more. */
function isLate(question: Question): Question {
  return question === 'authenticate' ? 'check' : question
}

/** At once if all are there. */
export function allOf<Value>(answers: readonly MaybePromise<Answer<Value>>[]): MaybePromise<Answer<Value>[]> {
  const later = answers.some((answer) => answer instanceof Promise)
  return later ? Promise.all(answers as readonly Promise<Answer<Value>>[]) : (answers as Answer<Value>[])
}

function isThenable<Value>(value: MaybePromise<Value>): value is Promise<Value> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

const LOGIN_DECISIONS = ['allow', 'deny', 'continue']

function isAnswer(question: Question, answer: unknown): boolean {
  if (question !== 'authenticate' && question !== 'check' && question !== 'explain') return typeof answer === 'boolean'
  if (typeof answer !== 'object' || answer === null || !('decision' in answer)) return false
  if (question === 'authenticate' && answer.decision === 'check') return 'check' in answer
  return question === 'explain' || LOGIN_DECISIONS.includes(answer.decision as string)
}

/**
 * What may be logged of a plugin's error. A message that came out of a log-in may quote what the Client sent (as that of
 * `JSON.parse` does), so only the kind of the error and the place are told.
 */
function describe(question: Question, error: unknown): object {
  if (!(error instanceof Error)) return { error: `something that is no Error was thrown (${typeof error})` }
  if (question !== 'authenticate' || error instanceof PluginError) return { error: error.message }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const places = error.stack?.split('\n').filter((line) => line.startsWith('    at ')) ?? []
  // Where Node itself was called from says more than a line of Node.
  const place = places.find((line) => !line.includes('node:')) ?? places[0]
  return { error: error.name, code, place: place?.trim() }
}
