/**
 * The seam between a byte stream and the machine: a listener's pump implements `Transport` over a socket (a test over an
 * array) and drives an `Incoming`, which `Connection` implements. Neither side knows more of the other.
 *
 * @module
 */

/** Where a Connection's output goes. */
export interface Transport {
  /**
   * Hands `bytes` on towards the peer, in order, never blocking.
   *
   * @returns true when the bytes have left, so that the caller may use the memory again at once; false when the
   * transport still holds them (the memory is then the transport's until `drained()`, which follows later)
   */
  write(bytes: Uint8Array): boolean
  /**
   * Bytes handed to `write` that the operating system has not taken yet. It falls while the peer reads, also in the middle of a
   * large write: whether a peer is slow or gone is judged by it.
   */
  readonly unsentBytes: number
  /** Stops calling `receive` until `resumeReading`. Both may be called twice. */
  pauseReading(): void
  resumeReading(): void
  /** Closes in order: what was written still leaves, then the stream ends. `lost()` follows. */
  end(): void
  /** Closes at once; unsent bytes are dropped. `lost()` follows. */
  destroy(): void
}

/** What a pump drives. */
export interface Incoming {
  /** Somebody has logged in; until then a pump that gathers bytes before it hands them on gathers only a few. */
  readonly isConnected: boolean
  /** Bytes as they came; the callee keeps no view on `chunk` after it returns unless it copied. */
  receive(chunk: Uint8Array): void
  /**
   * Bytes have come that the Transport cannot hand on yet, as part of something of its own (a WebSocket message).
   *
   * @param heldBytes memory that they take, in all; 0 once everything was handed on
   */
  arriving?(heldBytes: number): void
  /** Everything that `write` still held has left. */
  drained(): void
  /** The stream is closed, by whichever side; called once, the last call. */
  lost(error?: Error): void
}

/** What a listener makes of a Client's certificate, or of its having none, by its rules and files of the moment. */
export interface PeerCertificate {
  /** Why its Client would be turned away now; `undefined` if it would not be. */
  readonly problem: string | undefined
  /** Whom it names now. */
  readonly userName: string | undefined
}

/** What TLS settled for a peer. */
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
  /** Read from the socket at each call: nothing is kept of it. */
  view(): TlsView
}

/** What is known about a peer before its CONNECT. */
export interface Peer {
  /** Name of the listener in the configuration; `attached` for a stream of the host program. */
  readonly listener: string
  /** Remote address without the port, from the socket or a trusted proxy; empty if there is none. */
  readonly address: string
  readonly port?: number | undefined
  /** True where bytes travel encrypted (tls, wss). */
  readonly encrypted: boolean
  /** The user name in a verified client certificate, as `certificate-user-name` reads it. */
  readonly certificateUserName?: string | undefined
  /** Absent where there is no TLS, or where it is not ours. */
  readonly certificate?: PeerCertificate | undefined
  /** Absent where there is no TLS, or where it is not ours. */
  readonly tls?: PeerTls | undefined
}
