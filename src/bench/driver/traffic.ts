/** Measures messages between groups of publishers and subscribers, in a closed loop or by the clock. @module */
import { startChurn } from './churn.ts'
import { Crowd, inParallel } from './crowd.ts'
import { count, Group, Publisher } from './flow.ts'
import { publishBatch, subscribePacket, type Layout } from './frames.ts'
import { type RawConnection, RawConnectionError, type Target } from './raw-connection.ts'
import { Stopwatch, type Measurement, type UsageProbe } from './measurement.ts'
import type { ClosedLoop, Job, Paced, Traffic } from './shape.ts'

const SUBACK = 9
/** After this time without a delivery, messages in transit count as lost. */
const STALL_MS = 1000
/** Above this rate the clock is polled: a timer could not send one message at a time. */
const POLL_FROM_PER_SECOND = 1000

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, '0')
}

/** Drives `shape`; see `drive`. */
export async function driveTraffic(target: Target, job: Job, shape: Traffic, probe: UsageProbe): Promise<Measurement> {
  const crowd = new Crowd(target, job.version)
  const watch = new Stopwatch(probe)
  let stopChanges: (() => void) | undefined
  try {
    const groups = await inParallel(shape.groups, (group) => makeGroup(crowd, job, shape, group, watch))
    const { churnPerSecond } = shape
    if (churnPerSecond !== undefined) stopChanges = await startChurn(crowd, job.version, churnPerSecond)
    return await measureFlow(crowd, groups, shape.pace, job, watch)
  } finally {
    stopChanges?.()
    crowd.close()
  }
}

async function makeGroup(crowd: Crowd, job: Job, shape: Traffic, number: number, watch: Stopwatch): Promise<Group> {
  const loop = 'window' in shape.pace ? shape.pace : undefined
  const group = new Group(shape.shared === true ? 1 : shape.subscribers, loop)
  const topic = `bench/${padded(number, 4)}`
  const links = await inParallel(shape.publishers, () => crowd.logIn())
  const batches = links.map((link, index) => {
    const topics = shape.topics ?? 1
    const name = `${topic}/${padded(index, 4)}`
    return publishBatch({
      version: job.version,
      qos: shape.qos,
      payloadBytes: shape.payloadBytes,
      topicNames: topics === 1 ? [name] : Array.from({ length: topics }, (_, at) => `${name}/${padded(at, 6)}`),
      framesPerSlice: loop?.batch ?? 1,
      prefix: (bytes) => link.prefix(bytes),
    })
  })
  await subscribeAll(crowd, job, shape, `${topic}/#`, batches[0]!.layout, group, watch)
  links.forEach((link, index) => group.publishers.push(new Publisher(link, batches[index]!, group)))
  crowd.watch(links)
  return group
}

async function subscribeAll(
  crowd: Crowd,
  job: Job,
  shape: Traffic,
  topicFilter: string,
  layout: Layout,
  group: Group,
  watch: Stopwatch,
): Promise<void> {
  const filter = shape.shared === true ? `$share/bench/${topicFilter}` : topicFilter
  const frozen = shape.frozen ?? 0
  const links = await inParallel(shape.subscribers + frozen, async (index) => {
    const link = await crowd.logIn()
    await subscribe(link, subscribePacket(job.version, 1, [filter], shape.qos))
    if (index < frozen) link.freeze()
    else count(link, layout, group, watch)
    return link
  })
  crowd.watch(links.slice(frozen))
}

/** Sends a SUBSCRIBE. @throws {RawConnectionError} if one of its filters is refused */
export async function subscribe(link: RawConnection, packet: Uint8Array): Promise<void> {
  const suback = await link.exchange(packet, SUBACK)
  if (suback.at(-1)! >= 0x80)
    throw new RawConnectionError(`the broker refused a subscription with code ${suback.at(-1)}`)
}

/** Warms up, measures, and waits for messages in transit. */
export async function measureFlow(
  crowd: Crowd,
  groups: readonly Group[],
  pace: ClosedLoop | Paced,
  job: Job,
  watch: Stopwatch,
): Promise<Measurement> {
  let lost = 0
  const stopStalls = onStall(watch, () => {
    for (const group of groups) lost += group.forgive()
  })
  const stopPacing =
    'perSecond' in pace
      ? startPacing(interleave(groups), pace.perSecond, watch, ({ group, publisher }, now) =>
          group.publish(publisher, now),
        )
      : undefined
  try {
    for (const group of groups) group.start()
    await crowd.wait(job.warmUpSeconds * 1000)
    watch.begin()
    await crowd.wait(job.seconds * 1000)
    const measurement = watch.end()
    stopPacing?.()
    for (const group of groups) group.stop()
    while (groups.some((group) => group.outstanding > 0)) await crowd.wait(5)
    return { ...measurement, lost }
  } finally {
    stopPacing?.()
    stopStalls()
  }
}

/** Calls `stalled` whenever nothing was delivered for `STALL_MS`. @returns a function that stops it */
function onStall(watch: Stopwatch, stalled: () => void): () => void {
  let seen = -1
  const timer = setInterval(() => {
    if (watch.messages === seen) stalled()
    seen = watch.messages
  }, STALL_MS)
  return () => clearInterval(timer)
}

/** Lets the senders send a slice in turn, evenly over time. @returns a function that stops it */
export function startPacing<Sender>(
  senders: readonly Sender[],
  perSecond: number,
  watch: Stopwatch,
  publish: (sender: Sender, now: number) => void,
): () => void {
  const polls = perSecond >= POLL_FROM_PER_SECOND
  const begin = performance.now()
  let sent = 0
  let running = true
  function tick(): void {
    if (!running) return
    if (polls) watch.polls++
    const now = performance.now()
    for (const due = ((now - begin) * perSecond) / 1000; sent < due; sent++) {
      publish(senders[sent % senders.length]!, now)
    }
    if (polls) setImmediate(tick)
    else setTimeout(tick, begin + (sent * 1000) / perSecond - now)
  }
  tick()
  return () => {
    running = false
  }
}

/** The first publisher of each group, then the second of each, and so on. */
function interleave(groups: readonly Group[]): { group: Group; publisher: Publisher }[] {
  const longest = Math.max(...groups.map((group) => group.publishers.length))
  return Array.from({ length: longest }, (_, index) => index).flatMap((index) =>
    groups.flatMap((group) => {
      const publisher = group.publishers[index]
      return publisher === undefined ? [] : [{ group, publisher }]
    }),
  )
}
