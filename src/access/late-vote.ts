/**
 * A vote that took time, because a plugin answered with a promise. What the other plugins said at once may be over by
 * the time that the last answer is there, and again by the time that it is acted on:
 *
 *   asked ── store: allow, web service: … ─────────── web service: allow ── holds()?
 *                                    a rule is removed, and nothing may be published any longer
 *
 * So the plugins that answered at once are asked again where something has changed. Late answers stand: to ask for them again would
 * take as long again, and while rules change all the time, nothing would ever be decided.
 *
 * @module
 */
import type { MaybePromise } from '../base/maybe-promise.ts'
import { Failure, type Answer } from './plugin-questions.ts'

/** The vote as it was begun. */
export interface LateVoteParts {
  /** Who holds it. */
  readonly access: object
  /** Whether what plugins answer may have changed since the first of them was asked. */
  hasChanged(): boolean
  /** One for each plugin. */
  readonly answers: readonly Answer<boolean>[]
  /** The places of those that were promises. */
  readonly late: ReadonlySet<number>
  /** Asks the plugin at that place. */
  ask(place: number): MaybePromise<Answer<boolean>>
}

export class LateVote {
  readonly #parts: LateVoteParts | undefined

  /** @param parts `undefined`: the answer is no */
  constructor(parts: LateVoteParts | undefined) {
    this.#parts = parts
  }

  /** Whether other plugins decide by now: a reload has replaced those that were asked. */
  isOvertaken(access: object): boolean {
    return this.#parts !== undefined && access !== this.#parts.access
  }

  /** Whether the answer is yes, now. */
  holds(): boolean {
    if (this.#parts === undefined) return false
    const { answers, late } = this.#parts
    if (!this.#parts.hasChanged()) return isAllowed(answers)
    return isAllowed(answers.map((answer, place) => (late.has(place) ? answer : this.#again(place, answer))))
  }

  /** A plugin that answers with a promise this time has nothing better than what it said before. */
  #again(place: number, before: Answer<boolean>): Answer<boolean> {
    const answer = this.#parts!.ask(place)
    return answer instanceof Promise ? before : answer
  }
}

/** What to assume if a vote fails by a mistake of the broker. */
export const NO_VOTE = new LateVote(undefined)

/** One deny decides; otherwise one allow is needed. */
export function isAllowed(answers: readonly Answer<boolean>[]): boolean {
  return answers.includes(true) && !answers.some((answer) => answer === false || answer instanceof Failure)
}
