/** What the broker keeps of one listener. @module */
import type { TLSSocket } from 'node:tls'
import type { ListenerOptions } from '../../config/options.ts'
import { Holders } from '../../limits/holders.ts'

/** A connection that has not logged in. */
export interface Newcomer {
  /** Ends it at once, for lack of room. */
  giveWay(): void
}

/** What a listener makes of the certificate of a finished handshake. */
export interface CertificateVerdict {
  /** Why its Client is turned away. */
  readonly refused?: string | undefined
  readonly userName?: string | undefined
}

/** The judge of certificates that a listener has at the moment: its Connections ask it also after the listener was opened again. */
export interface CertificateJudges {
  judge: ((socket: TLSSocket, asOf: unknown) => CertificateVerdict) | undefined
}

/** One listener's options and counts. */
export class ListenerState {
  options: ListenerOptions
  /** Connections that were accepted by CONNACK 0x00. */
  connected = 0
  /** Who judges the certificates of its Clients now. */
  readonly certificates: CertificateJudges = { judge: undefined }
  /** Streams that have not come so far. */
  readonly newcomers: Holders<Newcomer> = new Holders<Newcomer>()

  constructor(options: ListenerOptions) {
    this.options = options
  }
}
