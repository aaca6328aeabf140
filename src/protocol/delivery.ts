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

/** The Shared Subscription of a delivery, if another member of it can get the message instead. */
export interface SharedOrigin {
  readonly topicFilter: string
}

/** The memory that a delivery with these Subscription Identifiers takes, besides its message. */
export function sizeOfDelivery(subscriptionIdentifiers: readonly number[]): number {
  return DELIVERY_BYTES + subscriptionIdentifiers.length * IDENTIFIER_BYTES
}

export class Delivery {
  // What an acknowledgement reads comes first, as in `ApplicationMessage`.
  /** 0 until it is sent for the first time. */
  packetIdentifier = 0
  readonly qos: 1 | 2
  readonly message: ApplicationMessage
  readonly subscriptionIdentifiers: readonly number[]
  state: DeliveryState = DeliveryState.Waiting
  /** Whether its PUBLISH was sent on the present Connection, where it counts against the Client's Receive Maximum. */
  isOpen = false
  readonly retain: boolean
  /** The Shared Subscription for which it was chosen; `undefined` for an ordinary one. */
  readonly shared: SharedOrigin | undefined
  /** Counts up in each Session, in the order of delivery. */
  readonly entryNumber: number
  /** Whether the Store has a record of it, or will get one. */
  isStored = false
  /** Connections that ended by an error of the Client while this delivery was open on them. */
  failures = 0
  /** Whether the Store has no record of it yet. If it is finished by then, none is made. */
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

  /** The memory that it takes, besides its message. */
  get size(): number {
    return sizeOfDelivery(this.subscriptionIdentifiers)
  }
}
