/**
 * Logins on their way to a decision: counted for addresses and names, waiting for their turn, put to the vote.
 *
 *   ask ──> room? ──> LoginGate (penalties, few at a time for one address) ──> the vote ──> judge
 *             └─ no: `max-pending-logins` is reached: whoever has most of them is turned away
 *
 * @module
 */
import type { Clock } from '../../base/clock.ts'
import { safeExcerpt } from '../../base/printable.ts'
import { ReasonCode } from '../../codec/reason-code.ts'
import type { Connection } from '../../protocol/connection.ts'
import type { Access, ExchangeStates, LoginResult } from '../../access/access.ts'
import { notesOf } from './connection-notes.ts'
import type { ActiveConfig } from '../../config/active-config.ts'
import type { Slowed } from '../../reporting/connection-log.ts'
import type { Events } from '../../reporting/events.ts'
import { Holders } from '../../limits/holders.ts'
import { claimsSomething, LoginAttempt } from '../../access/login-attempt.ts'
import { LoginGate, type GateLimits, type LoginOutcome } from '../../access/login-gate.ts'
import { LoginPenalties } from '../../access/login-penalties.ts'
import type { Metrics } from '../../reporting/metrics.ts'
import type { Options } from '../../config/options.ts'
import type { Answers } from '../../turn/answers.ts'
import type { ConnectRequest } from '../../access/plugin.ts'

/** Reason Codes of refusals that are not the Client's fault, and so delay no later login. */
const NOT_THE_CLIENTS_FAULT: ReadonlySet<ReasonCode> = new Set([ReasonCode.ServerBusy, ReasonCode.ServerUnavailable])

/** The answer to assume if asking fails. */
const FAILED: LoginResult = {
  decision: 'deny',
  reasonCode: ReasonCode.ServerUnavailable,
  cause: 'internal error while asking plugins',
}

/** What logins work with. */
export interface LoginsParts {
  readonly current: ActiveConfig
  readonly answers: Answers
  readonly clock: Clock
  readonly metrics: Metrics
  readonly events: Events
  /** A line in the log: wrong logins delay the next one. */
  slowed(slowed: Slowed): void
  /**
   * A login was decided; not called if its Connection has ended.
   *
   * @param asOf the value of `loginsVersion` when plugins were asked
   */
  judge(connection: Connection, request: ConnectRequest, result: LoginResult, asOf: number): void
  /** There is no room for that login. */
  turnAway(connection: Connection): void
}

export class Logins {
  readonly #parts: LoginsParts
  readonly #penalties: LoginPenalties
  readonly #gate: LoginGate
  /** Undecided logins, by the network of their address. */
  readonly #pending = new Holders<LoginAttempt>()

  constructor(parts: LoginsParts) {
    const { current, clock, metrics, events } = parts
    this.#parts = parts
    this.#penalties = new LoginPenalties(current.options.auth)
    this.#gate = new LoginGate(clock, this.#penalties, gateLimits(current.options), {
      slowed: () => metrics.loginsSlowed++,
      penalized: (login, wrongLogins, delayMs) => {
        const { holder: network, request } = login as LoginAttempt
        const userName = request.userName === undefined ? undefined : safeExcerpt(request.userName)
        const slowed = { network, userName, wrongLogins, delayMs }
        parts.slowed(slowed)
        events.emit('loginPenalty', slowed)
      },
    })
  }

  /** The number of undecided logins. */
  get pending(): number {
    return this.#pending.size
  }

  /** Reads the limits anew. */
  reload(): void {
    const { options } = this.#parts.current
    this.#penalties.limits = options.auth
    this.#gate.limits = gateLimits(options)
  }

  /** Puts a login, or a step of an AUTH exchange, to the vote when its turn comes. */
  ask(connection: Connection, request: ConnectRequest): void {
    const notes = notesOf(connection)
    const { address } = connection.peer
    const holder = notes.network.name
    const claimed = notes.claimedUserName ?? request.userName
    const debtor = claimsSomething(request) ? this.#penalties.debtorOf(address, holder, claimed) : undefined
    if (!this.#makeRoom(holder)) return this.#parts.turnAway(connection)
    const attempt = new LoginAttempt(connection, request, holder, debtor, (begun) => this.#vote(begun))
    this.#pending.add(holder, attempt)
    notes.login = attempt
    this.#gate.enter(attempt)
    if (!attempt.hasBegun) attempt.keepBytes()
  }

  /** A login gives way only to a holder that has fewer even after that. */
  #makeRoom(holder: string): boolean {
    const { maxPendingLogins } = this.#parts.current.options
    if (this.#pending.size < maxPendingLogins) return true
    this.#parts.metrics.connectsRefusedAtLimit++
    if (this.#pending.sizeOf(holder) + 1 >= this.#pending.largest) return false
    const attempt = this.#pending.oldestOfLargest()!
    this.#pending.remove(attempt.holder, attempt)
    this.#giveUp(attempt)
    this.#parts.turnAway(attempt.connection)
    return true
  }

  /** Called when its Connection has ended; a check that has begun still counts. */
  left(connection: Connection): void {
    const { login } = notesOf(connection)
    if (login === undefined) return
    if (!login.hasBegun) this.#pending.remove(login.holder, login)
    this.#giveUp(login)
  }

  #giveUp(attempt: LoginAttempt): void {
    attempt.isOver = true
    notesOf(attempt.connection).login = undefined
    if (!attempt.hasBegun) this.#gate.withdraw(attempt)
  }

  #vote(attempt: LoginAttempt): void {
    const { connection, request } = attempt
    const notes = notesOf(connection)
    const { access } = this.#parts.current
    // An exchange is judged by what was valid at its first step.
    const asOf = notes.exchange === undefined ? access.loginsVersion : notes.exchangeAsOf
    const states: ExchangeStates = notes.exchange ?? new Map()
    if (request.authenticationMethod !== undefined) {
      notes.exchange = states
      notes.exchangeAsOf = asOf
    }
    const result = access.authenticate(request, states, attempt)
    if (result instanceof Promise) {
      const { answers } = this.#parts
      answers.whenFor(connection, result, FAILED, (known) => this.#answered(attempt, known, asOf, access))
    } else this.#decided(attempt, result, asOf)
  }

  /** If a reload closed the plugins that were asked, the ones that replace them are asked again. */
  #answered(attempt: LoginAttempt, result: LoginResult, asOf: number, access: Access): void {
    const isOvertaken = access !== this.#parts.current.access && notesOf(attempt.connection).exchange === undefined
    const hasFailed = result.decision === 'deny' && result.reasonCode === ReasonCode.ServerUnavailable
    if (isOvertaken && hasFailed && attempt.isNeeded()) this.#vote(attempt)
    else this.#decided(attempt, result, asOf)
  }

  #decided(attempt: LoginAttempt, result: LoginResult, asOf: number): void {
    const { connection, request, debtor, holder } = attempt
    const notes = notesOf(connection)
    this.#pending.remove(holder, attempt)
    if (notes.login === attempt) notes.login = undefined
    if (result.decision === 'continue') notes.claimedUserName = result.claimedUserName
    // An anonymous login has proved nothing.
    if (result.decision === 'allow' && result.userName !== undefined && debtor !== undefined)
      this.#penalties.remember(debtor)
    const isWanted = !attempt.isOver && !connection.isClosed
    // Another Connection may be in progress, whose login this one has waited for.
    if (isWanted) connection.guard(() => this.#parts.judge(connection, request, result, asOf))
    this.#gate.settle(attempt, outcomeOf(result))
    this.#countForgotten()
  }

  #countForgotten(): void {
    const { metrics, events } = this.#parts
    const { addresses, names, logins } = this.#penalties.forgotten
    const reached = (option: string): void => events.emit('limitReached', { option, owner: '' })
    if (addresses > metrics.loginAddressesForgotten) reached('max-delayed-addresses')
    if (names > metrics.loginNamesForgotten) reached('max-delayed-names')
    if (logins > metrics.knownLoginsForgotten) reached('max-known-logins')
    metrics.loginAddressesForgotten = addresses
    metrics.loginNamesForgotten = names
    metrics.knownLoginsForgotten = logins
  }
}

function gateLimits({ auth, loginTimeout }: Options): GateLimits {
  return { maxLoginsPerAddress: auth.maxLoginsPerAddress, longestNameDelayMs: (loginTimeout * 1000) / 2 }
}

function outcomeOf(result: LoginResult): LoginOutcome {
  if (result.decision !== 'deny') return 'right'
  return NOT_THE_CLIENTS_FAULT.has(result.reasonCode) ? 'neither' : 'wrong'
}
