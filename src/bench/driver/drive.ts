/**
 * Drives a broker with one workload and measures it. Knows nothing of who started the broker: it needs an address and,
 * for the broker's processor time and memory, a probe.
 *
 * @module
 */
import type { BrokerUsage, Measurement, UsageProbe } from './measurement.ts'
import { driveDurable } from './durable.ts'
import { driveIdle } from './idle.ts'
import type { Target } from './link.ts'
import { driveReplay } from './replay.ts'
import type { Job } from './shape.ts'
import { driveSubscriptions } from './subscriptions.ts'
import { driveTraffic } from './traffic.ts'

function unknownUsage(): BrokerUsage | undefined {
  return undefined
}

/**
 * Runs one workload: connects, warms up, measures, waits for what is on its way, disconnects.
 *
 * @param probe tells what the broker's process used so far; without it those columns stay empty
 * @throws {LinkError} when the broker refuses, closes or does not answer
 * @throws {UnexpectedBytesError} when something arrives that was never sent
 */
export function drive(target: Target, job: Job, probe: UsageProbe = unknownUsage): Promise<Measurement> {
  const { shape } = job
  switch (shape.kind) {
    case 'traffic':
      return driveTraffic(target, job, shape, probe)
    case 'idle':
      return driveIdle(target, job, shape, probe)
    case 'subscriptions':
      return driveSubscriptions(target, job, shape, probe)
    case 'durable':
      return driveDurable(target, job, shape, probe)
    case 'replay':
      return driveReplay(target, job, shape, probe)
  }
}
