/**
 * The two sides of this floor: what a listener works for, and what a listener is.
 *
 * @module
 */
import type { Logger } from '../base/log.ts'
import type { Arrival, ArrivingStream } from '../broker/arrival.ts'
import type {
  CertificateJudges,
  HandshakeRefusal,
  ListenerCounters,
  ListenerTrouble,
  ListenerUp,
} from '../broker/open-listeners.ts'
import type { ListenerOptions } from '../broker/options.ts'
import type { PumpHost } from './pump.ts'

export type { ListenerCounters } from '../broker/open-listeners.ts'

/** What a listener works for. */
export interface ListenerHost extends PumpHost {
  /** Counts a stream that has to pass something else before MQTT; `undefined` where it is to be closed at once. */
  arrive(stream: ArrivingStream): Arrival | undefined
  /** Counts a stream that was turned away, and makes an event of it. */
  turnedAway(refusal: HandshakeRefusal): void
  /** The name of the listener of the same broker that has an address already. */
  listenerAt(address: string, port: number): string | undefined
  /** A listener cannot be at all of its addresses. */
  cannotListen(trouble: ListenerTrouble): void
  /** A listener that waited for an address has it. */
  listens(up: ListenerUp): void
  /** Where a listener says who judges its Clients' certificates. */
  readonly certificates: CertificateJudges
  /** CAs or revocation lists have changed: Clients that are in may be so no longer. */
  certificatesChanged(): void
  /** Whether the process may open one more socket than it has; where not, this one is counted and is to be closed. */
  hasFile(address: string): boolean
  /** The system had none for a socket that nobody has seen. */
  lostToFiles(): void
  readonly log: Logger
}

/** An open listener. */
export interface Listener {
  readonly name: string
  /** Where Clients find it, such as `mqtt://127.0.0.1:1883`; empty while it waits for its address. */
  readonly url: string
  /** The same for each of its addresses: a host name may have several. */
  readonly urls: readonly string[]
  /** The address it is bound to: an IP address, or the path of a Unix domain socket; empty while it waits for one. */
  readonly address: string
  /** All of them. */
  readonly addresses: readonly string[]
  /** The port it is bound to, also where 0 was asked for; `undefined` for a Unix domain socket, and while it waits. */
  readonly port: number | undefined
  readonly counters: Readonly<ListenerCounters>
  /**
   * Applies new options (certificates, origins, path, proxies, TLS) to Connections from now on; those that exist stay.
   *
   * @throws {ConfigError} when a file cannot be used: nothing has changed then
   * @throws {UsageError} when the address is another one: that takes another listener
   */
  reload(options: ListenerOptions): Promise<void>
  /** Closes new sockets as they come until `resumeAccepting`; Connections that exist go on. Both may be called twice. */
  pauseAccepting(): void
  resumeAccepting(): void
  /** Stops accepting at once and frees the address. Connections that were accepted are their owner's to close. */
  close(): Promise<void>
}
