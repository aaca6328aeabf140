/** Records what an operator has done: in the audit log, if there is one, and as an event. @module */
import { serverOf, type Broker } from '../broker/broker.ts'
import type { AdminOptions } from '../config/resolved-options.ts'
import { openAdminServices } from './admin-services.ts'
import type { AuditEntry } from './http/audit-log.ts'

/** @param action without the time, which is now */
export function recordAction(broker: Broker, action: Omit<AuditEntry, 'time'>): void {
  if (broker.state !== 'started') return
  const { clock, packets } = serverOf(broker)
  const { who, from, what, parameters = {}, status, code } = action
  const time = new Date(clock.wallNow()).toISOString()
  openAdminServices(broker)?.audit.record({ time, ...action })
  packets.events.emit('adminAction', { who, from, what, parameters, status, code })
}

/**
 * Whether actions are refused because the audit log cannot be written: if `admin.audit-failure` says so, it is tried
 * once more.
 *
 * @returns a sentence; `undefined` if an action may be done
 */
export async function whyNotRecorded(
  broker: Broker,
  admin: Pick<AdminOptions, 'auditFailure'> | undefined = broker.options.admin,
): Promise<string | undefined> {
  const audit = openAdminServices(broker)?.audit
  if (admin?.auditFailure !== 'refuse' || audit === undefined) return undefined
  await audit.flush()
  return audit.problem && `the action has not been done: ${audit.problem}`
}
