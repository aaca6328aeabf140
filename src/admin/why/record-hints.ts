/** Hints from what the flight recorder holds. @module */
import { scanned, Work } from '../../base/work.ts'
import type { HintView } from '../../broker/host/why-view.ts'
import { RecordKind } from '../../reporting/recorder/record-kind.ts'
import type { FlightRecord } from '../../reporting/recorder/flight-record.ts'
import { hasWildcards, matches, parseSharedFilter } from '../../topics/topic-filter.ts'
import { isPublish } from './evidence.ts'
import { nameOf, topicText, type Inquiry } from './facts.ts'
import { Concerned } from './hint.ts'
import { isMatching } from './near-filter.ts'
import { plainDifference, plainTopic } from './plain-topic.ts'

/** Takeovers on record from which on two clients are said to use one identifier. */
const FIGHT = 3
/** Topics, and pairs of a filter and a topic, that are compared; beyond it, hints are about a part of them. */
const MAX_TOPICS = 1000
const MAX_COMPARED = 250_000
/** Filters of which a hint is given. */
const MAX_NEAR = 5

/** What was published to one topic: the highest QoS, and one of its publishers. */
interface Publication {
  readonly qos: number
  readonly clientId: string
}

export async function recordHints(inquiry: Inquiry): Promise<HintView[]> {
  const fighting = new Concerned()
  const topics = new Map<string, Publication>()
  for (const record of inquiry.server.recorder.all()) {
    if (takeoversIn(record, topics) >= FIGHT) fighting.add(record.clientId)
    await inquiry.pause(100)
  }
  const hints = fighting.count === 0 ? [] : [twoClients(fighting)]
  return [...hints, ...(await filterHints(inquiry, topics)), ...(await qosHints(inquiry, topics))]
}

/** Adds what the Client has published. @returns how often its connection was taken over */
function takeoversIn(record: FlightRecord, topics: Map<string, Publication>): number {
  let takeovers = 0
  for (const entry of record.entries()) {
    const { kind, subject, firstByte, count } = entry
    if (kind === RecordKind.Disconnected && subject === 'session taken over') takeovers += count
    if (kind !== RecordKind.Received || !isPublish(entry) || subject === undefined) continue
    const qos = (firstByte >> 1) & 3
    const known = topics.get(subject)
    if (known === undefined ? topics.size < MAX_TOPICS : qos > known.qos)
      topics.set(subject, { qos, clientId: record.clientId })
  }
  return takeovers
}

function twoClients(fighting: Concerned): HintView {
  const text = `Connections of ${fighting.names} are taken over again and again: two clients use one identifier, so give each its own, or one client connects again before its old connection is closed.`
  return fighting.hint('one identifier, two clients', text, 'docs/operating/why.md#one-identifier-two-clients')
}

/**
 * Filters that match nothing that was published, and would if they were spelled like it. One that differs in a level is
 * not reported: nothing is wrong with a client that waits for `lamp/7/set` while only `lamp/7/state` is published.
 */
async function filterHints(inquiry: Inquiry, topics: ReadonlyMap<string, Publication>): Promise<HintView[]> {
  const hints: HintView[] = []
  if (topics.size === 0) return hints
  const byPlain = new Map([...topics.keys()].map((topic) => [plainTopic(topic), topic]))
  let compared = 0
  for (const { session } of inquiry.server.sessions.all()) {
    await inquiry.pause(Work.entry)
    for (const topicFilter of session.subscriptions.keys()) {
      if (hints.length === MAX_NEAR || compared >= MAX_COMPARED) return hints
      const filter = partOf(topicFilter)
      compared += hasWildcards(filter) ? topics.size : 1
      if ((await firstMatch(inquiry, filter, topics)) !== undefined) continue
      const near = await firstMatch(inquiry, plainTopic(filter), byPlain)
      if (near !== undefined) hints.push(nearHint(session.clientId, filter, byPlain.get(near)!))
    }
  }
  return hints
}

/** The first of these topics that a filter matches. */
async function firstMatch(
  inquiry: Inquiry,
  filter: string,
  topics: ReadonlyMap<string, unknown>,
): Promise<string | undefined> {
  if (!hasWildcards(filter)) {
    await inquiry.pause(Work.node + scanned(filter.length))
    return topics.has(filter) ? filter : undefined
  }
  for (const topic of topics.keys()) if (await isMatching(inquiry, filter, topic)) return topic
  return undefined
}

function nearHint(clientId: string, filter: string, topic: string): HintView {
  const difference = plainDifference(filter, topic, matches)!
  const text = `No message on record matches the filter ${topicText(filter)} of ${nameOf(clientId)}, and ${topicText(topic)} nearly does (${difference}): check the filter.`
  return {
    name: 'filter that never matches',
    text,
    link: 'docs/operating/why.md#filter-that-never-matches',
    clientIds: [clientId],
  }
}

function partOf(topicFilter: string): string {
  const shared = parseSharedFilter(topicFilter)
  return typeof shared === 'object' ? shared.topicFilter : topicFilter
}

/** Messages of QoS 1 and 2 whose subscribers have all asked for less. */
async function qosHints(inquiry: Inquiry, topics: ReadonlyMap<string, Publication>): Promise<HintView[]> {
  const publishers = new Concerned()
  let example = ''
  for (const [topic, { qos, clientId }] of topics) {
    if (qos === 0) continue
    await inquiry.pause(Work.node)
    const highest = inquiry.server.router.highestQos(topic)
    if (highest === undefined || highest >= qos) continue
    publishers.add(clientId)
    if (example === '') example = `${topicText(topic)} at QoS ${qos}, subscriptions at QoS ${highest}`
  }
  if (publishers.count === 0) return []
  const text = `${publishers.names} publish at a higher QoS than any subscription has (${example}): lower the one, or raise the other.`
  return [publishers.hint('QoS that nobody subscribes at', text, 'docs/operating/why.md#qos-that-nobody-subscribes-at')]
}
