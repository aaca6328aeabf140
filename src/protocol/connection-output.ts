/**
 * What a Session sends to its Client. If writing fails in the middle, only this Connection is lost; the publisher of
 * the message notices nothing.
 *
 * @module
 */
import { PacketType, type QoS } from '../codec/packet-types.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import type { ApplicationMessage } from './application-message.ts'
import { EndingConnection } from './connection-ending.ts'
import type { Delivery } from './delivery.ts'
import type { DropCause } from './drop-cause.ts'
import type { SessionConnection } from './session-connection.ts'

export abstract class OutputConnection extends EndingConnection implements SessionConnection {
  sendPublish(
    message: ApplicationMessage,
    retain: boolean,
    subscriptionIdentifiers: readonly number[],
  ): DropCause | undefined {
    try {
      const sent = this.server.deliveryTransforms.isAsked
        ? this.server.deliveryTransforms.transform(this, message)
        : message
      return typeof sent === 'string' ? sent : this.sender.publish(sent, retain, subscriptionIdentifiers)
    } catch (error) {
      return this.breakOff(error)
    }
  }

  fits(message: ApplicationMessage, qos: QoS, subscriptionIdentifiers: readonly number[]): boolean {
    return this.sender.takes(message, qos, subscriptionIdentifiers)
  }

  sendDelivery(delivery: Delivery, dup: boolean): DropCause | undefined {
    const afterChange = this.session!.ledger === undefined ? 0 : this.server.turn.changeCount
    const { message } = delivery
    try {
      const sent = this.server.deliveryTransforms.isAsked
        ? this.server.deliveryTransforms.transform(this, message)
        : message
      return typeof sent === 'string' ? sent : this.sender.delivery(delivery, sent, dup, afterChange)
    } catch (error) {
      return this.breakOff(error)
    }
  }

  /**
   * Ends the Connection after a write that failed in the middle: its stream may end within a packet. The publisher of
   * the message that was being delivered is not affected.
   */
  protected breakOff(error: unknown): DropCause {
    this.server.reports.failed(this, error)
    this.sender.discard()
    this.transport.destroy()
    return 'cannot be encoded'
  }

  sendPubrel(delivery: Delivery): void {
    this.sender.acknowledge(PacketType.PUBREL, delivery.packetIdentifier, ReasonCode.Success, 0)
  }
}
