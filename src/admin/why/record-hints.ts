/** Hints from what the flight recorder holds. @module */
import { Work } from '../../base/work.ts'
import type { HintView } from '../../broker/host/why-view.ts'
import { RecordKind } from '../../reporting/recorder/record-kind.ts'
import type { FlightRecord } from '../../reporting/recorder/flight-record.ts'
import { parseSharedFilter } from '../../topics/topic-filter.ts'
import { isPublish } from './evidence.ts'
import { nameOf, topicText, type Inquiry } from './facts.ts'
import { Concerned } from './hint.ts'
import { isMatching, nearFilter } from './near-filter.ts'

/** Takeovers on record from which on two clients are said to use one identifier. */
const FIGHT = 3
/** Topics and filters that are compared; beyond it, hints are about a part of them. */
const MAX_TOPICS = 1000
const MAX_FILTERS = 1000
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
  const text = `Connections of ${fighting.names} are taken over again and again: two clients use one identifier, so give each its own.`
  return fighting.hint('one identifier, two clients', text, 'docs/operating/why.md#one-identifier-two-clients')
}

/** Filters that nothing matches that was published, and that would match with one small change. */
async function filterHints(inquiry: Inquiry, topics: ReadonlyMap<string, Publication>): Promise<HintView[]> {
  const hints: HintView[] = []
  let looked = 0
  for (const { session } of inquiry.server.sessions.all()) {
    for (const topicFilter of session.subscriptions.keys()) {
      if (hints.length === MAX_NEAR || ++looked > MAX_FILTERS) return hints
      const filter = partOf(topicFilter)
      if (topics.size === 0 || (await isPublishedTo(inquiry, filter, topics))) continue
      const hint = await nearHint(inquiry, session.clientId, filter, topics)
      if (hint !== undefined) hints.push(hint)
    }
  }
  return hints
}

async function isPublishedTo(
  inquiry: Inquiry,
  filter: string,
  topics: ReadonlyMap<string, Publication>,
): Promise<boolean> {
  for (const topic of topics.keys()) if (await isMatching(inquiry, filter, topic)) return true
  return false
}

async function nearHint(
  inquiry: Inquiry,
  clientId: string,
  filter: string,
  topics: ReadonlyMap<string, Publication>,
): Promise<HintView | undefined> {
  for (const topic of topics.keys()) {
    const near = await nearFilter(inquiry, [filter], topic)
    if (near === undefined) continue
    const text = `No message on record matches the filter ${topicText(filter)} of ${nameOf(clientId)}, and ${topicText(topic)} nearly does (${near.difference}): check the filter.`
    return {
      name: 'filter that never matches',
      text,
      link: 'docs/operating/why.md#filter-that-never-matches',
      clientIds: [clientId],
    }
  }
  return undefined
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
