/** Who makes a request. @module */
import type { AdminCaller } from '../../broker/host/trace-admin.ts'
import type { AdminRole } from '../../broker/host/api-key-views.ts'
import type { OperatorLogin } from '../logins/operator-logins.ts'
import { Problem } from './problem.ts'

const CHALLENGE = { 'WWW-Authenticate': 'Bearer realm="sluice"' }

/** Who has logged in. */
export interface Principal {
  /** For the audit log. */
  readonly name: string
  readonly role: AdminRole
  /** Whether it could make a request now: a key may have expired, a login ended. */
  readonly holds: () => boolean
  /** If it has logged in with a browser. */
  readonly login?: OperatorLogin
}

/** As operations know it. */
export function callerOf({ name, role }: Principal): AdminCaller {
  return { name, role }
}

export function unauthorized(detail: string): Problem {
  return new Problem('ERR_UNAUTHORIZED', detail, {}, CHALLENGE)
}
