/** A received PUBLISH of QoS 1 or 2 from its arrival to its answer. @module */
import type { QoS } from '../codec/packet-types.ts'
import type { Receipt } from './client-side.ts'

const UNDECIDED = -1

export class ReceivedPublish implements Receipt {
  readonly qos: QoS
  readonly packetIdentifier: number
  readonly dup: boolean
  readonly subscriptionIdentifiers: readonly number[]
  reasonCode: number

  constructor(
    qos: QoS,
    packetIdentifier: number,
    dup: boolean,
    subscriptionIdentifiers: readonly number[],
    reasonCode = UNDECIDED,
  ) {
    this.qos = qos
    this.packetIdentifier = packetIdentifier
    this.dup = dup
    this.subscriptionIdentifiers = subscriptionIdentifiers
    this.reasonCode = reasonCode
  }

  get isDecided(): boolean {
    return this.reasonCode !== UNDECIDED
  }
}
