/**
 * The Server as a Session sees it. Both interfaces have a type parameter for the Session, because they lie below it.
 *
 * @module
 */
import type { MemoryAccount } from '../base/memory-account.ts'
import type { WorkBudget } from '../base/work.ts'
import type { QoS } from '../codec/packet-types.ts'
import type { ApplicationMessage } from './application-message.ts'
import type { Delivery } from './delivery.ts'
import type { DropCause } from './drop-cause.ts'

/** Receives every fact that must survive the Connection; each call is one Change (`stores/store.ts`). */
export interface SessionLedger<Session> {
  /** Whether the Store keeps that message, and the share of that Session's user has no room for it. */
  refuses(session: Session, message: ApplicationMessage, isUrgent: boolean): boolean
  /** A message was dropped for that. */
  refused(session: Session, message: ApplicationMessage): void
  queued(session: Session, delivery: Delivery): void
  sent(session: Session, delivery: Delivery): void
  released(session: Session, delivery: Delivery): void
  done(session: Session, delivery: Delivery): void
  received(session: Session, packetIdentifier: number): void
  receivedDone(session: Session, packetIdentifier: number): void
}

/** The services of the Server that a Session uses. */
export interface SessionSide<Session> {
  now(): number
  dropped(session: Session, message: ApplicationMessage, cause: DropCause): void
  delivered(session: Session, message: ApplicationMessage, qos: QoS): void
  /** Its Client has a message of QoS 1 or 2: PUBACK or PUBREC. */
  acknowledged(session: Session, message: ApplicationMessage): void
  /** A message waits in its queue. */
  queued(session: Session, message: ApplicationMessage): void
  /** Counts the work. Once it `isSpent`, the rest of a backlog waits for this Session's next turn. */
  readonly work: WorkBudget
  /** What all Sessions hold together; updated with every change. */
  readonly gauges: SessionGauges
  /** Output waits that could be sent: calls `resume` when it is this Session's turn. */
  wantsFlow(session: Session): void
  /** `takesMore` was false when somebody asked, and is true again. */
  hasRoom(session: Session): void
  /** Whether a message of so many bytes that has to wait is to leave RAM; `park` is then called once it is stored. */
  parks(session: Session, bytes: number): boolean
  /** The next deliveries of that Session wait for payloads that are in the Store: calls `flow` once they are loaded. */
  wantsPayloads(session: Session): void
  /** That account had no room for so many bytes of a message. */
  memoryRefused(account: MemoryAccount, bytes: number): void
  /**
   * Changes whenever the rights to receive may have changed; NaN if they may change at any time. Messages queued before
   * are judged again at their turn.
   */
  readonly rightsVersion: number
  /** Whether that Session's Client may receive a message of that topic now. */
  mayReceive(session: Session, topicName: string): boolean
  /**
   * A delivery for a Shared Subscription cannot go to this Session.
   *
   * @returns whether it is handed on, with its memory and its entry in the ledger: it goes to another member, or is
   *   dropped
   */
  handsOn(session: Session, delivery: Delivery, cause: DropCause): boolean
  /**
   * Its Client begins to be slow: messages wait for it, or its socket takes no more. Called once for each such time.
   */
  lags(session: Session): void
  /** A message was added to its queue, which is crowded now: `thinned` follows. */
  crowded(session: Session): void
  /** Its queue is no longer crowded. */
  thinned(session: Session): void
  /** Something in its queue expires then, earlier than anything before: calls `dropExpired`. */
  expires(session: Session, atMs: number): void
}

/** Counts over all Sessions. */
export interface SessionGauges {
  queuedMessages: number
  /** Bytes of the messages in queues. */
  queuedBytes: number
  /** QoS 1 and 2 messages sent and not acknowledged. */
  inflightOut: number
  /** QoS 2 messages received and not released. */
  inflightIn: number
}
