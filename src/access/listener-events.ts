/** Reports of a listener other than Connections. @module */

/** The steps that may precede MQTT. */
export type HandshakeStage = 'PROXY protocol' | 'TLS' | 'WebSocket'

/** A stream that did not complete its handshake. */
export interface HandshakeRefusal {
  readonly listener: string
  readonly address: string
  readonly stage: HandshakeStage
  /** For people; it quotes only little of what the peer sent. */
  readonly detail: string
}

/** A listener cannot open all of its addresses. */
export interface ListenerTrouble {
  readonly listener: string
  /** The code of the error: `ERR_LISTENER_…`. */
  readonly code: string
  readonly detail: string
  /** Milliseconds until the next try; `undefined`: there is none. */
  readonly retryMs: number | undefined
}

/** A listener has opened an address for which it waited. */
export interface ListenerUp {
  readonly listener: string
  readonly urls: readonly string[]
}
