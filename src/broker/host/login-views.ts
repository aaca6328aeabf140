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
