/**
 * Sessions of connected clients that have not taken all that was meant for them, noted as it happens: when a queue
 * begins, when a socket takes no more, and when a client comes back to a queue. So a list of slow subscribers looks at
 * these, and not at all sessions.
 *
 *   oldest [ a, b, c … ] newest      up to MAX_NOTED; whatever has caught up is removed when it is looked at
 *
 * Adding looks at two of the oldest first, so those that have caught up do not gather. When the list is full of
 * sessions that all lag, the oldest give their places to new ones: a list of many thousand slow subscribers is a sample
 * of them.
 *
 * @module
 */
import type { Session } from '../../protocol/session.ts'

/** Sessions that are noted. */
export const MAX_NOTED = 4_096
/** Of the oldest, examined with each new one. */
const LOOKS = 2

export class LaggingSessions {
  readonly #sessions = new Set<Session>()
  readonly #isLagging: (session: Session) => boolean

  constructor(isLagging: (session: Session) => boolean) {
    this.#isLagging = isLagging
  }

  /** Notes a session that has begun to lag. */
  add(session: Session): void {
    if (session.connection === undefined || this.#sessions.has(session)) return
    let looks = LOOKS
    for (const oldest of this.#sessions) {
      if (looks-- === 0) break
      this.#sessions.delete(oldest)
      if (this.#isLagging(oldest)) this.#sessions.add(oldest)
    }
    if (this.#sessions.size >= MAX_NOTED) this.#sessions.delete(this.#sessions.values().next().value!)
    this.#sessions.add(session)
  }

  /** The number of sessions that are noted, including those that have caught up since. */
  get size(): number {
    return this.#sessions.size
  }

  /** Those that lag; the others are removed. */
  *all(): Generator<Session, void, undefined> {
    for (const session of this.#sessions) {
      if (this.#isLagging(session)) yield session
      else this.#sessions.delete(session)
    }
  }
}
