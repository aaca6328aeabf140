/**
 * The Server as the registry of Sessions sees it: it sends Wills, and stores facts about Sessions.
 *
 * @module
 */
import type { SessionEndCause } from '../access/broker-events.ts'
import type { BackPressure } from '../turn/back-pressure.ts'
import type { Turn } from '../turn/turn.ts'
import type { Ledger } from './durable/ledger.ts'
import type { SessionEnds } from './session-ends.ts'
import { sizeOfWill, type Registration, type Sessions, type SessionsSide, type Will } from './sessions/sessions.ts'
import { WillLine } from './sessions/will-line.ts'
import type { WillPublishing } from './will-publishing.ts'

/** What RegistrationServices work with. The methods return parts that are made after the registry. */
export interface RegistrationServicesParts {
  readonly turn: Turn
  readonly backPressure: BackPressure
  sessions(): Sessions
  wills(): WillPublishing
  ends(): SessionEnds
  /** Present if something is stored. */
  ledger(): Ledger | undefined
}

export class RegistrationServices implements SessionsSide {
  readonly #parts: RegistrationServicesParts
  readonly #willLine: WillLine

  constructor(parts: RegistrationServicesParts) {
    this.#parts = parts
    this.#willLine = new WillLine(parts.turn, (registration) => parts.sessions().sendWill(registration))
  }

  publishWill(will: Will, settled: () => void): boolean {
    const { backPressure } = this.#parts
    const isSettled = this.#parts.wills().publish(will, settled)
    if (backPressure.isHit) backPressure.hold(this.#willLine, this.#willLine, sizeOfWill(will.fields))
    return isSettled
  }

  willMustWait(registration: Registration): boolean {
    return this.#willLine.mustWait(registration)
  }

  willLeft(registration: Registration): void {
    this.#willLine.leave(registration)
  }

  /** Sends all Wills that wait for subscribers, for a broker that stops. */
  flushWills(): void {
    this.#willLine.flush()
  }

  sessionEnded(registration: Registration, cause: SessionEndCause): void {
    this.#parts.ends().ended(registration, cause)
  }

  changed(registration: Registration): void {
    this.#parts.ledger()?.session(registration)
  }

  willChanged(registration: Registration): void {
    this.#parts.ledger()?.will(registration, registration.will)
  }

  willUndecided(registration: Registration, will: Will): number {
    return this.#parts.ledger()?.undecidedWill(registration, will) ?? 0
  }

  willDecided(undecided: number): void {
    this.#parts.ledger()?.willRemoved(undecided)
  }
}
