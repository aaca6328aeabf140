/** What a listener reports besides Connections. @module */

/** What may have to be passed before MQTT begins. */
export type HandshakeStage = 'PROXY protocol' | 'TLS' | 'WebSocket'

/** A stream that got no further than its beginning. */
export interface HandshakeRefusal {
  readonly listener: string
  readonly address: string
  readonly stage: HandshakeStage
  /** For people; of what the peer sent it has little, and that quoted. */
  readonly detail: string
}

/** A listener cannot be at all of its addresses. */
export interface ListenerTrouble {
  readonly listener: string
  /** Of the error: `ERR_LISTENER_…`. */
  readonly code: string
  readonly detail: string
  /** Milliseconds until it tries again; `undefined`: it does not. */
  readonly retryMs: number | undefined
}

/** A listener has an address that it waited for. */
export interface ListenerUp {
  readonly listener: string
  readonly urls: readonly string[]
}
