/** What the broker keeps about one listener. @module */
import type { TLSSocket } from 'node:tls'
import type { ListenerOptions } from '../../config/options.ts'
import { Holders } from '../../limits/holders.ts'

/** A connection that has not logged in. */
export interface Newcomer {
  /** Ends it at once, for lack of room. */
  giveWay(): void
}

/** A listener's judgement of the certificate in a finished handshake. */
export interface CertificateVerdict {
  /** Why the Client is refused. */
  readonly refused?: string | undefined
  readonly userName?: string | undefined
}

/**
 * The judge of certificates that a listener has at the moment. Its Connections ask it even after the listener was
 * opened again.
 */
export interface CertificateJudges {
  judge: ((socket: TLSSocket, asOf: unknown) => CertificateVerdict) | undefined
}

/** The options and counts of one listener. */
export class ListenerState {
  options: ListenerOptions
  /** Whether its Connections are the broker's own, such as the local end of a bridge: they need no login. */
  readonly isOwn: boolean
  /** The number of Connections accepted by CONNACK 0x00. */
  connected = 0
  /** Judges the certificates of its Clients now. */
  readonly certificates: CertificateJudges = { judge: undefined }
  /** Streams that have not logged in. */
  readonly newcomers: Holders<Newcomer> = new Holders<Newcomer>()

  constructor(options: ListenerOptions, isOwn = false) {
    this.options = options
    this.isOwn = isOwn
  }
}
