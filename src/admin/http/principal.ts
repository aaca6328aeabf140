/** Who makes a request. @module */
import type { AdminCaller } from '../../broker/host/trace-admin.ts'
import type { AdminRole } from '../../broker/host/api-key-views.ts'
import type { OperatorLogin } from '../logins/operator-logins.ts'
import { roles } from '../operation.ts'
import { Problem } from './problem.ts'

const CHALLENGE = { 'WWW-Authenticate': 'Bearer realm="sluice"' }

/** Who has logged in. */
export interface Principal {
  /** For the audit log: shortened and escaped. */
  readonly name: string
  /** Tells it apart from every other: two users may have the same name once it is shortened. */
  readonly owner: string
  /** Through the Unix domain socket. */
  readonly isLocal?: true
  /** What it may do now; `undefined` once it could make no request: a key has expired, a login has ended. */
  readonly roleNow: () => AdminRole | undefined
  /** If it has logged in with a browser. */
  readonly login?: OperatorLogin
}

/** As operations know it. */
export function callerOf({ name, owner, isLocal, roleNow }: Principal): AdminCaller {
  return { name, owner, isLocal, role: roleNow() ?? 'viewer', roleNow }
}

/** Whether it has at least that role now. */
export function hasRole({ roleNow }: Principal, needed: AdminRole): boolean {
  const role = roleNow()
  return role !== undefined && roles.indexOf(role) >= roles.indexOf(needed)
}

/** @throws {Problem} `ERR_FORBIDDEN`, or `ERR_UNAUTHORIZED` for a login that has ended meanwhile */
export function checkRole(principal: Principal, needed: AdminRole): void {
  if (hasRole(principal, needed)) return
  const { name, roleNow } = principal
  const role = roleNow()
  if (role === undefined) throw unauthorized('the login has ended; log in again')
  throw new Problem('ERR_FORBIDDEN', `this takes the role ${needed}; ${name} has the role ${role}`, { role: needed })
}

export function unauthorized(detail: string): Problem {
  return new Problem('ERR_UNAUTHORIZED', detail, {}, CHALLENGE)
}
