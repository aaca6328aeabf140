/** What the console of an operator may do: what its role may do with the operations of the API, and no more. @module */
import type { AdminRole } from '../../broker/host/api-key-views.ts'
import type { AdminOptions } from '../../config/resolved-options.ts'
import type { ConsoleRights } from '../../protocol/client.ts'
import { roles } from '../operation.ts'

/** The least role that opens one: as for the operation `publish`. */
export const CONSOLE_ROLE = 'operator'

/**
 * An operator publishes to every topic, as with the operation `publish`. To subscribe is to read payloads, so that
 * takes a role which may see them.
 *
 * @returns `undefined` for a role that may have no console
 */
export function consoleRights(
  role: AdminRole | undefined,
  { showPayloads }: Pick<AdminOptions, 'showPayloads'>,
): ConsoleRights | undefined {
  if (role === undefined || !isAtLeast(role, CONSOLE_ROLE)) return undefined
  return showPayloads !== 'off' && isAtLeast(role, showPayloads) ? 'all' : 'publish'
}

function isAtLeast(role: AdminRole, least: AdminRole): boolean {
  return roles.indexOf(role) >= roles.indexOf(least)
}
