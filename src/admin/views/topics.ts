/**
 * Which topics messages are published to, and how often: counted for some seconds from now on, because the broker keeps
 * no figures of topics. A message costs a look at it while somebody asks, and nothing otherwise.
 *
 * @module
 */
import { SluiceError, UsageError } from '../../base/errors.ts'
import { show } from '../../base/show.ts'
import type { Clock } from '../../base/clock.ts'
import type { BrokerEvents } from '../../access/broker-events.ts'
import type { Broker } from '../../broker/broker.ts'
import { serverOf } from '../../broker/broker.ts'
import { ownerOf } from '../../broker/host/trace-admin.ts'
import type { CallOptions, TopicsQuery, TopicView } from '../../broker/host/admin.ts'
import { limitOf } from '../../broker/host/page.ts'
import { matches, topicFilterProblem } from '../../topics/topic-filter.ts'

const DEFAULT_SECONDS = 5
/** Topics that have a count of their own; what is published to others is counted together. */
const MAX_TOPICS = 10_000
/**
 * Of the names of all these topics, because a topic may have 64 KiB; what is published to others is counted together.
 */
const MAX_NAME_BYTES = 4_194_304
/** Counts at the same time, and those of one caller. */
const MAX_COUNTS = 6
const MAX_COUNTS_PER_CALLER = 2
/** The topic of what is counted together. */
const OTHERS = '(other topics)'

interface Count {
  messages: number
  bytes: number
  receivers: number
}

/** What was counted, by topics or their first levels. */
interface Counts {
  readonly byBranch: Map<string, Count>
  nameBytes: number
}

/** The callers of the counts that are under way. */
const counting = new WeakMap<Broker, string[]>()

/**
 * @param options.signal ends the count before its time
 * @param options.caller who asks; the program itself without one
 * @throws {UsageError} for what is no topic filter
 * @throws {SluiceError} `ERR_BUSY` if there are too many counts already
 * @throws the reason of `signal`
 */
export async function countTopics(
  broker: Broker,
  query: TopicsQuery,
  { signal, caller }: CallOptions = {},
): Promise<TopicView[]> {
  const { topicFilter = '#', seconds = DEFAULT_SECONDS, depth = Infinity, limit } = query
  const most = limitOf({ ...(limit !== undefined && { limit }) })
  const problem = topicFilterProblem(topicFilter)
  if (problem !== undefined) throw new UsageError(`${show(topicFilter)} is no topic filter: ${problem}`)
  const { clock } = serverOf(broker)
  const counts: Counts = { byBranch: new Map(), nameBytes: 0 }
  signal?.throwIfAborted()
  const isOver = begin(broker, caller === undefined ? '' : ownerOf(caller))
  const count = ({ message, receivers }: BrokerEvents['published']): void => {
    if (matches(topicFilter, message.topic))
      add(counts, branchOf(message.topic, depth), message.payload.length, receivers)
  }
  broker.on('published', count)
  try {
    await passed(seconds * 1000, clock, signal)
  } finally {
    broker.off('published', count)
    isOver()
  }
  const views = Array.from(counts.byBranch, ([topic, counted]) => topicViewOf(topic, counted, seconds))
  return views.sort((one, other) => other.messages - one.messages).slice(0, most)
}

/** @throws the reason of `signal` */
function passed(durationMs: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      timer.cancel()
      reject(signal!.reason as Error)
    }
    const timer = clock.setTimer(durationMs, () => {
      signal?.removeEventListener('abort', abort)
      resolve()
    })
    signal?.addEventListener('abort', abort, { once: true })
  })
}

/** @returns to be called at the end */
function begin(broker: Broker, caller: string): () => void {
  const open = counting.get(broker) ?? []
  const own = open.filter((one) => one === caller).length
  if (own >= MAX_COUNTS_PER_CALLER) throw busy(`${own} counts of yours are under way`)
  if (open.length >= MAX_COUNTS) throw busy(`${open.length} counts are under way`)
  counting.set(broker, open)
  open.push(caller)
  return () => void open.splice(open.indexOf(caller), 1)
}

function busy(state: string): SluiceError {
  return new SluiceError('ERR_BUSY', `topics: ${state}; wait until one is complete`)
}

/** The first levels of a topic, as the filter of everything below them. */
function branchOf(topic: string, depth: number): string {
  const levels = topic.split('/')
  return levels.length <= depth ? topic : `${levels.slice(0, depth).join('/')}/#`
}

function add(counts: Counts, branch: string, bytes: number, receivers: number): void {
  const counted = counts.byBranch.get(branch) ?? begun(counts, branch)
  counted.messages++
  counted.bytes += bytes
  counted.receivers += receivers
}

/** The count of a new topic, or of all others if there are too many. */
function begun(counts: Counts, branch: string): Count {
  const { byBranch } = counts
  const nameBytes = counts.nameBytes + Buffer.byteLength(branch)
  const hasRoom = byBranch.size < MAX_TOPICS && nameBytes <= MAX_NAME_BYTES
  if (hasRoom) counts.nameBytes = nameBytes
  const counted = (hasRoom ? undefined : byBranch.get(OTHERS)) ?? { messages: 0, bytes: 0, receivers: 0 }
  byBranch.set(hasRoom ? branch : OTHERS, counted)
  return counted
}

function topicViewOf(topic: string, { messages, bytes, receivers }: Count, seconds: number): TopicView {
  const perSecond = (count: number): number => Math.round((count / seconds) * 100) / 100
  return { topic, messages, bytes, receivers, messagesPerSecond: perSecond(messages), bytesPerSecond: perSecond(bytes) }
}
