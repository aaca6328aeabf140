/** Who may see payloads: `admin.show-payloads`. @module */
import type { AdminCaller } from '../broker/host/trace-admin.ts'
import type { AdminOptions } from '../config/resolved-options.ts'
import { roles } from './operation.ts'

/** Whether a caller through a door may see payloads; the host program sees them anyway. */
export function maySeePayloads({ showPayloads }: Pick<AdminOptions, 'showPayloads'>, { role }: AdminCaller): boolean {
  return showPayloads !== 'off' && roles.indexOf(role) >= roles.indexOf(showPayloads)
}
