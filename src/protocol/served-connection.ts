/**
 * A Connection as its parts and the Server see it. What they call is few of what it has; the Server, which makes every Connection,
 * knows the class behind it.
 *
 * @module
 */
import type { SubscribePacket, UnsubscribePacket } from '../codec/packets.ts'
import type { Properties } from '../codec/properties.ts'
import type { ReasonCode } from '../codec/reason-code.ts'
import type { Client } from './client.ts'
import type { ConnectionLimits } from './connection-limits.ts'
import type { Session } from './session.ts'

/** What the Server grants with CONNACK 0x00. */
export interface Acceptance {
  readonly client: Client
  readonly session: Session
  readonly sessionPresent: boolean
  /** Seconds that hold from now on; 0 for none. */
  readonly keepAlive: number
  /** Everything that CONNACK says; empty before 5.0. */
  readonly properties: Properties
  /** Monotonic milliseconds when this log-in ends; `undefined` if it never does. */
  readonly loginExpiresAtMs: number | undefined
  /** CONNACK also waits until that Change is stored: an earlier Connection may have left it. 0 for none. */
  readonly afterChange: number
}

export interface ServedConnection {
  readonly client: Client
  readonly limits: ConnectionLimits
  /** From CONNACK on. */
  readonly session: Session | undefined
  /** Its Sender keeps so many bytes more, or less, that are not handed to the Transport. */
  keeps(change: number): void
  /** Ends it now if it was lost and its end waits. @returns whether it was */
  settleLoss(): boolean

  // ---- the Server's answers; one that comes after the Connection has ended does nothing ----

  /** To CONNECT, or to the last AUTH before CONNACK. */
  accept(acceptance: Acceptance): void
  /** To CONNECT or AUTH: another AUTH is needed (§4.12). */
  challenge(authenticationData: Uint8Array | undefined): void
  /** To AUTH behind CONNACK: a re-authentication succeeded (§4.12.1). */
  reAuthenticated(authenticationData: Uint8Array | undefined, loginExpiresAtMs: number | undefined): void
  /** To CONNECT or AUTH: ends the Connection. */
  refuse(reasonCode: ReasonCode, detail: string, properties?: Properties): void
  /** To the PUBLISH for which `PublishQuestions.publish` returned `PENDING`. */
  publishAnswered(reasonCode: number): void
  /** To the SUBSCRIBE for which `SubscribeQuestions.subscribe` returned `PENDING`. @param reasonCodes one for each filter */
  subscribeAnswered(packet: SubscribePacket, reasonCodes: readonly number[]): void
  /** To the UNSUBSCRIBE for which `SubscribeQuestions.unsubscribe` returned `PENDING`. @param reasonCodes one for each filter */
  unsubscribeAnswered(packet: UnsubscribePacket, reasonCodes: readonly number[]): void
}
