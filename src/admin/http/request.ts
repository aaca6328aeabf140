/** A request as the API sees it, whatever it came through. @module */
import type { Incoming, Transport } from '../../protocol/transport.ts'

/** The address of a request that came through the Unix domain socket. */
export const LOCAL_ADDRESS = ''

/** A client certificate that was good when the request came. */
export interface ClientCertificate {
  /** Of its subject. */
  readonly name: string
  /** SHA-256 of the certificate. */
  readonly fingerprint: string
  /** Whether it still is: `cafile` may have changed, or it has expired. */
  readonly isTrusted: () => boolean
}

/** Everything of a request except its body. */
export interface RequestHead {
  readonly method: string
  /** Path and query, as they were sent. */
  readonly target: string
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** IP address of the peer, or `LOCAL_ADDRESS`. */
  readonly address: string
  /** Whether it came through TLS. */
  readonly isEncrypted: boolean
  /** A client certificate that a CA of `cafile` has signed. */
  readonly certificate?: ClientCertificate | undefined
  /** Aborted when the caller leaves before its answer. */
  readonly signal?: AbortSignal
  /** Whether it asks for a WebSocket, where there can be one. */
  readonly isUpgrade?: true
}

/** Where events are written. */
export interface EventSink {
  write(text: string): void
  /** Bytes that the peer has not taken. */
  readonly waitingBytes: number
  close(): void
}

/** What becomes of a request that asks for the WebSocket of a console. */
export interface ConsoleOpening {
  /** Bytes of the largest packet, and of all that comes before CONNACK. */
  readonly maxPacketSize: number
  readonly maxConnectPacketSize: number
  /** @returns `undefined` if there is no room for it */
  readonly accept: (transport: Transport) => Incoming | undefined
}

/** What is sent back. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** In pieces, text in UTF-8 or bytes; none for an answer without a body. */
  readonly body: readonly (string | Uint8Array)[]
  /** Instead of a body, events that are written from now on. @returns what ends them */
  readonly follow?: (sink: EventSink) => () => void
  /** Instead of a body, a WebSocket. */
  readonly upgrade?: ConsoleOpening
}

/** An answer in JSON that is written already. */
export function jsonAnswer(status: number, body: readonly string[], headers: Answer['headers'] = {}): Answer {
  return { status, headers: { 'Content-Type': 'application/json', ...headers }, body }
}

/** An answer in JSON, for small values. */
export function valueAnswer(status: number, value: unknown, headers: Answer['headers'] = {}): Answer {
  return jsonAnswer(status, [JSON.stringify(value)], headers)
}
