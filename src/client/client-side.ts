/**
 * The program around a client, as the client sees it: it opens byte streams, and is informed of what happens. All calls
 * are synchronous, and none of them throws.
 *
 * @module
 */
import type { AcknowledgementPacket, ConnackPacket, Packet } from '../codec/packets.ts'
import type { QoS } from '../codec/packet-types.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { Incoming, Transport } from '../protocol/transport.ts'
import type { ClientError } from './client-error.ts'

/** One attempt to open a byte stream. Calls that come after its end are ignored, and close what they bring. */
export interface Attempt {
  /** Which address to use: counts from 0 up, and begins again after the last one. */
  readonly address: number
  /**
   * Reports that bytes can flow.
   *
   * @returns where those of the server go; `undefined` if the stream is not needed any more
   */
  opened(transport: Transport): Incoming | undefined
  /** Reports that no byte stream could be opened. */
  failed(error: Error): void
  /** Registers how to stop what is under way; called at once if the attempt is over already. */
  whenOver(stop: () => void): void
}

/** What belongs to a received PUBLISH and not to its message. */
export interface Receipt {
  readonly qos: QoS
  /** 0 at QoS 0. */
  readonly packetIdentifier: number
  readonly dup: boolean
  /** Those of the matching subscriptions; empty if they have none (§3.3.2.3.8). */
  readonly subscriptionIdentifiers: readonly number[]
}

/** Sees every packet in both directions. */
export interface PacketWatch {
  sent(packet: Packet): void
  received(packet: Packet): void
}

/** What is reported to a program that keeps the Session itself; see `relay` of `ClientSide`. */
export interface Relay {
  /** The server has sent a PUBACK, PUBREC, PUBREL or PUBCOMP, which nobody has answered. */
  acknowledged(type: AcknowledgementPacket['type'], packetIdentifier: number, reasonCode: number): void
  /**
   * Before 5.0: a PUBLISH above `maximumPacketSize` has come, which was not kept. The program acknowledges it. Absent,
   * and in 5.0, such a packet ends the connection.
   *
   * @param size of the packet, in bytes
   */
  tooLarge?(topicName: string, receipt: Receipt, size: number): void
}

/** What a client requires and reports. */
export interface ClientSide {
  /** Opens a byte stream, and calls the attempt back: now or later. */
  dial(attempt: Attempt): void
  /** The login succeeded. Subscriptions that the server does not know any more are requested again automatically. */
  connected(connack: ConnackPacket): void
  /**
   * A connection or an attempt has ended.
   *
   * @param retryInMs when the next attempt begins; `undefined` if there is none, and the client has ended
   */
  disconnected(error: ClientError | undefined, retryInMs: number | undefined): void
  /**
   * A message has arrived. Its payload is valid until this call returns, unless `message.own()` is called.
   *
   * @returns the Reason Code to answer with, at QoS 1 and 2; `undefined` if `acknowledge` will be called with the
   * receipt
   */
  received(message: ApplicationMessage, receipt: Receipt): number | undefined
  /** The server has answered a message of QoS 1 or 2: with PUBACK, PUBCOMP, or a PUBREC that refuses it. */
  acknowledged?(message: ApplicationMessage, reasonCode: number): void
  /** A message will not be sent. */
  dropped?(message: ApplicationMessage, error: ClientError): void
  /** `takesMore` was false, and is true again. */
  writable?(): void
  readonly watch?: PacketWatch | undefined
  /**
   * If present, the client keeps no Session: the program publishes and acknowledges with Packet Identifiers of its own
   * (`Client.relayed`), and receives every acknowledgement. `received` returns nothing then, QoS 2 messages are not
   * checked for repeats, and subscriptions are not requested again.
   */
  readonly relay?: Relay | undefined
}
