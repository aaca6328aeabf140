/** Measures what Clients do at the door, each time on a connection of its own: connect, take over, drop. @module */
import { Crowd, inParallel } from './crowd.ts'
import { measureMaking, SETTLE_MS } from './idle.ts'
import { Stopwatch, type Held, type Measurement, type UsageProbe } from './measurement.ts'
import type { Target } from './raw-connection.ts'
import type { Job, Visits } from './shape.ts'

/** Drives `shape`; see `drive`. */
export async function driveVisits(target: Target, job: Job, shape: Visits, probe: UsageProbe): Promise<Measurement> {
  const crowd = new Crowd(target, job.version)
  const watch = new Stopwatch(probe)
  const { what, count, countBefore } = shape
  try {
    await visits[what](crowd, countBefore, probe)
    await crowd.wait(job.warmUpSeconds * 1000)
    watch.begin()
    const held = await visits[what](crowd, count, probe)
    return { ...watch.end(), held }
  } finally {
    crowd.close()
  }
}

/** Each makes `count` visits, and returns the cost of one. */
const visits = { connects, takeovers, drops } as const

async function connects(crowd: Crowd, count: number, probe: UsageProbe): Promise<Held> {
  const made = await measureMaking(count, probe, async () => {
    await inParallel(count, () => crowd.logIn())
  })
  return made(undefined)
}

/** The Client Identifiers of connections that are open connect once more. */
async function takeovers(crowd: Crowd, count: number, probe: UsageProbe): Promise<Held> {
  const first = crowd.clients
  await inParallel(count, () => crowd.logIn())
  await crowd.wait(SETTLE_MS)
  const made = await measureMaking(count, probe, async () => {
    await inParallel(count, (index) => crowd.logInAs(first + index))
  })
  return made(undefined)
}

/** Connections end without DISCONNECT. Nobody sees when the broker is done: what it takes in the next second counts. */
async function drops(crowd: Crowd, count: number, probe: UsageProbe): Promise<Held> {
  const links = await inParallel(count, () => crowd.logIn())
  await crowd.wait(SETTLE_MS)
  const made = await measureMaking(count, probe, async () => {
    for (const link of links) link.destroy()
    await crowd.wait(SETTLE_MS)
  })
  return { ...made(undefined), perSecond: NaN }
}
