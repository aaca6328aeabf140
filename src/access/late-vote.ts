/**
 * A vote on one question, and what is left of it once it has taken time, because a plugin answered with a promise.
 *
 *   asked ──> plugins that answer at once ── a deny ──> decided; the slow ones are not asked
 *               └──> slow plugins ── … ── a deny, or all answers ──> LateVote ──now()──> decided
 *                          a rule is removed meanwhile                       └──> asked again
 *
 * What was answered may be over by the time that it counts, so after any change of rights the plugins that answered at
 * once are asked again, and so are slow ones that have reported a change of their own. Other late answers stand: they
 * would take as long again. A plugin that takes its time when it is asked again is waited for once more. A vote that is
 * still undecided after `MAX_ROUNDS`, because rights change all the time, is a deny.
 *
 * A slow plugin is one that has answered this question with a promise before. It is asked last, so that a client whose
 * requests are denied at once causes no work elsewhere.
 *
 * @module
 */
import type { MaybePromise } from '../base/maybe-promise.ts'
import { Failure, isThenable, type Answer } from './plugin-questions.ts'
import type { Plugin } from './plugin.ts'

/** How often a vote is held again because rights have changed. */
const MAX_ROUNDS = 3
/** Answers to one question that no vote waits for any longer. With more, votes wait for all of theirs. */
const MAX_ABANDONED = 1000

/** The decision, or what it will be made of. */
export type Vote = boolean | Promise<LateVote>

/** What the votes of one `Access` on one question share. */
export class VoteRecord {
  /** Those that have answered with a promise. */
  readonly slow = new Set<Plugin>()
  #abandoned = 0

  /**
   * Waits no longer for those of these answers that are still to come.
   *
   * @returns false if that are too many: a client could have questions asked faster than they are answered
   */
  abandon(answers: readonly MaybePromise<Answer<boolean>>[]): boolean {
    const pending = answers.filter(isThenable)
    if (this.#abandoned + pending.length > MAX_ABANDONED) return false
    this.#abandoned += pending.length
    for (const each of pending) void each.then(() => this.#abandoned--)
    return true
  }
}

export interface VoteParts {
  /** Who holds it. */
  readonly access: object
  readonly plugins: readonly Plugin[]
  readonly record: VoteRecord
  readonly ask: (plugin: Plugin) => MaybePromise<Answer<boolean>>
  /** Another number after each change that may have made answers invalid. */
  readonly revision: () => number
  /** Another number after each change that this plugin has reported itself. */
  readonly revisionOf: (plugin: Plugin) => number
}

/** A late answer, and `revisionOf` when its plugin was asked. */
interface LateAnswer {
  readonly answer: Answer<boolean>
  readonly revision: number
}
/** By the place of the plugin. */
type LateAnswers = ReadonlyMap<number, LateAnswer>

const NO_ANSWERS: LateAnswers = new Map()

/**
 * Holds a vote. Returns synchronously if it can be decided without the plugins that take time.
 *
 * @param standing late answers of an earlier round that still count
 */
export function holdVote(parts: VoteParts, standing = NO_ANSWERS, round = 0): Vote {
  const revision = parts.revision()
  const answers: MaybePromise<Answer<boolean>>[] = parts.plugins.map((_plugin, place) => standing.get(place)?.answer)
  askThose(parts, standing, answers, false)
  if (!answers.some(isNo)) askThose(parts, standing, answers, true)
  if (!answers.some(isThenable)) return isAllowed(answers as readonly Answer<boolean>[])
  const late = lateOnes(parts, standing, answers)
  const isDecided = answers.some(isNo) || round > MAX_ROUNDS
  if (isDecided && parts.record.abandon(answers)) return false
  return firstDenyOf(parts.record, answers).then(
    (known) => new LateVote({ ...parts, wasRevision: revision, late, answers: isDecided ? [false] : known, round }),
  )
}

/** Asks the slow plugins, or the others, as far as there is no answer that stands. */
function askThose(
  { plugins, record, ask }: VoteParts,
  standing: LateAnswers,
  answers: MaybePromise<Answer<boolean>>[],
  areSlow: boolean,
): void {
  if (areSlow && record.slow.size === 0) return
  for (const [place, plugin] of plugins.entries()) {
    if (!standing.has(place) && record.slow.has(plugin) === areSlow) answers[place] = ask(plugin)
  }
}

/** The answers that are still to come, besides those that stand. */
function lateOnes(
  { plugins, record, revisionOf }: VoteParts,
  standing: LateAnswers,
  answers: readonly MaybePromise<Answer<boolean>>[],
): LateAnswers {
  const late = new Map(standing)
  for (const [place, answer] of answers.entries()) {
    if (!isThenable(answer)) continue
    record.slow.add(plugins[place]!)
    late.set(place, { answer: undefined, revision: revisionOf(plugins[place]!) })
  }
  return late
}

/** All answers, or at least one deny: the others cannot change anything then. The promises never reject. */
function firstDenyOf(
  record: VoteRecord,
  answers: readonly MaybePromise<Answer<boolean>>[],
): Promise<readonly Answer<boolean>[]> {
  return new Promise((resolve) => {
    const known: MaybePromise<Answer<boolean>>[] = [...answers]
    let isDecided = false
    for (const [place, answer] of answers.entries()) {
      if (!isThenable(answer)) continue
      void answer.then((late) => {
        known[place] = late
        if (isDecided) return
        isDecided = !known.some(isThenable) || (isNo(late) && record.abandon(known))
        if (isDecided) resolve(known.map((each) => (isThenable(each) ? undefined : each)))
      })
    }
  })
}

interface LateParts extends VoteParts {
  /** The revision when it was begun. */
  readonly wasRevision: number
  readonly answers: readonly Answer<boolean>[]
  /** Those of `answers` that were promises. */
  readonly late: LateAnswers
  readonly round: number
}

/** A vote that took time. */
export class LateVote {
  readonly #parts: LateParts | undefined

  /** @param parts `undefined`: the answer is no */
  constructor(parts: LateParts | undefined) {
    this.#parts = parts
  }

  /** Whether other plugins decide by now: a reload has replaced those that were asked. */
  isOvertaken(access: object): boolean {
    return this.#parts !== undefined && access !== this.#parts.access
  }

  /** Whether the answer is yes, by what holds now. It is a promise if a plugin has to be waited for once more. */
  now(): Vote {
    if (this.#parts === undefined) return false
    const { answers, wasRevision, round } = this.#parts
    if (answers.some(isNo)) return false
    return this.#parts.revision() === wasRevision
      ? isAllowed(answers)
      : holdVote(this.#parts, this.#standing(), round + 1)
  }

  /** Late answers of plugins that have reported no change since they were asked. */
  #standing(): LateAnswers {
    const { plugins, answers, late, revisionOf } = this.#parts!
    const standing = [...late].filter(([place, { revision }]) => revision === revisionOf(plugins[place]!))
    return new Map(standing.map(([place, { revision }]) => [place, { answer: answers[place], revision }]))
  }
}

/** What to assume if a vote fails by a mistake of the broker. */
export const NO_VOTE = new LateVote(undefined)

/** One deny decides; otherwise one allow is needed. */
function isAllowed(answers: readonly Answer<boolean>[]): boolean {
  return answers.includes(true) && !answers.some(isNo)
}

function isNo(answer: MaybePromise<Answer<boolean>>): boolean {
  return answer === false || answer instanceof Failure
}
