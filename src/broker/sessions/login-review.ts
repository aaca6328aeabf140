/**
 * Logins that were good may no longer be: a user was removed from the password file, a key was withdrawn, a reload
 * changed the rules. Then plugins are asked again about every Client that is logged in, and Clients that may not stay
 * are disconnected. So are Clients whose certificate their listener would no longer accept.
 *
 *   reload, context.revoked() ──> begin ──> Connection by Connection: Access.mayStay ──no──> DISCONNECT 0x87
 *
 * This happens in slices, and if plugins answer later (they ask a web service), for a few Clients at a time. While
 * these wait, all other Clients are looked at without the slow plugins: who is banned or removed goes at once, and does
 * not wait in line. A review that begins while another is in progress follows it. A login in progress meanwhile is
 * checked again when it is done (`admission.ts`).
 *
 * @module
 */
import { Work } from '../../base/work.ts'
import { ReasonCode } from '../../codec/reason-code.ts'
import type { Client } from '../../protocol/client.ts'
import type { Connection } from '../../protocol/connection.ts'
import type { Peer } from '../../protocol/transport.ts'
import type { Grounds } from '../../access/access.ts'
import { NO_VOTE, type Vote } from '../../access/late-vote.ts'
import { notesOf } from './connection-notes.ts'
import type { ActiveConfig } from '../../config/active-config.ts'
import type { Metrics } from '../../reporting/metrics.ts'
import type { Answers } from '../../turn/answers.ts'
import type { Task, Turn } from '../../turn/turn.ts'

/** Clients for which a plugin may be asked at the same time. */
const MAX_PENDING = 16

export interface LoginReviewParts {
  readonly turn: Turn
  readonly answers: Answers
  readonly current: ActiveConfig
  readonly metrics: Metrics
  /** All Connections that have not ended. */
  readonly connections: Iterable<Connection>
}

/**
 * Whether a Client would be accepted again: by its listener, which may have other CAs and revocation lists now, past
 * bans, and by plugins.
 */
export function mayStay(
  peer: Peer,
  client: Client,
  grounds: Grounds,
  { access, directory }: Pick<ActiveConfig, 'access' | 'directory'>,
): Stay {
  if (client.own === true) return true
  const isBarred = (): boolean => isBarredNow(peer, client, directory)
  if (isBarred()) return false
  // Its login is not one that plugins have judged, and ends it.
  if (client.console !== undefined) return true
  // Somebody may be banned, or removed, while a plugin thinks about it.
  const known = (stays: Vote): Stay =>
    typeof stays === 'boolean' ? stays : stays.then((vote) => ({ now: () => !isBarred() && known(vote.now()) }))
  return known(access.mayStay(client, grounds))
}

function isBarredNow({ certificate }: Peer, client: Client, directory: ActiveConfig['directory']): boolean {
  return certificate?.problem !== undefined || directory.banOf(client) !== undefined
}

type Stay = boolean | Promise<LateStay>

/** An answer that took time. */
export interface LateStay {
  /** Like that of a `LateVote`. */
  now(): Stay
}

export class LoginReview implements Task {
  #left: Iterator<Connection> | undefined = undefined
  /** Those to look at without the plugins that take time, while as many as possible wait for these. */
  #ahead: Iterator<Connection> | undefined = undefined
  /** Whether another review has to follow the present one. */
  #repeats = false
  #isQueued = false
  #pending = 0
  readonly #parts: LoginReviewParts

  constructor(parts: LoginReviewParts) {
    this.#parts = parts
  }

  /** Asks about every Client that is logged in now, after the present review, if there is one. */
  begin(): void {
    this.#ahead = this.#parts.connections[Symbol.iterator]()
    if (this.#left !== undefined) {
      this.#repeats = true
      this.#queue()
      return
    }
    this.#repeats = false
    this.#left = this.#parts.connections[Symbol.iterator]()
    if (this.#isQueued) return
    this.#isQueued = true
    this.#parts.turn.runTask(this, this)
  }

  #queue(): void {
    if (this.#isQueued || this.#left === undefined) return
    this.#isQueued = true
    this.#parts.turn.addTask(this, this)
  }

  resume(): boolean {
    const { work } = this.#parts.turn
    while (this.#left !== undefined) {
      if (work.isSpent) return false
      if (this.#pending < MAX_PENDING) this.#next(this.#left.next())
      else if (this.#ahead !== undefined) this.#nextAhead(this.#ahead.next())
      else break
    }
    this.#isQueued = false
    return true
  }

  #next(next: IteratorResult<Connection>): void {
    if (next.done === true) return this.#passed()
    this.#parts.turn.work.spend(Work.question)
    this.ask(next.value)
  }

  #nextAhead(next: IteratorResult<Connection>): void {
    if (next.done === true) {
      this.#ahead = undefined
      return
    }
    this.#parts.turn.work.spend(Work.question)
    const connection = next.value
    const { session, peer, client } = connection
    if (session === undefined || client.own === true) return
    const { access, directory } = this.#parts.current
    const isOver =
      isBarredNow(peer, client, directory) ||
      (client.console === undefined && access.refusesToStay(client, notesOf(connection).grounds))
    if (isOver) connection.guard(() => this.#end(connection))
  }

  #passed(): void {
    this.#left = undefined
    this.#ahead = undefined
    if (this.#repeats) this.begin()
  }

  /** Asks about one Client; nothing happens if it is not logged in. */
  ask(connection: Connection): void {
    const { session } = connection
    if (session === undefined) return
    const { peer, client } = connection
    this.#judge(connection, mayStay(peer, client, notesOf(connection).grounds, this.#parts.current))
  }

  #judge(connection: Connection, stays: Stay): void {
    if (!(stays instanceof Promise)) {
      if (!stays) connection.guard(() => this.#end(connection))
      return
    }
    this.#pending++
    this.#parts.answers.whenFor<LateStay>(connection, stays, NO_VOTE, (vote) => {
      this.#pending--
      this.#queue()
      this.#judge(connection, vote.now())
    })
  }

  #end(connection: Connection): void {
    if (connection.isClosed) return
    this.#parts.metrics.loginsRevoked++
    connection.disconnect(ReasonCode.NotAuthorized, 'login revoked', 'its login is no longer valid')
  }
}
