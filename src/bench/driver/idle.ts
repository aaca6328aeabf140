/** Measures connections that log in and stay silent: the memory and processor time of each. @module */
import { Crowd, inParallel } from './crowd.ts'
import type { Target } from './raw-connection.ts'
import { Stopwatch, type BrokerUsage, type Held, type Measurement, type UsageProbe } from './measurement.ts'
import type { Idle, Job } from './shape.ts'

/** Lets the broker settle before its memory is read. */
export const SETTLE_MS = 1000

/** Drives `shape`; see `drive`. */
export async function driveIdle(target: Target, job: Job, shape: Idle, probe: UsageProbe): Promise<Measurement> {
  const crowd = new Crowd(target, job.version)
  const watch = new Stopwatch(probe)
  try {
    await inParallel(shape.connectionsBefore, () => crowd.logIn())
    await crowd.wait(SETTLE_MS)
    const made = await measureMaking(shape.connections, probe, async () => {
      crowd.watch(await inParallel(shape.connections, () => crowd.logIn()))
    })
    await crowd.wait(SETTLE_MS)
    const before = probe()
    watch.begin()
    await crowd.wait(job.seconds * 1000)
    const measurement = watch.end()
    return { ...measurement, held: made(before, idleShare(before, probe(), measurement.seconds)) }
  } finally {
    crowd.close()
  }
}

function idleShare(
  before: BrokerUsage | undefined,
  after: BrokerUsage | undefined,
  seconds: number,
): number | undefined {
  return before && after && (after.processorMicroseconds - before.processorMicroseconds) / (seconds * 1e6)
}

/** Measures the time of `make`. @returns a function that returns the cost of each item, once the memory has settled */
export async function measureMaking(
  count: number,
  probe: UsageProbe,
  make: () => Promise<void>,
): Promise<(settled: BrokerUsage | undefined, idleShare?: number) => Held> {
  const before = probe()
  const begin = performance.now()
  await make()
  const seconds = (performance.now() - begin) / 1000
  const after = probe()
  return (settled, share) => ({
    count,
    perSecond: count / seconds,
    bytesEach: before && settled && (settled.residentBytes - before.residentBytes) / count,
    processorMicrosecondsEach: before && after && (after.processorMicroseconds - before.processorMicroseconds) / count,
    idleShare: share,
  })
}
