/** Logins to the HTTP API with a browser, as `broker.admin` shows them. @module */
import type { AdminRole } from './api-key-views.ts'

/** Somebody who is logged in. Times are in milliseconds since 1970. */
export interface LoginView {
  readonly loginId: string
  /** `undefined` for one who came by a link. */
  readonly userName: string | undefined
  readonly role: AdminRole
  /** IP address from which the login came; empty for the Unix domain socket. */
  readonly address: string
  readonly createdAtMs: number
  readonly lastUsedAtMs: number
  /** If it is not used before. */
  readonly expiresAtMs: number
}

/** A link that logs in an administrator once, within ten minutes. */
export interface LoginLinkView {
  /** For each address of the API over TCP. */
  readonly urls: readonly string[]
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number
}

/** The administrator to be let in again. */
export interface ResetRequest {
  readonly userName: string
  readonly password: string
}
