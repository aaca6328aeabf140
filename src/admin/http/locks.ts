/**
 * Who makes a request, and what they may do. Whoever may open the Unix domain socket is an administrator: its file belongs to the
 * user of the broker.
 *
 * @module
 */
import { roles, type Role } from '../operation.ts'
import { Problem } from './problem.ts'
import { LOCAL_ADDRESS, type RequestHead } from './request.ts'

/** Who has logged in. */
export interface Principal {
  /** For the audit log. */
  readonly name: string
  readonly role: Role
}

const LOCAL: Principal = { name: 'local', role: 'administrator' }

/** @throws {Problem} `ERR_UNAUTHORIZED` */
export function principalOf({ address }: RequestHead): Principal {
  if (address === LOCAL_ADDRESS) return LOCAL
  throw new Problem('ERR_UNAUTHORIZED', 'use the Unix domain socket of this broker')
}

/** @throws {Problem} `ERR_FORBIDDEN` */
export function checkRole({ name, role }: Principal, needed: Role): void {
  if (roles.indexOf(role) >= roles.indexOf(needed)) return
  throw new Problem('ERR_FORBIDDEN', `this takes the role ${needed}; ${name} has the role ${role}`, { role: needed })
}
