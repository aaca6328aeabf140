/** API keys, as `broker.admin` shows and makes them. @module */

/** Who may do what with the HTTP API, the least first: each may do what those before may. */
export type AdminRole = 'viewer' | 'operator' | 'administrator'

/** A key for the HTTP API, without the key itself, of which only a hash is stored. */
export interface ApiKeyView {
  /** The part of the key that is no secret. */
  readonly keyId: string
  /** What it is for, in the words of its maker. */
  readonly name: string
  readonly role: AdminRole
  /** Milliseconds since 1970. */
  readonly createdAtMs: number
  /** Milliseconds since 1970; `undefined` if it does not expire. */
  readonly expiresAtMs: number | undefined
  /** Milliseconds since 1970; `undefined` if it has not been used since the broker was started. */
  readonly lastUsedAtMs: number | undefined
}

/** A key that has just been made: the only time that it is shown. */
export interface CreatedApiKey extends ApiKeyView {
  /** Sent as `Authorization: Bearer KEY`. */
  readonly key: string
}

/** The key that is to be made. */
export interface ApiKeyRequest {
  /** What it is for, 1 to 64 characters. */
  readonly name: string
  readonly role: AdminRole
  /** Default: it does not expire. */
  readonly expiresInSeconds?: number | undefined
}
