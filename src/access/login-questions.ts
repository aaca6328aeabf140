/**
 * Asks plugins about a login. Checks that take time are queued (`check-queue.ts`), and decoys make a login with an
 * unknown name take as long as one with a wrong password:
 *
 *   auth.file   check  ──> queue of auth.file ──> answer ─┐
 *   auth.jwt    answer ───────────────────────────────────┼──> the vote
 *   auth.file   decoy  ──> after 10 ms, unless a plugin   │
 *                          has allowed by then: queue ────┘    an allow does not wait for it
 *
 * A deny does not decide before the other answers are there, unlike in votes on topics (`late-vote.ts`): it would be
 * quicker for names that a plugin knows, and so reveal them.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'
import { CheckQueue } from './check-queue.ts'
import { allOf, FAILED, Failure, type Answer, type PluginQuestions } from './plugin-questions.ts'
import type { AuthenticationAnswer, ConnectRequest, LoginCheck, Plugin } from './plugin.ts'

/** Checks that run at a time, unless the plugin sets its own number. */
const DEFAULT_LOGIN_CHECKS = 16
/** The time for other plugins to allow a login before a decoy runs: verifying a token takes less. */
const DECOY_DELAY_MS = 10

/** The place of a login in the queue of a plugin that can check only a few at a time. */
export interface LoginTurn {
  /** Holders take turns: the network of the client's address. */
  readonly holder: string
  /** Whether the answer is still needed. */
  isNeeded(): boolean
}

type LoginAnswer = Answer<AuthenticationAnswer>

export class LoginQuestions {
  readonly #questions: PluginQuestions
  readonly #clock: Clock
  readonly #queues = new Map<Plugin, CheckQueue>()

  constructor(questions: PluginQuestions, clock: Clock) {
    this.#questions = questions
    this.#clock = clock
  }

  /** @returns the answers in the order of `plugins`; synchronously if all of them are */
  ask(
    plugins: readonly Plugin[],
    requestFor: (plugin: Plugin) => ConnectRequest,
    turn: LoginTurn,
  ): MaybePromise<LoginAnswer[]> {
    const decoys = new Map<number, () => Promise<LoginAnswer>>()
    let isAllowed = false
    const decoyTurn: LoginTurn = { holder: turn.holder, isNeeded: () => !isAllowed && turn.isNeeded() }
    const answers = allOf(
      plugins.map((plugin, index): MaybePromise<LoginAnswer> => {
        const answer = this.#questions.ask(plugin, 'authenticate', () => plugin.authenticate?.(requestFor(plugin)))
        if (!isCheck(answer)) return answer as MaybePromise<LoginAnswer>
        if (answer.isDecoy !== true) return this.#check(plugin, answer, turn)
        decoys.set(index, () => this.#check(plugin, answer, decoyTurn))
        return undefined
      }),
    )
    if (decoys.size === 0 || (!(answers instanceof Promise) && answers.some(isYes))) return answers
    return this.#withDecoys(answers, decoys, () => (isAllowed = true))
  }

  #check(plugin: Plugin, check: LoginCheck, turn: LoginTurn): Promise<LoginAnswer> {
    const queue = this.#queues.get(plugin) ?? new CheckQueue(plugin.maxLoginChecks ?? DEFAULT_LOGIN_CHECKS)
    this.#queues.set(plugin, queue)
    const run = (): MaybePromise<LoginAnswer> => this.#questions.ask(plugin, 'check', () => check.check())
    return queue.run<LoginAnswer>(turn.holder, () => turn.isNeeded(), run, FAILED)
  }

  async #withDecoys(
    answers: MaybePromise<LoginAnswer[]>,
    decoys: ReadonlyMap<number, () => Promise<LoginAnswer>>,
    allowed: () => void,
  ): Promise<LoginAnswer[]> {
    if (answers instanceof Promise) await this.#inTime(answers, DECOY_DELAY_MS)
    let known: LoginAnswer[] | undefined
    const done = Promise.resolve(answers).then((all) => {
      if (all.some(isYes)) allowed()
      return (known = all)
    })
    // After one round of microtasks, the answers that are already settled have arrived.
    await Promise.resolve()
    const begun =
      known?.some(isYes) === true ? [] : Array.from(decoys, async ([index, decoy]) => [index, await decoy()] as const)
    const all = await done
    if (all.some(isYes)) return all
    // A check that failed or did not run must not reveal more about an unknown name than about an existing one.
    const failed = (await Promise.all(begun)).flatMap(([index, answer]) => (answer instanceof Failure ? index : []))
    return all.map((answer, index) => (failed.includes(index) ? FAILED : answer))
  }

  #inTime(answers: Promise<unknown>, milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(milliseconds, resolve)
      // They never reject: the answer of a failed plugin is a `Failure`.
      void answers.then(() => {
        timer.cancel()
        resolve()
      })
    })
  }
}

function isCheck(answer: unknown): answer is LoginCheck {
  return typeof answer === 'object' && answer !== null && 'decision' in answer && answer.decision === 'check'
}

function isYes(answer: LoginAnswer): boolean {
  return answer !== undefined && !(answer instanceof Failure) && answer.decision !== 'deny'
}
