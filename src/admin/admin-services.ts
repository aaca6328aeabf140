/** What the HTTP API keeps and `broker.admin` needs as well, for each broker that serves it. @module */
import { UsageError } from '../base/errors.ts'
import type { Broker } from '../broker/broker.ts'
import type { ListenerCertificate } from '../broker/host/open-listeners.ts'
import type { ApiKeys } from './api-keys.ts'
import type { History } from './history/history.ts'
import type { AuditLog } from './http/audit-log.ts'
import type { LoginLinks } from './logins/login-links.ts'
import type { OperatorLogins } from './logins/operator-logins.ts'

export interface AdminServices {
  readonly keys: ApiKeys
  readonly audit: AuditLog
  /** Empty without TLS. */
  readonly certificates: () => readonly ListenerCertificate[]
  readonly logins: OperatorLogins
  readonly links: LoginLinks
  readonly history: History
  /** Where browsers find it, such as `http://127.0.0.1:8083`; none if it is served on the socket alone. */
  readonly urls: () => readonly string[]
}

const services = new WeakMap<Broker, AdminServices>()

/** @param opened `undefined` once the API is closed */
export function setAdminServices(broker: Broker, opened: AdminServices | undefined): void {
  if (opened === undefined) services.delete(broker)
  else services.set(broker, opened)
}

/** @returns `undefined` if the broker serves no HTTP API */
export function openAdminServices(broker: Broker): AdminServices | undefined {
  return services.get(broker)
}

/** Where browsers find the API of a broker. */
export function adminUrlsOf(broker: Broker): readonly string[] {
  return services.get(broker)?.urls() ?? []
}

/** @throws {UsageError} if the broker serves no HTTP API */
export function adminServicesOf(broker: Broker): AdminServices {
  const opened = openAdminServices(broker)
  if (opened !== undefined) return opened
  throw new UsageError('this broker serves no HTTP API: configure `admin`')
}
