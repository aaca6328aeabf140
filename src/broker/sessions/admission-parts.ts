/**
 * What Admission works with.
 *
 * @module
 */
import type { Clock } from '../../base/clock.ts'
import type { Client } from '../../protocol/client.ts'
import type { Connection } from '../../protocol/connection.ts'
import type { Session } from '../../protocol/session.ts'
import type { Accepted, Slowed } from '../../reporting/connection-log.ts'
import type { ActiveConfig } from '../../config/active-config.ts'
import type { Events } from '../../reporting/events.ts'
import type { Memory } from '../../limits/memory.ts'
import type { MemoryRefusals } from '../../limits/memory-refusals.ts'
import type { Metrics } from '../../reporting/metrics.ts'
import type { ListenerOptions } from '../../config/options.ts'
import type { Registration, Sessions } from './sessions.ts'
import type { Answers } from '../../turn/answers.ts'
import type { Turn } from '../../turn/turn.ts'

export interface AdmissionParts {
  readonly clock: Clock
  readonly turn: Turn
  readonly answers: Answers
  readonly metrics: Metrics
  readonly events: Events
  readonly sessions: Sessions
  readonly current: ActiveConfig
  readonly memory: Memory
  readonly memoryRefusals: MemoryRefusals
  /** Makes an empty Session. */
  makeSession(client: Client, options: ListenerOptions): Session
  /** Stores the facts of a Session that have changed. */
  sessionChanged(registration: Registration): void
  /** The Change that ended that Client's last Session, while it is not stored; 0 otherwise. */
  endingOf(clientId: string): number
  /** Whether the Store accepts a new Session with a Will of so many bytes. */
  canStore(bytes: number): boolean
  /** Whether it can store that a Client is back, and what that removes. */
  canTakeAway(bytes: number): boolean
  /** CONNACK 0x00 has been sent. */
  loggedIn(connection: Connection, accepted: Accepted): void
  /** Wrong logins delay the next one. */
  slowed(slowed: Slowed): void
  /** Asks again whether a Client that is logged in may stay. */
  review(connection: Connection): void
}
