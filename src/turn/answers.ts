/**
 * Answers that come later: the one way back into the broker for code that is not ours.
 *
 *   plugin ── promise ──> Answers ──> line of work ──> what follows, in a share of whoever waited
 *
 * What follows an answer is work like any other. It waits in line, so that thousands of answers at one moment make no long turn;
 * and an error in it ends the Connection that waited, or that one piece of work, and nothing else. Directly behind a promise it
 * would be an unhandled rejection, which ends the process.
 *
 * @module
 */
import type { Connection } from '../protocol/connection.ts'
import type { Task } from './work-line.ts'

/** What answers need of the turn. */
export interface AnswerSide {
  addTask(owner: object, task: Task): void
}

export class Answers {
  readonly #side: AnswerSide
  readonly #failed: (error: unknown) => void

  /** @param failed gets the error of a question that was never to reject: our own mistake */
  constructor(side: AnswerSide, failed: (error: unknown) => void) {
    this.#side = side
    this.#failed = failed
  }

  /**
   * Goes on once the answer is there.
   *
   * @param owner whose share what follows is done in
   * @param otherwise counts as the answer to a question that fails
   */
  when<Answer>(answer: Promise<Answer>, otherwise: Answer, owner: object, run: (answer: Answer) => void): void {
    const resume = (known: Answer): void => this.#side.addTask(owner, { resume: () => (run(known), true) })
    answer.then(resume, (error: unknown) => {
      this.#failed(error)
      resume(otherwise)
    })
  }

  /** The same for a Connection that waits: an error in what follows ends it. */
  whenFor<Answer>(
    connection: Connection,
    answer: Promise<Answer>,
    otherwise: Answer,
    run: (answer: Answer) => void,
  ): void {
    const owner = connection.session ?? connection
    this.when(answer, otherwise, owner, (known) => connection.guard(() => run(known)))
  }
}
