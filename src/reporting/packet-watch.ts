/** Packets for the events `packetReceived` and `packetSent`. @module */
import type { Packet } from '../codec/packets.ts'
import type { Connection } from '../protocol/connection.ts'
import type { PacketListeners } from '../protocol/server-side.ts'
import type { Events } from './events.ts'

export class PacketWatch implements PacketListeners {
  readonly #events: Events
  readonly #hasListener: Readonly<Events['hasListener']>

  constructor(events: Events) {
    this.#events = events
    this.#hasListener = events.hasListener
  }

  /** Hot: read for every packet. */
  get isWatched(): boolean {
    return this.#hasListener.packets
  }

  received({ client }: Connection, packet: Packet): void {
    this.#events.emit('packetReceived', { clientId: client.clientId, packet })
  }

  sent({ client }: Connection, packet: Packet): void {
    this.#events.emit('packetSent', { clientId: client.clientId, packet })
  }
}
