/** Records what an operator has done: in the audit log, if there is one, and as an event. @module */
import { serverOf, type Broker } from '../broker/broker.ts'
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
