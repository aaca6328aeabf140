/** Who makes a request. @module */
import type { AdminCaller } from '../../broker/host/trace-admin.ts'
import type { AdminRole } from '../../broker/host/api-key-views.ts'
import type { OperatorLogin } from '../logins/operator-logins.ts'
import { roles } from '../operation.ts'
import { Problem } from './problem.ts'

const CHALLENGE = { 'WWW-Authenticate': 'Bearer realm="sluice"' }

/** Who has logged in. */
export interface Principal {
  /** For the audit log. */
  readonly name: string
  /** What it may do now; `undefined` once it could make no request: a key has expired, a login has ended. */
  readonly roleNow: () => AdminRole | undefined
  /** If it has logged in with a browser. */
  readonly login?: OperatorLogin
}

/** As operations know it. */
export function callerOf({ name, roleNow }: Principal): AdminCaller {
  return { name, role: roleNow() ?? 'viewer' }
}

/** Whether it has at least that role now. */
export function hasRole({ roleNow }: Principal, needed: AdminRole): boolean {
  const role = roleNow()
  return role !== undefined && roles.indexOf(role) >= roles.indexOf(needed)
}

export function unauthorized(detail: string): Problem {
  return new Problem('ERR_UNAUTHORIZED', detail, {}, CHALLENGE)
}
