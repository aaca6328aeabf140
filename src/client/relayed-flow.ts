/**
 * Messages of QoS 1 and 2 of a client that keeps no Session: whoever is on its other side does, and the two halves of
 * each exchange pass through with their Packet Identifiers.
 *
 *   Session ── PUBLISH 7 ──> publish ────> server
 *           <── PUBREC 7 ─── acknowledged <──
 *
 * @module
 */
import type { AcknowledgementPacket } from '../codec/packets.ts'
import { PacketType, type QoS } from '../codec/packet-types.ts'
import { ProtocolError } from '../codec/protocol-error.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import { IdentifierSet } from '../protocol/identifier-set.ts'
import type { ClientError } from './client-error.ts'
import type { ClientSender } from './client-sender.ts'

export class RelayedFlow {
  readonly #sender: ClientSender
  readonly #receiveMaximum: number
  /** Packet Identifiers that the server has open, which Receive Maximum counts. */
  readonly #open = new IdentifierSet()

  constructor(sender: ClientSender, receiveMaximum: number) {
    this.#sender = sender
    this.#receiveMaximum = receiveMaximum
  }

  /** Bytes that the server has not taken yet. */
  get unsentBytes(): number {
    return this.#sender.unsentBytes
  }

  /** A PUBLISH of QoS 1 or 2 has arrived. @throws {ProtocolError} if the server has too many open [5.0 MQTT-3.3.4-9] */
  opened(packetIdentifier: number): void {
    this.#open.add(packetIdentifier)
    if (this.#open.size <= this.#receiveMaximum) return
    throw new ProtocolError(
      ReasonCode.ReceiveMaximumExceeded,
      `The server has sent more than ${this.#receiveMaximum} PUBLISH packets without an answer`,
    )
  }

  /** Sends a PUBLISH. @returns why it cannot be sent; `undefined` if it was */
  publish(
    message: ApplicationMessage,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetIdentifier: number,
  ): ClientError | undefined {
    return this.#sender.publish(message, qos, retain, dup, packetIdentifier)
  }

  /** Sends a PUBACK, PUBREC, PUBREL or PUBCOMP. */
  acknowledge(type: AcknowledgementPacket['type'], packetIdentifier: number, reasonCode: number): void {
    this.#sender.acknowledge(type, packetIdentifier, reasonCode)
    const isLast = type === PacketType.PUBACK || type === PacketType.PUBCOMP
    if (isLast || (type === PacketType.PUBREC && reasonCode >= 0x80)) this.#open.delete(packetIdentifier)
  }
}
