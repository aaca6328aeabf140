/**
 * Measures a fleet that comes back at once: each of many stored sessions has messages waiting. Another client,
 * connected all the time, pings meanwhile; its waits are the latency of the row.
 *
 * @module
 */
import { AcknowledgedFrames, type ReplyRoom } from './arrivals.ts'
import { Crowd, inParallel } from './crowd.ts'
import { publishAll } from './durable.ts'
import { connectPacket, DISCONNECT, PINGREQ, publishBatch, subscribePacket, type Layout } from './frames.ts'
import { Stopwatch, type Measurement, type UsageProbe } from './measurement.ts'
import { CHUNK_BYTES, type RawConnection, RawConnectionError, type Target } from './raw-connection.ts'
import type { Job, Storm } from './shape.ts'
import { subscribe } from './traffic.ts'

/** Connections that are being opened at a time: fewer than the systems' queue for each port. */
const AT_ONCE = 400
const FRAMES_PER_SLICE = 100
const TIMEOUT_MS = 60_000
const PING_EVERY_MS = 5

/** Drives `shape`; see `drive`. */
export async function driveStorm(target: Target, job: Job, shape: Storm, probe: UsageProbe): Promise<Measurement> {
  const crowd = new Crowd(target, job.version)
  const watch = new Stopwatch(probe)
  try {
    const first = await makeSessions(crowd, job, shape)
    const layout = await fill(crowd, job, shape)
    const stopPinging = startPinging(await crowd.logIn(), watch)
    await crowd.wait(job.warmUpSeconds * 1000)
    watch.begin()
    await comeBack(crowd, job, shape, first, layout, watch)
    const measurement = watch.end()
    stopPinging()
    return measurement
  } finally {
    crowd.close()
  }
}

/** @returns the number of the first one in the crowd */
async function makeSessions(crowd: Crowd, job: Job, shape: Storm): Promise<number> {
  const first = crowd.clients
  await inParallel(shape.sessions, async () => {
    const number = crowd.clients - first
    const link = await crowd.logIn(false)
    await subscribe(link, subscribePacket(job.version, 1, [topicOf(number)], shape.qos))
    await link.leave(DISCONNECT)
  })
  return first
}

function topicOf(session: number): string {
  return `storm/${String(session).padStart(6, '0')}`
}

/** Publishes `messagesEach` messages to each session. */
async function fill(crowd: Crowd, job: Job, shape: Storm): Promise<Layout> {
  const link = await crowd.logIn()
  const batch = publishBatch({
    version: job.version,
    qos: shape.qos,
    payloadBytes: shape.payloadBytes,
    topicNames: Array.from({ length: shape.sessions * shape.messagesEach }, (_, at) => topicOf(at % shape.sessions)),
    framesPerSlice: FRAMES_PER_SLICE,
    prefix: (bytes) => link.prefix(bytes),
  })
  await publishAll(crowd, link, batch)
  return batch.layout
}

/** Pings again and again, at most one at a time. @returns a function that stops it */
function startPinging(link: RawConnection, watch: Stopwatch): () => void {
  let timer: NodeJS.Timeout | undefined
  let sentAt = 0
  function ping(): void {
    sentAt = performance.now()
    link.send(PINGREQ)
  }
  link.receive = () => {
    watch.latencies.record(performance.now() - sentAt, 1)
    timer = setTimeout(ping, PING_EVERY_MS)
  }
  ping()
  return () => {
    clearTimeout(timer)
    link.receive = () => undefined
  }
}

/** All sessions connect; returns when each has what waited for it. */
async function comeBack(
  crowd: Crowd,
  job: Job,
  shape: Storm,
  first: number,
  layout: Layout,
  watch: Stopwatch,
): Promise<void> {
  const { version } = job
  const room: ReplyRoom = { bytes: Buffer.alloc(CHUNK_BYTES) }
  async function back(index: number): Promise<void> {
    const link = await crowd.open()
    const received = receiveAll(link, layout, shape.messagesEach, watch, room)
    link.send(connectPacket({ version, clientId: crowd.identifier(first + index), cleanStart: false }))
    await received
  }
  let isComplete = false
  const all = inParallel(shape.sessions, back, AT_ONCE).then(() => {
    isComplete = true
  })
  await crowd.until(all, TIMEOUT_MS)
  if (!isComplete) throw new RawConnectionError(`not all sessions were back within ${TIMEOUT_MS / 1000} s`)
}

/** Counts and acknowledges what arrives. @returns when `count` messages are there */
function receiveAll(
  link: RawConnection,
  layout: Layout,
  count: number,
  watch: Stopwatch,
  room: ReplyRoom,
): Promise<void> {
  const frames = new AcknowledgedFrames(layout, room)
  let left = count
  return new Promise((resolve, reject) => {
    link.broken = reject
    link.receive = (bytes, start, end) => {
      frames.take(bytes, start, end)
      watch.messages += frames.messages
      if (frames.repliesBytes > 0) link.send(Buffer.from(room.bytes.subarray(0, frames.repliesBytes)))
      left -= frames.messages
      if (left <= 0) resolve()
    }
  })
}
