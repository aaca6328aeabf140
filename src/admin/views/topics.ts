/**
 * Which topics messages are published to, and how often: counted for some seconds from now on, because the broker keeps no
 * figures of topics. A message costs a look at it while somebody asks, and nothing otherwise.
 *
 * @module
 */
import { UsageError } from '../../base/errors.ts'
import { show } from '../../base/show.ts'
import type { BrokerEvents } from '../../access/broker-events.ts'
import type { Broker } from '../../broker/broker.ts'
import { serverOf } from '../../broker/broker.ts'
import type { TopicsQuery, TopicView } from '../../broker/host/admin.ts'
import { limitOf } from '../../broker/host/page.ts'
import { matches, topicFilterProblem } from '../../topics/topic-filter.ts'

const DEFAULT_SECONDS = 5
/** Topics that are told apart; what is published to others is counted together. */
const MAX_TOPICS = 10_000
/** Counts at the same time. */
const MAX_COUNTS = 4
/** The topic of what is counted together. */
const OTHERS = '(other topics)'

interface Count {
  messages: number
  bytes: number
  receivers: number
}

const counting = new WeakMap<Broker, number>()

/** @throws {UsageError} for what is no topic filter, or if there are too many counts already */
export async function countTopics(broker: Broker, query: TopicsQuery): Promise<TopicView[]> {
  const { topicFilter = '#', seconds = DEFAULT_SECONDS, depth = Infinity, limit } = query
  const most = limitOf({ ...(limit !== undefined && { limit }) })
  const problem = topicFilterProblem(topicFilter)
  if (problem !== undefined) throw new UsageError(`${show(topicFilter)} is no topic filter: ${problem}`)
  const { clock } = serverOf(broker)
  const counts = new Map<string, Count>()
  const isOver = begin(broker)
  const count = ({ message, receivers }: BrokerEvents['published']): void => {
    if (matches(topicFilter, message.topic))
      add(counts, branchOf(message.topic, depth), message.payload.length, receivers)
  }
  broker.on('published', count)
  try {
    await new Promise<void>((resolve) => clock.setTimer(seconds * 1000, resolve))
  } finally {
    broker.off('published', count)
    isOver()
  }
  const views = Array.from(counts, ([topic, counted]) => topicViewOf(topic, counted, seconds))
  return views.sort((one, other) => other.messages - one.messages).slice(0, most)
}

/** @returns to be called at the end */
function begin(broker: Broker): () => void {
  const open = counting.get(broker) ?? 0
  if (open >= MAX_COUNTS) throw new UsageError(`topics: ${MAX_COUNTS} counts are under way; wait until one is complete`)
  counting.set(broker, open + 1)
  return () => counting.set(broker, counting.get(broker)! - 1)
}

/** The first levels of a topic, as the filter of everything below them. */
function branchOf(topic: string, depth: number): string {
  const levels = topic.split('/')
  return levels.length <= depth ? topic : `${levels.slice(0, depth).join('/')}/#`
}

function add(counts: Map<string, Count>, branch: string, bytes: number, receivers: number): void {
  const topic = counts.has(branch) || counts.size < MAX_TOPICS ? branch : OTHERS
  const counted = counts.get(topic) ?? { messages: 0, bytes: 0, receivers: 0 }
  counts.set(topic, counted)
  counted.messages++
  counted.bytes += bytes
  counted.receivers += receivers
}

function topicViewOf(topic: string, { messages, bytes, receivers }: Count, seconds: number): TopicView {
  const perSecond = (count: number): number => Math.round((count / seconds) * 100) / 100
  return { topic, messages, bytes, receivers, messagesPerSecond: perSecond(messages), bytesPerSecond: perSecond(bytes) }
}
