/**
 * One message on its way to one Client at QoS 1 or 2: waiting, sent, or (QoS 2) released.
 *
 *   Waiting ──PUBLISH──> Sent ──PUBACK──> done
 *                         └──PUBREC──> Released ──PUBCOMP──> done          §4.3
 *
 * @module
 */
import type { ApplicationMessage } from './application-message.ts'
import { DELIVERY_BYTES, IDENTIFIER_BYTES } from './memory-sizes.ts'

export const DeliveryState = { Waiting: 0, Sent: 1, Released: 2 } as const
export type DeliveryState = (typeof DeliveryState)[keyof typeof DeliveryState]

/** Where a delivery came from, if another member of a Shared Subscription can have it instead. */
export interface SharedOrigin {
  readonly topicFilter: string
}

/** What a delivery with those Subscription Identifiers takes in memory, besides its message. */
export function sizeOfDelivery(subscriptionIdentifiers: readonly number[]): number {
  return DELIVERY_BYTES + subscriptionIdentifiers.length * IDENTIFIER_BYTES
}

export class Delivery {
  readonly message: ApplicationMessage
  readonly qos: 1 | 2
  readonly retain: boolean
  readonly subscriptionIdentifiers: readonly number[]
  /** The Shared Subscription it was taken for; `undefined` for an ordinary one. */
  readonly shared: SharedOrigin | undefined
  /** Counts up in each Session: the delivery order. */
  readonly entryNumber: number
  state: DeliveryState = DeliveryState.Waiting
  /** 0 until it is sent for the first time. */
  packetIdentifier = 0
  /** Whether its PUBLISH went out on the present Connection, where it counts against the Client's Receive Maximum. */
  isOpen = false
  /** Whether the Store knows of it, or will. */
  isStored = false
  /** Connections that ended by an error of the Client while it was open on them. */
  failures = 0
  /** Whether the Store was not told yet: what is over by then is never told. */
  isUnrecorded = false

  constructor(
    message: ApplicationMessage,
    qos: 1 | 2,
    retain: boolean,
    subscriptionIdentifiers: readonly number[],
    shared: SharedOrigin | undefined,
    entryNumber: number,
  ) {
    this.message = message
    this.qos = qos
    this.retain = retain
    this.subscriptionIdentifiers = subscriptionIdentifiers
    this.shared = shared
    this.entryNumber = entryNumber
  }

  /** What it takes in memory, besides its message. */
  get size(): number {
    return sizeOfDelivery(this.subscriptionIdentifiers)
  }
}
