/**
 * What stands between a socket and the host. A listener's doors are chained by its options:
 *
 *   tcp, unix   socket ──────────────────────────> PlainDoor
 *   tcp + ssl   socket ──> TlsDoor ──────────────> PlainDoor
 *   ws          socket ──────────────> WebSocketDoor
 *   ws + ssl    socket ──> TlsDoor ──> WebSocketDoor
 *
 * A reload builds new doors and forgets the old ones; what is half way through an old door finishes there.
 *
 * @module
 */
import type { Duplex } from 'node:stream'
import type { ListenerOptions } from '../config/options.ts'
import type { Peer } from '../protocol/transport.ts'
import type { ListenerCounters, ListenerHost } from './host.ts'
import { pumpStream } from './pump.ts'
import type { Stay, WaitingRoom } from './waiting-room.ts'

export interface Door {
  /**
   * Takes over a connected stream.
   *
   * @param stay its place in the waiting room; a stream that has none speaks MQTT at once
   */
  enter(stream: Duplex, peer: Peer, stay: Stay | undefined): void
  /** Forgets what it watches; streams inside go on. */
  close(): void
}

/** What the doors of a listener have in common. */
export interface House {
  readonly options: ListenerOptions
  readonly host: ListenerHost
  readonly room: WaitingRoom
  readonly counters: ListenerCounters
}

/** Node's own, which does nothing where `allowHalfOpen` is set; with ours beside it each socket would keep an array of two. */
function dropOwnEndListener(stream: Duplex): void {
  for (const listener of stream.listeners('end')) stream.removeListener('end', listener as () => void)
}

/** MQTT directly on the stream. */
export class PlainDoor implements Door {
  readonly #host: ListenerHost
  readonly #room: WaitingRoom

  constructor({ host, room }: House) {
    this.#host = host
    this.#room = room
  }

  enter(stream: Duplex, peer: Peer, stay: Stay | undefined): void {
    const arrival = stay && this.#room.leave(stay)
    if (stay !== undefined && arrival === undefined) return void stream.destroy()
    if (!peer.encrypted && stream.allowHalfOpen) dropOwnEndListener(stream)
    pumpStream(stream, peer, this.#host, arrival)
  }

  close(): void {}
}
