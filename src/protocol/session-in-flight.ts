/**
 * Messages that were sent to a Client and are not finished. They end with PUBACK or PUBCOMP, with a PUBREC that refuses
 * them, or when they were tried too often (§4.3).
 *
 * @module
 */
import { ReasonCode } from '../codec/reason-code.ts'
import { AcknowledgementTime } from './acknowledgement-time.ts'
import { DeliveryState, type Delivery } from './delivery.ts'
import type { DropCause } from './drop-cause.ts'
import { OutgoingWindow } from './outgoing-window.ts'
import { QueueingSession } from './session-queue.ts'

export abstract class InFlightSession extends QueueingSession {
  protected readonly window = new OutgoingWindow(this.memory)
  /** QoS 1 and 2 messages that may be in flight on this Connection: the Client's Receive Maximum, or less (§3.3.4). */
  receiveMaximum = 0
  /** PUBLISH packets of QoS 1 and 2 sent on this Connection and not finished. */
  protected openOnConnection = 0
  /** How fast the Client acknowledges on this Connection; made with the first PUBLISH of QoS 1 or 2. */
  protected acknowledgements: AcknowledgementTime | undefined = undefined

  get inflightMessages(): number {
    return this.window.size
  }

  /** How many more may be sent before the Client acknowledges one (§4.9); 0 without a Connection. */
  get sendQuota(): number {
    return this.connection === undefined ? 0 : Math.max(0, this.receiveMaximum - this.openOnConnection)
  }

  /**
   * Mean time from PUBLISH to PUBACK or PUBREC on this Connection, in milliseconds; `undefined` before the first one.
   */
  get acknowledgementMs(): number | undefined {
    return this.acknowledgements?.meanMs
  }

  /** The size of the table of messages in flight, which `heldAfter` goes through. */
  get windowSlots(): number {
    return this.window.slots
  }

  /** True if nothing waits and nothing is in flight. */
  get isEmpty(): boolean {
    return this.queue === undefined && this.window.size === 0
  }

  protected hasRoom(): boolean {
    return this.connection !== undefined && !this.connection.congested && this.openOnConnection < this.receiveMaximum
  }

  protected open(delivery: Delivery): void {
    delivery.isOpen = true
    this.openOnConnection++
    const acknowledgements = (this.acknowledgements ??= new AcknowledgementTime())
    if (acknowledgements.isIdle) acknowledgements.begin(delivery.packetIdentifier, this.side.now())
  }

  /** Ends the timing of a delivery, whatever the Reason Code is. */
  protected acknowledged(packetIdentifier: number): void {
    const { acknowledgements } = this
    if (acknowledgements?.times(packetIdentifier) === true) acknowledgements.end(this.side.now())
  }

  /** Processes PUBACK. Identifiers that are not in flight are ignored. */
  puback(packetIdentifier: number, reasonCode: number): void {
    const delivery = this.window.get(packetIdentifier)
    if (delivery === undefined || delivery.qos !== 1) return
    this.acknowledged(packetIdentifier)
    if (reasonCode >= 0x80) this.side.dropped(this, delivery.message, 'refused by client')
    else this.side.acknowledged(this, delivery.message)
    this.finish(delivery)
  }

  /**
   * Processes PUBREC, which is answered with PUBREL unless the Client refused the message [5.0 MQTT-4.3.3-4].
   *
   * @returns the Reason Code for PUBREL, or `undefined` if none is to be sent
   */
  pubrec(packetIdentifier: number, reasonCode: number): ReasonCode | undefined {
    const delivery = this.window.get(packetIdentifier)
    if (delivery === undefined || delivery.qos !== 2) {
      return reasonCode >= 0x80 ? undefined : ReasonCode.PacketIdentifierNotFound
    }
    this.acknowledged(packetIdentifier)
    if (reasonCode >= 0x80) {
      // PUBREC after PUBREL can no longer refuse; before it, the message is dropped [5.0 MQTT-4.4.0-2].
      this.side.dropped(this, delivery.message, 'refused by client')
      this.finish(delivery)
      return undefined
    }
    if (delivery.state !== DeliveryState.Released) this.side.acknowledged(this, delivery.message)
    if (delivery.state !== DeliveryState.Released) {
      delivery.state = DeliveryState.Released
      this.ledger?.released(this, delivery)
    }
    return ReasonCode.Success
  }

  pubcomp(packetIdentifier: number): void {
    const delivery = this.window.get(packetIdentifier)
    if (delivery?.qos === 2 && delivery.state === DeliveryState.Released) this.finish(delivery)
  }

  protected finish(delivery: Delivery): void {
    this.forget(delivery)
    this.ledger?.done(this, delivery)
    this.flow()
  }

  protected forget(delivery: Delivery): void {
    this.leaveWindow(delivery)
    this.memory.release(delivery.message, delivery.size)
    if (delivery.isOpen) this.openOnConnection--
  }

  protected leaveWindow(delivery: Delivery): void {
    this.window.remove(delivery)
    this.side.gauges.inflightOut--
  }

  /** A QoS 2 message that was sent goes to nobody else [5.0 MQTT-4.8.2-5]. */
  protected dropSent(delivery: Delivery, cause: DropCause): void {
    this.leaveWindow(delivery)
    this.drop(delivery, cause)
  }

  /**
   * Its Client broke the protocol. If that happens over one message again and again, the message is dropped; otherwise
   * it would end each new Connection.
   *
   * @param packetIdentifier the delivery that the Client was answering; `undefined` if that is not known: then the
   *   oldest is suspected
   */
  clientFailed(packetIdentifier: number | undefined): void {
    const answered = packetIdentifier === undefined ? undefined : this.window.get(packetIdentifier)
    const suspect = answered?.isOpen === true ? answered : this.window.inOrder().find(({ isOpen }) => isOpen)
    if (suspect === undefined) return
    suspect.failures++
    const { maxDeliveryAttempts } = this.limits
    if (maxDeliveryAttempts === 0 || suspect.failures < maxDeliveryAttempts) return
    this.forget(suspect)
    this.ledger?.done(this, suspect)
    this.side.dropped(this, suspect.message, 'too many attempts')
  }

  /** There may be room for messages that wait. */
  abstract flow(): void
}
