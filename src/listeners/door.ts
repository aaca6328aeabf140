/**
 * The stages between a socket and the host. A listener chains its doors according to its options:
 *
 *   tcp, unix   socket ──────────────────────────> PlainDoor
 *   tcp + ssl   socket ──> TlsDoor ──────────────> PlainDoor
 *   ws          socket ──────────────> WebSocketDoor
 *   ws + ssl    socket ──> TlsDoor ──> WebSocketDoor
 *
 * TLS and WebSocket are loaded with the first door that needs them.
 *
 * A reload builds new doors and drops the old ones; a stream that is inside an old door finishes there.
 *
 * @module
 */
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { ListenerCertificate } from '../broker/host/open-listeners.ts'
import type { CertificateVerdict } from '../broker/sessions/listener-state.ts'
import type { ListenerOptions } from '../config/options.ts'
import type { Peer } from '../protocol/transport.ts'
import type { Trust } from './certificates.ts'
import type { ListenerCounters, ListenerHost } from './host.ts'
import { pumpStream } from './pump.ts'
import type { Stay, WaitingRoom } from './waiting-room.ts'

export interface Door {
  /**
   * Takes a connected stream.
   *
   * @param stay its place in the waiting room; a stream without one begins with MQTT at once
   */
  enter(stream: Duplex, peer: Peer, stay: Stay | undefined): void
  /** Stops watching files; streams inside continue. */
  close(): void
  /** With TLS: the certificates that it shows at present. */
  readonly certificates?: readonly ListenerCertificate[]
  /**
   * With TLS: judges the certificate of a client again.
   *
   * @param asOf the files by which its handshake was judged
   */
  judge?(socket: TLSSocket, asOf: Trust): CertificateVerdict
}

/** The parts that all doors of a listener share. */
export interface House {
  readonly options: ListenerOptions
  readonly host: ListenerHost
  readonly room: WaitingRoom
  readonly counters: ListenerCounters
}

/**
 * Removes Node's own listener, which does nothing with `allowHalfOpen`: with ours beside it each socket would keep an
 * array of two.
 */
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
