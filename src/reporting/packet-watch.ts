/**
 * Packets for the events `packetReceived` and `packetSent`, and for traces: what happens to the Clients that an
 * operator follows. Nothing is made of a packet that nobody watches; while a trace is on, a packet of any other Client
 * costs one look-up.
 *
 *   Connection ── watches? ──> Tap.watches          is this Connection followed?
 *              ── received, sent ──> Tap, events
 *   Publishing, SessionServices ──> Tap.published, dropped, …
 *
 * @module
 */
import type { Packet } from '../codec/packets.ts'
import type { Client } from '../protocol/client.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { Connection } from '../protocol/connection.ts'
import type { DropCause } from '../protocol/drop-cause.ts'
import type { ConnectionEnd, PacketListeners } from '../protocol/server-side.ts'
import type { QoS } from '../codec/packet-types.ts'
import type { Events } from './events.ts'

/** What traces of Clients and topics are made from. */
export interface Tap {
  /** Whether that Connection is followed, or may be: who it is has not been decided before CONNACK. */
  watches(connection: Connection): boolean
  received(connection: Connection, packet: Packet): void
  sent(connection: Connection, packet: Packet): void
  /** A login was accepted; CONNACK follows. */
  loggedIn(connection: Connection, client: Client): void
  /** A message was routed to so many subscriptions. */
  published(client: Client | undefined, message: ApplicationMessage, receivers: number): void
  /** A message was passed to the Connection of a Client. */
  delivered(clientId: string, message: ApplicationMessage, qos: QoS): void
  /** A Client has acknowledged a message of QoS 1 or 2: PUBACK or PUBREC. */
  acknowledged(clientId: string, message: ApplicationMessage): void
  /** A message waits in the Session of a Client. */
  queued(clientId: string, message: ApplicationMessage): void
  /** A message will not reach a Client, or nobody if the identifier is empty. */
  dropped(clientId: string, message: ApplicationMessage, cause: DropCause): void
  /** A Connection has ended. */
  closed(connection: Connection, end: ConnectionEnd): void
}

/** What spans of messages are made from. Most messages have none, so nothing is made of them before that is known. */
export interface MessageSpans {
  /** A message was routed to so many subscriptions. */
  published(client: Client | undefined, message: ApplicationMessage, receivers: number): void
  /** A message was passed to the Connection of a Client. */
  delivered(clientId: string, message: ApplicationMessage, qos: QoS): void
  /** A message will not reach a Client, or nobody if the identifier is empty. */
  dropped(clientId: string, message: ApplicationMessage, cause: DropCause): void
}

export class PacketWatch implements PacketListeners {
  readonly events: Events
  readonly #hasListener: Readonly<Events['hasListener']>
  /** Set while there are traces. */
  tap: Tap | undefined = undefined
  /** Set while spans are exported. */
  spans: MessageSpans | undefined = undefined

  constructor(events: Events) {
    this.events = events
    this.#hasListener = events.hasListener
  }

  /** Hot: asked for every packet. */
  watches(connection: Connection): boolean {
    return this.#hasListener.packets || (this.tap !== undefined && this.tap.watches(connection))
  }

  received(connection: Connection, packet: Packet): void {
    this.tap?.received(connection, packet)
    if (this.#hasListener.packets) this.events.emit('packetReceived', { clientId: connection.client.clientId, packet })
  }

  sent(connection: Connection, packet: Packet): void {
    this.tap?.sent(connection, packet)
    if (this.#hasListener.packets) this.events.emit('packetSent', { clientId: connection.client.clientId, packet })
  }
}
