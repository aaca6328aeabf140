/**
 * The origin of a change of Subscriptions: a Client that has sent SUBSCRIBE or UNSUBSCRIBE, or the host program for a
 * Session.
 *
 * @module
 */
import type { Client } from '../protocol/client.ts'
import type { Session } from '../protocol/session.ts'

/** The limits of the listener that its Client came through. */
export interface SubscribeLimits {
  readonly maxQos: 0 | 1 | 2
  readonly maxSubscriptions: number
  readonly maxTopicLevels: number
}

/** Capabilities that may be switched off. */
export interface SubscribeCapabilities {
  readonly sharedSubscriptions: boolean
  readonly wildcardSubscriptions: boolean
}

export interface SubscribeOrigin {
  readonly session: Session
  /** The Client about which plugins are asked. */
  readonly client: Client
  readonly limits: SubscribeLimits
  /**
   * The capabilities that CONNACK announced: using one that is switched off there is a Protocol Error. `undefined` if
   * nothing was announced.
   */
  readonly announced: SubscribeCapabilities | undefined
  /** Whether nobody waits for the answer any more. */
  readonly isOver: boolean
  /** Runs work that had to wait; an error concerns this origin alone. */
  guard(run: () => void): void
  /** Answers work that was not finished at once. @param reasonCodes one for each filter */
  answered(reasonCodes: readonly number[]): void
  /** Called if the origin has ended before the work was finished. */
  abandoned(): void
}
