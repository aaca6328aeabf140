/**
 * Long work that can be interrupted: a generator that yields wherever it may pause. The caller decides whether it does.
 *
 *   finish(work)      runs it at once, for example at a start, when nobody waits
 *
 * @module
 */

/** Work with the result `Result`, in steps that are short by themselves. */
export type Sliced<Result> = Generator<void, Result>

/** Does all of it at once. */
export function finish<Result>(work: Sliced<Result>): Result {
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value
  }
}
