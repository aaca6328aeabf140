/** A request as the API sees it, whatever it came through. @module */

/** The address of a request that came through the Unix domain socket. */
export const LOCAL_ADDRESS = ''

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
  /** The name in a client certificate that a CA of `cafile` has signed. */
  readonly certificateName?: string | undefined
  /** Aborted when the caller leaves before its answer. */
  readonly signal?: AbortSignal
}

/** Where events are written. */
export interface EventSink {
  write(text: string): void
  /** Bytes that the peer has not taken. */
  readonly waitingBytes: number
  close(): void
}

/** What is sent back. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** In pieces, text in UTF-8 or bytes; none for an answer without a body. */
  readonly body: readonly (string | Uint8Array)[]
  /** Instead of a body, events that are written from now on. @returns what ends them */
  readonly follow?: (sink: EventSink) => () => void
}

/** An answer in JSON that is written already. */
export function jsonAnswer(status: number, body: readonly string[], headers: Answer['headers'] = {}): Answer {
  return { status, headers: { 'Content-Type': 'application/json', ...headers }, body }
}

/** An answer in JSON, for small values. */
export function valueAnswer(status: number, value: unknown, headers: Answer['headers'] = {}): Answer {
  return jsonAnswer(status, [JSON.stringify(value)], headers)
}
