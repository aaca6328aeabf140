/**
 * On whose behalf Subscriptions come and go: a Client that has sent SUBSCRIBE or UNSUBSCRIBE, or the host program for a
 * Session.
 *
 * @module
 */
import type { Client } from '../protocol/client.ts'
import type { Session } from '../protocol/session.ts'

/** Limits of the listener that its Client came through. */
export interface SubscribeLimits {
  readonly maxQos: 0 | 1 | 2
  readonly maxSubscriptions: number
  readonly maxTopicLevels: number
}

/** What may be switched off. */
export interface SubscribeCapabilities {
  readonly sharedSubscriptions: boolean
  readonly wildcardSubscriptions: boolean
}

export interface SubscribeOrigin {
  readonly session: Session
  /** Whom plugins are asked about. */
  readonly client: Client
  readonly limits: SubscribeLimits
  /**
   * What its CONNACK said: asking for what is switched off there is a Protocol Error. `undefined` where nothing was
   * said.
   */
  readonly announced: SubscribeCapabilities | undefined
  /** Nobody waits for the answer any more. */
  readonly isOver: boolean
  /** Does what had to wait: what it throws concerns this origin alone. */
  guard(run: () => void): void
  /** All is done, and not at once. @param reasonCodes one for each filter */
  answered(reasonCodes: readonly number[]): void
  /** It was over before all was done. */
  abandoned(): void
}
