/** Whether each part of the broker is well: what is already known is put into words. @module */
import { serverOf, type Broker } from '../../broker/broker.ts'
import { OpenBridges } from '../../broker/host/open-bridges.ts'
import type { HealthCheckName, HealthCheckView } from '../../broker/host/health-view.ts'
import { describeHealth } from '../../stores/store-health.ts'
import { openAdminServices } from '../admin-services.ts'
import { certificateProblem } from './certificates.ts'

/** Why it is not well; `null` if it is; `undefined` for a part that this broker does not have. */
type Check = (broker: Broker) => string | null | undefined

const checks: Readonly<Record<HealthCheckName, Check>> = {
  store: (broker) => {
    const { storeHealth } = serverOf(broker)
    return storeHealth && (storeHealth.condition === 'well' ? null : describeHealth(storeHealth))
  },
  listeners: ({ listeners }) => {
    const waiting = listeners.filter(({ urls }) => urls.length === 0).map(({ name }) => name)
    return waiting.length === 0 ? null : `waiting for their addresses: ${waiting.join(', ')}`
  },
  memory: ({ memory: { bytes, limit } }) =>
    limit === 0 || bytes < limit ? null : `${bytes} bytes are in use, and ${limit} are allowed (\`max-memory\`)`,
  certificates: certificateProblem,
  bridges: bridgeProblem,
  'audit-log': (broker) => {
    const audit = openAdminServices(broker)?.audit
    if (audit === undefined || audit.path === '') return undefined
    if (audit.problem === undefined) return null
    return audit.lost === 0 ? audit.problem : `${audit.problem}; lines lost so far: ${audit.lost}`
  },
}

/** Names the bridges that have been without a connection for longer than their `outage-warning`. */
function bridgeProblem(broker: Broker): string | null | undefined {
  const { bridges } = broker.options
  if (bridges.length === 0) return undefined
  const server = serverOf(broker)
  const warnings = new Map(bridges.map(({ name, outageWarning }) => [name, outageWarning]))
  const nowMs = server.clock.wallNow()
  const out = (OpenBridges.of(server)?.views ?? []).flatMap(({ name, disconnectedSinceMs, reason }) => {
    const limitMs = (warnings.get(name) ?? 0) * 1000
    if (disconnectedSinceMs === undefined || limitMs === 0 || nowMs - disconnectedSinceMs < limitMs) return []
    const since = new Date(disconnectedSinceMs).toISOString()
    return [`${name} has not been connected since ${since}: ${reason ?? 'the other broker has not answered yet'}`]
  })
  return out.length === 0 ? null : out.join('; ')
}

export function healthChecksOf(broker: Broker): HealthCheckView[] {
  return Object.entries(checks).flatMap(([name, check]) => {
    const detail = check(broker)
    return detail === undefined
      ? []
      : [{ name: name as HealthCheckName, healthy: detail === null, detail: detail ?? '' }]
  })
}
