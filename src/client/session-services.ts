/** What the Session of a client requires of its surroundings (`protocol/session-side.ts`). @module */
import type { Clock } from '../base/clock.ts'
import type { MemoryAccount } from '../base/memory-account.ts'
import { WorkBudget } from '../base/work.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { DropCause } from '../protocol/drop-cause.ts'
import type { SessionCore } from '../protocol/session-core.ts'
import type { FlowingSession } from '../protocol/session-flow.ts'
import type { SessionGauges, SessionSide } from '../protocol/session-side.ts'
import { ClientError, type ClientErrorCode } from './client-error.ts'
import type { ClientSide } from './client-side.ts'

/** The causes that a client can have, in its own codes. */
const CAUSES: Partial<Record<DropCause, readonly [code: ClientErrorCode, message: string]>> = {
  'not connected': ['ERR_CLIENT_NOT_CONNECTED', 'A QoS 0 message requires a connection'],
  'output full': ['ERR_CLIENT_OUTPUT_FULL', 'The server does not read, and too many bytes wait for it'],
  'queue full': ['ERR_CLIENT_QUEUE_FULL', 'Too many messages wait for the server'],
  'memory limit': ['ERR_CLIENT_QUEUE_FULL', 'Too many messages wait for the server'],
  expired: ['ERR_CLIENT_EXPIRED', 'The message expired before it could be sent'],
}

interface Surroundings {
  /** Why the connection did not send what was passed to it last. */
  problem(): ClientError | undefined
  /** Something in the queue expires earlier than anything before. */
  expiresAt(atMs: number): void
}

export class SessionServices implements SessionSide<SessionCore> {
  readonly work: WorkBudget
  readonly gauges: SessionGauges = { queuedMessages: 0, queuedBytes: 0, inflightOut: 0, inflightIn: 0 }
  /** Rights are the server's. */
  readonly rightsVersion = 0
  readonly #side: ClientSide
  readonly #clock: Clock
  readonly #around: Surroundings
  #flowing: FlowingSession | undefined

  constructor(side: ClientSide, clock: Clock, around: Surroundings) {
    this.#side = side
    this.#clock = clock
    this.#around = around
    this.work = new WorkBudget(() => clock.now())
  }

  now(): number {
    return this.#clock.now()
  }

  /** The turn has ended: a backlog that used up its share continues in the next one. */
  endTurn(): void {
    this.work.endTurn()
    this.work.beginTurn(this.#clock.now())
    const flowing = this.#flowing
    this.#flowing = undefined
    if (flowing !== undefined) this.#clock.atEndOfTurn(() => flowing.resume())
  }

  wantsFlow(session: SessionCore): void {
    this.#flowing = session as FlowingSession
    this.#clock.atEndOfTurn(() => this.endTurn())
  }

  dropped(_session: SessionCore, message: ApplicationMessage, cause: DropCause): void {
    // `acknowledged` was called for it already.
    if (cause === 'refused by client') return
    const known = CAUSES[cause]
    const error = known === undefined ? this.#around.problem() : new ClientError(...known)
    this.#side.dropped?.(message, error ?? new ClientError('ERR_CLIENT_NOT_ENCODABLE', `Not sent: ${cause}`))
  }

  delivered(): void {
    // A message is over only once the server has answered it.
  }

  hasRoom(): void {
    this.#side.writable?.()
  }

  parks(): boolean {
    return false
  }

  wantsPayloads(): void {
    // Nothing leaves RAM.
  }

  memoryRefused(_account: MemoryAccount, _bytes: number): void {
    // `dropped` follows.
  }

  mayReceive(): boolean {
    return true
  }

  handsOn(): boolean {
    return false
  }

  acknowledged(): void {
    // Nobody follows what was received.
  }

  queued(): void {
    // Nobody follows what waits.
  }

  crowded(): void {
    // Who publishes looks at `takesMore`.
  }

  lags(): void {
    // Its owner sees what waits.
  }

  thinned(): void {
    // `hasRoom` follows for those who asked.
  }

  expires(_session: SessionCore, atMs: number): void {
    this.#around.expiresAt(atMs)
  }
}
