/**
 * The seam between a byte stream and the machine: a listener's pump implements `Transport` over a socket (a test over
 * an array) and drives an `Incoming`, which `Connection` implements. Neither side knows more of the other.
 *
 * @module
 */
import type { ConsoleRights } from './client.ts'

/** Where the output of a connection goes: implemented by the owner of a byte stream, called by the broker. */
export interface Transport {
  /**
   * Sends `bytes` to the peer, in order and without blocking.
   *
   * @returns true if the bytes have left, so that the caller may reuse the memory at once; false if the transport still
   *   holds them. The memory then belongs to the transport until it calls `drained()`
   */
  write(bytes: Uint8Array): boolean
  /**
   * Bytes passed to `write` that the operating system has not accepted yet. The number falls while the peer reads, also
   * in the middle of a large write; it decides whether a peer is slow or gone.
   */
  readonly unsentBytes: number
  /** Stops calls of `receive` until `resumeReading`. Both may be called twice. */
  pauseReading(): void
  /** Ends what `pauseReading` began. */
  resumeReading(): void
  /** Closes the stream after everything that was written has left. `lost()` follows. */
  end(): void
  /** Closes the stream at once and discards unsent bytes. `lost()` follows. */
  destroy(): void
}

/** The broker's end of a connection: called by the owner of a byte stream, as `broker.accept` returns it. */
export interface Incoming {
  /**
   * Whether the client has logged in. Until then, a transport that gathers bytes before it passes them on gathers only
   * a few.
   */
  readonly isConnected: boolean
  /** Passes bytes that have arrived. The broker keeps no reference to `chunk` after the call. */
  receive(chunk: Uint8Array): void
  /**
   * Reports bytes that have arrived but cannot be passed on yet, as part of a larger unit such as a WebSocket message.
   *
   * @param heldBytes memory that they take in total; 0 once everything has been passed on
   */
  arriving?(heldBytes: number): void
  /**
   * Does work of the transport that costs much for few bytes, such as parsing thousands of frames, when it is the turn
   * of this connection. Only the latest `step` is known.
   *
   * @param step does a small part, again and again. @returns its work in units (`base/work.ts`), or 0 if there was none
   */
  atTurn?(step: () => number): void
  /** Reports that everything that `write` still held has left. */
  drained(): void
  /** Reports that the stream is closed, by either side. This is the last call, and is made once. */
  lost(error?: Error): void
}

/** How the listener currently judges a client's certificate, or the lack of one. */
export interface PeerCertificate {
  /** Why the listener would refuse the client now; `undefined` if it would not. */
  readonly problem: string | undefined
  /** The name that it contains now. */
  readonly userName: string | undefined
}

/** The parameters that TLS has negotiated with a peer. */
export interface TlsView {
  /** Such as `TLSv1.3`. */
  readonly version: string
  /** The cipher suite by its IANA name, such as `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string
  /** The host name that the Client asked for (SNI); `undefined` if it named none. */
  readonly serverName: string | undefined
  /** The Client's certificate; `undefined` if it presented none. */
  readonly certificate:
    | {
        /** Subject and issuer, one line for each attribute, as OpenSSL prints them. */
        readonly subject: string
        readonly issuer: string
        readonly serialNumber: string
        /** SHA-256, in hexadecimal with colons. */
        readonly fingerprint: string
        /** Milliseconds since 1970. */
        readonly validFromMs: number
        readonly validToMs: number
      }
    | undefined
}

/** The TLS side of a peer, for as long as its Connection is open. */
export interface PeerTls {
  /** Read from the socket at each call; nothing is kept. */
  view(): TlsView
}

/** The operator for whom a stream speaks: the login to the HTTP API is that of the client as well. */
export interface PeerOperator {
  /** The identifier of the client, which it has to leave to the broker. */
  readonly clientId: string
  /** `undefined` for one who is no user of the broker: who came by a link, a key or a certificate. */
  readonly userName: string | undefined
  /** For people: whose login it is. */
  readonly name: string
  /** What the role permits. */
  readonly rights: ConsoleRights
}

/** What is known about a peer before its CONNECT. */
export interface Peer {
  /** Name of the listener in the configuration; `attached` for a stream of the host program. */
  readonly listener: string
  /** Remote address without the port, from the socket or a trusted proxy; empty if there is none. */
  readonly address: string
  readonly port?: number | undefined
  /** Whether bytes travel encrypted (tls, wss). */
  readonly encrypted: boolean
  /** The user name in a verified client certificate, as `certificate-user-name` reads it. */
  readonly certificateUserName?: string | undefined
  /** Absent without TLS, or if the TLS is not the broker's own. */
  readonly certificate?: PeerCertificate | undefined
  /** Absent without TLS, or if the TLS is not the broker's own. */
  readonly tls?: PeerTls | undefined
  /** Absent for every client but the console of an operator. */
  readonly operator?: PeerOperator | undefined
}
