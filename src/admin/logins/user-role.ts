/**
 * What a user of the broker's own store may do with the HTTP API: the roles `viewer`, `operator` and `administrator`
 * give it. @module
 */
import type { Directory } from '../../access/directory/directory.ts'
import type { AdminRole } from '../../broker/host/api-key-views.ts'
import { roles } from '../operation.ts'

/**
 * @param address of the peer, which may be banned, as the user may be
 * @returns the highest role; `undefined` for a user who may not log in
 */
export function userRole(directory: Directory, userName: string, address: string): AdminRole | undefined {
  if (directory.banOf({ userName, address }) !== undefined) return undefined
  return roles.findLast((role) => directory.hasRole(userName, role))
}
