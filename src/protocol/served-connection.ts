/**
 * A Connection as its parts and the Server see it: the few members that they call. The Server, which makes every
 * Connection, knows the class itself.
 *
 * @module
 */
import type { SubscribePacket, UnsubscribePacket } from '../codec/packets.ts'
import type { Properties } from '../codec/properties.ts'
import type { ReasonCode } from '../codec/reason-code.ts'
import type { Client } from './client.ts'
import type { ClientRecord } from './client-record.ts'
import type { ConnectionLimits } from './connection-limits.ts'
import type { Session } from './session.ts'

/** The parts of an accepted login, CONNACK 0x00. */
export interface Acceptance {
  readonly client: Client
  readonly session: Session
  readonly sessionPresent: boolean
  /** The Keep Alive in force, in seconds; 0 for none. */
  readonly keepAlive: number
  /** The properties of CONNACK; empty before 5.0. */
  readonly properties: Properties
  /** When this login expires, in monotonic milliseconds; `undefined` if it never does. */
  readonly loginExpiresAtMs: number | undefined
  /** A Change for which CONNACK waits in addition, since an earlier Connection may have left it. 0 for none. */
  readonly afterChange: number
}

export interface ServedConnection {
  readonly client: Client
  readonly limits: ConnectionLimits
  /** From CONNACK on. */
  readonly session: Session | undefined
  /** Where it reports what happens to its Client; `undefined` before its login is accepted. */
  readonly record: ClientRecord | undefined
  /** Changes how many bytes its Sender keeps that are not passed to the Transport. */
  keeps(change: number): void
  /** Ends it now if it was lost and its end has waited. @returns whether it had */
  settleLoss(): boolean

  // ---- the Server's answers; one that comes after the Connection has ended does nothing ----

  /** Answers CONNECT, or the last AUTH before CONNACK. */
  accept(acceptance: Acceptance): void
  /** Answers CONNECT or AUTH: another AUTH is needed (§4.12). */
  challenge(authenticationData: Uint8Array | undefined): void
  /** Answers AUTH after CONNACK: a re-authentication succeeded (§4.12.1). */
  reAuthenticated(authenticationData: Uint8Array | undefined, loginExpiresAtMs: number | undefined): void
  /** Answers CONNECT or AUTH with a refusal, and ends the Connection. */
  refuse(reasonCode: ReasonCode, detail: string, properties?: Properties): void
  /** Answers the PUBLISH for which `PublishQuestions.publish` returned `PENDING`. */
  publishAnswered(reasonCode: number): void
  /**
   * Answers the SUBSCRIBE for which `SubscribeQuestions.subscribe` returned `PENDING`. @param reasonCodes one for each
   * filter
   */
  subscribeAnswered(packet: SubscribePacket, reasonCodes: readonly number[]): void
  /**
   * Answers the UNSUBSCRIBE for which `SubscribeQuestions.unsubscribe` returned `PENDING`. @param reasonCodes one for
   * each filter
   */
  unsubscribeAnswered(packet: UnsubscribePacket, reasonCodes: readonly number[]): void
}
