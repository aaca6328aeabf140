/** Named health checks, as `broker.admin` shows them. @module */

/** A part of the broker that can be unwell. */
export type HealthCheckName = 'store' | 'listeners' | 'memory' | 'certificates' | 'audit-log' | 'bridges'

/** Whether a part of the broker is well. */
export interface HealthCheckView {
  readonly name: HealthCheckName
  readonly healthy: boolean
  /** Why it is not healthy; empty if it is. */
  readonly detail: string
}
