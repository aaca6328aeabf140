/**
 * Measures many subscriptions: how fast they are made, the memory of each, and the cost of a message among them.
 * Filters are `s/<number>/+`; the publisher uses so many names that no cache of names helps, whatever the number of
 * filters.
 *
 * @module
 */
import { Crowd, inParallel } from './crowd.ts'
import { count, Group, Publisher } from './flow.ts'
import { publishBatch, subscribePacket } from './frames.ts'
import { measureMaking, SETTLE_MS } from './idle.ts'
import type { RawConnection, Target } from './raw-connection.ts'
import { Stopwatch, type Measurement, type UsageProbe } from './measurement.ts'
import type { Job, Subscriptions } from './shape.ts'
import { measureFlow, subscribe } from './traffic.ts'

const FILTERS_PER_PACKET = 100
/** Coprime to every power of ten, so that consecutive names are far apart among the filters. */
const STRIDE = 9973

function place(number: number): string {
  return `s/${String(number).padStart(7, '0')}`
}

function topicNames(shape: Subscriptions): string[] {
  return Array.from({ length: shape.topics }, (_, index) => {
    const among = (index * STRIDE) % shape.subscriptions
    return `${place(among)}/${String(Math.floor(index / shape.subscriptions)).padStart(3, '0')}`
  })
}

/** Drives `shape`; see `drive`. */
export async function driveSubscriptions(
  target: Target,
  job: Job,
  shape: Subscriptions,
  probe: UsageProbe,
): Promise<Measurement> {
  const crowd = new Crowd(target, job.version)
  const watch = new Stopwatch(probe)
  try {
    const links = await inParallel(shape.connections, () => crowd.logIn())
    const publisher = await crowd.logIn()
    await crowd.wait(SETTLE_MS)
    const made = await measureMaking(shape.subscriptions, probe, async () => {
      await inParallel(links.length, (index) => subscribeShare(links[index]!, index, job, shape))
    })
    await crowd.wait(SETTLE_MS)
    const held = made(probe())
    const group = makeGroup(publisher, links, job, shape, watch)
    crowd.watch([...links, publisher])
    return { ...(await measureFlow(crowd, [group], shape.pace, job, watch)), held }
  } finally {
    crowd.close()
  }
}

function makeGroup(
  link: RawConnection,
  links: readonly RawConnection[],
  job: Job,
  shape: Subscriptions,
  watch: Stopwatch,
): Group {
  const batch = publishBatch({
    version: job.version,
    qos: shape.qos,
    payloadBytes: shape.payloadBytes,
    topicNames: topicNames(shape),
    framesPerSlice: shape.pace.batch,
    prefix: (bytes) => link.prefix(bytes),
  })
  const group = new Group(1, shape.pace)
  group.publishers.push(new Publisher(link, batch, group))
  for (const subscriber of links) count(subscriber, batch.layout, group, watch)
  return group
}

/** Subscribes to every n-th filter, from `first` on. */
async function subscribeShare(link: RawConnection, first: number, job: Job, shape: Subscriptions): Promise<void> {
  let filters: string[] = []
  let identifier = 0
  for (let number = first; number < shape.subscriptions; number += shape.connections) {
    filters.push(`${place(number)}/+`)
    const last = number + shape.connections >= shape.subscriptions
    if (filters.length < FILTERS_PER_PACKET && !last) continue
    await subscribe(link, subscribePacket(job.version, ++identifier, filters, shape.qos))
    filters = []
  }
}
