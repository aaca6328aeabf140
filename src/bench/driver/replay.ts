/** Measures the replay of retained messages to one new subscriber of `#` after another. @module */
import { AcknowledgedFrames } from './arrivals.ts'
import { Crowd } from './crowd.ts'
import { PINGREQ, publishBatch, subscribePacket, type Layout } from './frames.ts'
import { RawConnectionError, type RawConnection, type Target } from './raw-connection.ts'
import { Stopwatch, type Measurement, type UsageProbe } from './measurement.ts'
import type { Job, Replay } from './shape.ts'

const FRAMES_PER_SLICE = 100
const PINGRESP = 13
/** A replay that takes longer has failed. */
const REPLAY_TIMEOUT_MS = 30_000

/** Drives `shape`; see `drive`. Latency is the time from SUBSCRIBE to each message. */
export async function driveReplay(target: Target, job: Job, shape: Replay, probe: UsageProbe): Promise<Measurement> {
  const crowd = new Crowd(target, job.version)
  const watch = new Stopwatch(probe)
  try {
    const layout = await retainAll(await crowd.logIn(), job, shape)
    for (const until = performance.now() + job.warmUpSeconds * 1000; performance.now() < until;) {
      await replayOnce(crowd, job, shape, layout, watch)
    }
    watch.begin()
    for (const until = performance.now() + job.seconds * 1000; performance.now() < until;) {
      await replayOnce(crowd, job, shape, layout, watch)
    }
    return watch.end()
  } finally {
    crowd.close()
  }
}

/** Publishes everything, then waits for a PINGRESP, after which everything has been processed. */
async function retainAll(link: RawConnection, job: Job, shape: Replay): Promise<Layout> {
  const batch = publishBatch({
    version: job.version,
    qos: 0,
    retain: true,
    payloadBytes: shape.payloadBytes,
    topicNames: Array.from({ length: shape.retained }, (_, index) => `r/${String(index).padStart(7, '0')}`),
    framesPerSlice: FRAMES_PER_SLICE,
    prefix: (bytes) => link.prefix(bytes),
  })
  for (const slice of batch.slices) {
    link.write(slice.bytes)
    if (!link.pending) continue
    await new Promise<void>((resolve) => {
      link.writable = resolve
    })
  }
  await link.exchange(PINGREQ, PINGRESP)
  return batch.layout
}

async function replayOnce(crowd: Crowd, job: Job, shape: Replay, layout: Layout, watch: Stopwatch): Promise<void> {
  const link = await crowd.logIn()
  crowd.watch([link])
  const frames = new AcknowledgedFrames(layout, { bytes: Buffer.alloc(0) })
  const begin = performance.now()
  let left = shape.retained
  const complete = new Promise<void>((resolve) => {
    link.receive = (bytes, start, end) => {
      frames.take(bytes, start, end)
      watch.messages += frames.messages
      watch.latencies.record(performance.now() - begin, frames.messages)
      left -= frames.messages
      if (left <= 0) resolve()
    }
  })
  link.send(subscribePacket(job.version, 1, ['#'], 0))
  await crowd.until(complete, REPLAY_TIMEOUT_MS)
  link.destroy()
  if (left > 0) throw new RawConnectionError(`${left} of ${shape.retained} retained messages did not arrive`)
}
