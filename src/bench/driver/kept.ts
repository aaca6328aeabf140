/**
 * Measures what a broker keeps while nobody is connected: the memory and processor time of each stored session, or of
 * each retained message.
 *
 * @module
 */
import { Crowd, inParallel } from './crowd.ts'
import { DISCONNECT, PINGREQ, publishBatch, subscribePacket } from './frames.ts'
import { measureMaking, SETTLE_MS } from './idle.ts'
import { Stopwatch, type Measurement, type UsageProbe } from './measurement.ts'
import type { Target } from './raw-connection.ts'
import type { Job, Kept } from './shape.ts'
import { subscribe } from './traffic.ts'

const FRAMES_PER_SLICE = 100
const PINGRESP = 13

/** Drives `shape`; see `drive`. */
export async function driveKept(target: Target, job: Job, shape: Kept, probe: UsageProbe): Promise<Measurement> {
  const crowd = new Crowd(target, job.version)
  const watch = new Stopwatch(probe)
  const make = shape.things === 'sessions' ? makeSessions : makeRetained
  try {
    await make(crowd, job, shape, 0, shape.countBefore)
    await crowd.wait(SETTLE_MS)
    const made = await measureMaking(shape.count, probe, () => make(crowd, job, shape, shape.countBefore, shape.count))
    await crowd.wait(SETTLE_MS)
    watch.begin()
    await crowd.wait(job.seconds * 1000)
    return { ...watch.end(), held: made(probe()) }
  } finally {
    crowd.close()
  }
}

/** Each logs in, subscribes to a topic of its own, and leaves. */
async function makeSessions(crowd: Crowd, job: Job, shape: Kept, first: number, count: number): Promise<void> {
  await inParallel(count, async (index) => {
    const link = await crowd.logIn(false)
    await subscribe(link, subscribePacket(job.version, 1, [`fleet/${number(first + index)}/commands`], shape.qos))
    await link.leave(DISCONNECT)
  })
}

/** The topics of a fleet: many devices, each in one of a thousand places. */
async function makeRetained(crowd: Crowd, job: Job, shape: Kept, first: number, count: number): Promise<void> {
  const link = await crowd.logIn()
  const topicNames = Array.from({ length: count }, (_, index) => {
    const device = number(first + index)
    return `fleet/${device.slice(-3)}/${device}/state`
  })
  const { version } = job
  const { qos, payloadBytes } = shape
  const prefix = (bytes: number): Uint8Array => link.prefix(bytes)
  const framing = { framesPerSlice: FRAMES_PER_SLICE, prefix }
  for (const { bytes } of publishBatch({ version, qos, retain: true, payloadBytes, topicNames, ...framing }).slices) {
    link.write(bytes)
    if (!link.pending) continue
    await new Promise<void>((resolve) => {
      link.writable = resolve
    })
  }
  await link.exchange(PINGREQ, PINGRESP)
}

function number(index: number): string {
  return String(index).padStart(7, '0')
}
