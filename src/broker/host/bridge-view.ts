/** A bridge to another broker, as operators see it. @module */

/**
 * Where a bridge is. `local`: its own session here is being opened. `connecting`: to the other broker. `subscribing`:
 * the other broker has accepted the login. `waiting`: for the next attempt.
 */
export type BridgeState = 'local' | 'connecting' | 'subscribing' | 'connected' | 'waiting' | 'paused'

/** What has become of messages in one direction since the start. */
export interface BridgeTraffic {
  /** Messages that were passed to the other side. */
  readonly messages: number
  /** Bytes of their payloads. */
  readonly bytes: number
  /** Messages that the other side has refused with a Reason Code. */
  readonly refused: number
  /** Messages that were not passed on, by cause. */
  readonly dropped: Readonly<Record<string, number>>
}

/** A bridge. Times are in milliseconds since 1970. */
export interface BridgeView {
  readonly name: string
  readonly state: BridgeState
  /** The address that is used, or tried next, without credentials. */
  readonly url: string
  /** At the other broker. */
  readonly remoteClientId: string
  /** Of its session at this broker, which holds what waits for the other. */
  readonly localClientId: string
  /** When the state began. */
  readonly sinceMs: number
  /** Since when it has not been connected; `undefined` if it is, or is paused. */
  readonly disconnectedSinceMs: number | undefined
  /** Why it is not connected, in a sentence; `undefined` if it is, or was not refused yet. */
  readonly reason: string | undefined
  /** When the next attempt begins; `undefined` if none is planned. */
  readonly nextAttemptAtMs: number | undefined
  /** Messages of QoS 1 and 2 that wait for the other broker or are in flight to it. */
  readonly queuedMessages: number
  readonly queuedBytes: number
  /** How often it has connected since the start. */
  readonly connections: number
  readonly out: BridgeTraffic
  readonly in: BridgeTraffic
}
