/**
 * The Session State of a client: the outgoing half is the server's (`protocol/session.ts`), since both halves of the
 * protocol are the same machine. What a client adds:
 *
 * - It reports each message that the server has answered.
 * - SUBSCRIBE and UNSUBSCRIBE take their Packet Identifiers from the same numbers as PUBLISH [5.0 MQTT-2.2.1-3]: each
 *   holds one in the window by a delivery that is never sent.
 * - A server may have lost the Session (Session Present 0). Messages that it has not acknowledged are sent again as new
 *   ones, with DUP 0; those that it has taken over with PUBREC are finished [5.0 MQTT-3.2.2-5].
 *
 * @module
 */
import { forbidden } from '../codec/protocol-error.ts'
import type { ReasonCode } from '../codec/reason-code.ts'
import { noPropertyList } from '../codec/property-list.ts'
import { ApplicationMessage } from '../protocol/application-message.ts'
import { Delivery, DeliveryState } from '../protocol/delivery.ts'
import { Session } from '../protocol/session.ts'
import type { SessionConnection } from '../protocol/session-connection.ts'
import type { SessionCore } from '../protocol/session-core.ts'
import type { SessionLimits } from '../protocol/session-limits.ts'
import type { SessionSide } from '../protocol/session-side.ts'
import type { ReceivedPublish } from './received-publish.ts'

const NO_BYTES = new Uint8Array(0)
/** The message of a request's delivery. */
const noMessage = new ApplicationMessage('', 0, false, noPropertyList, '', 0, NO_BYTES, 0, 0)

/** Called for each message that the server has answered. */
export type Answered = (message: ApplicationMessage, reasonCode: number) => void

export class ClientSession extends Session {
  /** Deliveries that stand for requests, by Packet Identifier. */
  readonly #requests = new Map<number, Delivery>()
  /** QoS 2 messages that were received and that the side has not decided about, by Packet Identifier. */
  readonly undecided = new Map<number, ReceivedPublish>()
  /** The server did not know it when the connection began: nothing that it is sent is a repeat. */
  isNew = true
  readonly #answered: Answered

  constructor(clientId: string, side: SessionSide<SessionCore>, limits: SessionLimits, answered: Answered) {
    super(clientId, side, limits)
    this.#answered = answered
  }

  /** Messages that are sent and not finished. */
  get messagesInFlight(): number {
    return this.inflightMessages - this.#requests.size
  }

  /** Takes a Packet Identifier for a SUBSCRIBE or UNSUBSCRIBE. */
  takeIdentifier(): number {
    const delivery = new Delivery(noMessage, 1, false, [], undefined, 0)
    this.window.add(delivery)
    this.#requests.set(delivery.packetIdentifier, delivery)
    return delivery.packetIdentifier
  }

  /** The request was answered, or its connection has ended. */
  releaseIdentifier(packetIdentifier: number): void {
    const delivery = this.#requests.get(packetIdentifier)
    if (delivery === undefined) return
    this.#requests.delete(packetIdentifier)
    this.window.remove(delivery)
  }

  /**
   * Begins a connection: sends what an earlier one left unfinished, and then what waits.
   *
   * @param isPresent whether the server has kept the Session; false discards what only it could continue
   */
  begin(connection: SessionConnection, receiveMaximum: number, isPresent: boolean): void {
    this.isNew = !isPresent
    if (!isPresent) this.#forgetServer()
    this.connect(connection, receiveMaximum)
  }

  #forgetServer(): void {
    this.undecided.clear()
    for (const packetIdentifier of this.receivedIdentifiers ?? []) this.releaseReceived(packetIdentifier)
    for (const delivery of this.window.inOrder()) {
      if (delivery.state !== DeliveryState.Released) continue
      this.#answered(delivery.message, 0)
      this.finish(delivery)
    }
  }

  /** The side has decided about a QoS 2 message, on this connection or on a later one. */
  decided(receipt: ReceivedPublish): void {
    const { packetIdentifier, reasonCode } = receipt
    // The server has lost the Session meanwhile: that number stands for another message now.
    if (this.undecided.get(packetIdentifier) !== receipt) return
    this.undecided.delete(packetIdentifier)
    if (reasonCode < 0x80) this.addReceived(packetIdentifier)
  }

  override puback(packetIdentifier: number, reasonCode: number): void {
    this.#checkAnswer(packetIdentifier, 1)
    const delivery = this.window.get(packetIdentifier)
    if (delivery !== undefined) this.#answered(delivery.message, reasonCode)
    super.puback(packetIdentifier, reasonCode)
  }

  override pubrec(packetIdentifier: number, reasonCode: number): ReasonCode | undefined {
    this.#checkAnswer(packetIdentifier, 2)
    const delivery = this.window.get(packetIdentifier)
    if (delivery !== undefined && reasonCode >= 0x80) this.#answered(delivery.message, reasonCode)
    return super.pubrec(packetIdentifier, reasonCode)
  }

  override pubcomp(packetIdentifier: number): void {
    this.#checkAnswer(packetIdentifier, 2)
    const delivery = this.window.get(packetIdentifier)
    if (delivery?.state === DeliveryState.Released) this.#answered(delivery.message, 0)
    super.pubcomp(packetIdentifier)
  }

  /** An answer must fit what it answers; one to nothing is ignored, as after a connection that was lost. */
  #checkAnswer(packetIdentifier: number, qos: 1 | 2): void {
    const delivery = this.window.get(packetIdentifier)
    if (delivery === undefined) return
    if (this.#requests.has(packetIdentifier) || delivery.qos !== qos) {
      throw forbidden(`Packet Identifier ${packetIdentifier} was answered with a packet that does not fit its own`)
    }
  }
}
