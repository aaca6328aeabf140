/**
 * Answers that come later: the only way back into the broker for foreign code.
 *
 *   plugin ── promise ──> Answers ──> line of work ──> what follows, in a share of the owner that waited
 *
 * What follows an answer is work like any other. It waits in line, so that thousands of answers at one moment make no
 * long turn. An error in it ends the Connection that has waited, or that one piece of work, and nothing else; directly
 * after a promise, it would be an unhandled rejection, which ends the process.
 *
 * @module
 */
import type { Connection } from '../protocol/connection.ts'
import type { Task } from './work-line.ts'

/** The parts of the turn that answers use. */
export interface AnswerSide {
  addTask(owner: object, task: Task): void
}

export class Answers {
  readonly #side: AnswerSide
  readonly #failed: (error: unknown) => void

  /** @param failed receives the error of a question that must never reject: a mistake of the broker */
  constructor(side: AnswerSide, failed: (error: unknown) => void) {
    this.#side = side
    this.#failed = failed
  }

  /**
   * Continues once the answer is there.
   *
   * @param owner the owner whose share the work uses
   * @param otherwise the answer to assume if the question fails
   */
  when<Answer>(answer: Promise<Answer>, otherwise: Answer, owner: object, run: (answer: Answer) => void): void {
    const resume = (known: Answer): void => this.#side.addTask(owner, { resume: () => (run(known), true) })
    answer.then(resume, (error: unknown) => {
      this.#failed(error)
      resume(otherwise)
    })
  }

  /** The same for a Connection that waits: an error in the work that follows ends it. */
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
