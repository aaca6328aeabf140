/**
 * Runs one workload against a broker and measures it. It is independent of how the broker was started: it needs an
 * address and, for the broker's processor time and memory, a probe.
 *
 * @module
 */
import type { BrokerUsage, Measurement, UsageProbe } from './measurement.ts'
import { driveDurable } from './durable.ts'
import { driveIdle } from './idle.ts'
import { driveKept } from './kept.ts'
import type { Target } from './raw-connection.ts'
import { drivePings } from './pings.ts'
import { driveReplay } from './replay.ts'
import type { Job } from './shape.ts'
import { driveStorm } from './storm.ts'
import { driveSubscriptions } from './subscriptions.ts'
import { driveTraffic } from './traffic.ts'
import { driveVisits } from './visits.ts'

function unknownUsage(): BrokerUsage | undefined {
  return undefined
}

/**
 * Runs one workload: connects, warms up, measures, waits for messages in transit, disconnects.
 *
 * @param probe returns the resources used by the broker's process; without it those columns stay empty
 * @throws {RawConnectionError} if the broker refuses, closes or does not answer
 * @throws {UnexpectedBytesError} if bytes arrive that were never sent
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
    case 'kept':
      return driveKept(target, job, shape, probe)
    case 'visits':
      return driveVisits(target, job, shape, probe)
    case 'pings':
      return drivePings(target, job, shape, probe)
    case 'storm':
      return driveStorm(target, job, shape, probe)
    case 'start':
      throw new TypeError('a start is measured by whoever starts the broker')
  }
}
