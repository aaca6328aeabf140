/**
 * Why a message did not reach a Client. The questions are asked in the order in which a message meets them, and the
 * first that explains it decides; what else is known follows.
 *
 *   accepted from its publisher?   refused, dropped or changed by a plugin
 *   a Session?                     ended, or none
 *   given up, or delivered?        the drops of the Session; what was sent to it
 *   waiting?                       in its queue or in flight
 *   subscribed?                    refused, unsubscribed, nearly; No Local; another member of the group had it
 *   allowed?                       the rules that hold now
 *   published at all?              retained and removed; a Will that waits; before it subscribed
 *
 * @module
 */
import { reasonCodeName, ReasonCode } from '../../codec/reason-code.ts'
import type { Broker } from '../../broker/broker.ts'
import type { WhyFact, WhyView } from '../../broker/host/why-view.ts'
import type { Registration } from '../../broker/sessions/sessions.ts'
import type { Subscription } from '../../protocol/subscription.ts'
import { shortText } from '../../reporting/recorder/record-pages.ts'
import { RecordKind, type RecordEntry } from '../../reporting/recorder/record-kind.ts'
import {
  entriesOf,
  isClearing,
  isCounted,
  isPublication,
  topicEvidence,
  type Evidence,
  type TopicEvidence,
} from './evidence.ts'
import {
  counted,
  derived,
  excerpt,
  Inquiry,
  nameOf,
  recorded,
  timeText,
  topicText,
  unknown,
  type Sight,
} from './facts.ts'
import { dropFacts, waitFact } from './session-facts.ts'
import { isMember, isShared, matchingOf, subscriptionFacts } from './subscription-facts.ts'
import { deniedFact } from './rights.ts'
import { whyClosed } from './why-closed.ts'
import { plainDifference } from './plain-topic.ts'
import { payloadText } from './payload-text.ts'
import { willFact } from './will-facts.ts'

/** What is asked. */
export interface MessageQuestion {
  readonly clientId: string
  readonly topic: string
  readonly at?: number | undefined
}

/** What comes behind everything that may be the reason, in this order. */
const LAST = [
  ...['subscribed later', 'not published', 'published', 'subscribed', 'sent earlier'],
  ...['connected', 'not connected now', 'not recorded'],
]

function rankOf({ cause }: WhyFact): number {
  return LAST.indexOf(cause)
}

export async function whyMessage(broker: Broker, question: MessageQuestion, sight: Sight): Promise<WhyView> {
  const { clientId, topic, at } = question
  const inquiry = new Inquiry(broker, at, sight)
  const registration = inquiry.server.sessions.get(clientId)
  const matching = registration === undefined ? [] : await matchingOf(inquiry, registration, topic)
  const shared = matching.filter(isShared)
  const mayHave = (id: string): boolean => id === clientId || isMember(inquiry, id, shared)
  const evidence = await topicEvidence(inquiry, topic, mayHave)
  const facts: WhyFact[] = [
    ...(await stoppedFacts(inquiry, evidence)),
    ...(registration === undefined
      ? await absentFacts(broker, question)
      : await sessionFacts(inquiry, registration, topic, matching, evidence)),
    ...(await missingFacts(inquiry, topic, evidence)),
  ]
  const all = [...facts, ...backgroundOf(inquiry, question, evidence)]
  return { facts: all.toSorted((one, other) => rankOf(one) - rankOf(other)) }
}

/** A rule or a plugin was in the way of the latest message. */
async function stoppedFacts(inquiry: Inquiry, { stopped, published }: TopicEvidence): Promise<WhyFact[]> {
  const notStored = published === undefined ? undefined : notStoredFact(inquiry, published)
  if (notStored !== undefined) return [notStored]
  if (stopped === undefined) return []
  const isLater = published !== undefined && published.untilMs > stopped.untilMs
  if (isLater) return []
  const { clientId, entry, untilMs } = stopped
  const what = `A message of ${nameOf(clientId)} to ${topicText(entry.subject ?? '')}`
  if (entry.kind === RecordKind.Replaced) {
    if (entry.detail === entry.subject) return []
    const text = `${what} was rewritten by a plugin: it went to ${topicText(entry.detail ?? '')}.`
    return [recorded('rewritten by plugin', text, untilMs)]
  }
  if (entry.kind === RecordKind.DroppedByPlugin)
    return [recorded('dropped by plugin', `${what} was dropped by a plugin.`, untilMs)]
  const code = reasonCodeName(entry.code as ReasonCode)
  const detail = entry.detail === undefined || entry.detail === code ? '' : `: ${excerpt(entry.detail)}`
  const refused = recorded('publish refused', `${what} was refused (${code})${detail}.`, untilMs)
  if (entry.code !== ReasonCode.NotAuthorized) return [refused]
  return [refused, ...(await deniedFact(inquiry, clientId, 'publish', entry.subject ?? ''))]
}

/** 3.1.1 has no answer that refuses a message: the message that ended its connection is the last one before the end. */
function notStoredFact(inquiry: Inquiry, { clientId, entry, untilMs }: Evidence): WhyFact | undefined {
  const isEnd = ({ kind, subject }: RecordEntry): boolean =>
    kind === RecordKind.Disconnected && subject === 'not stored'
  const story = entriesOf(inquiry, clientId, (each) => isEnd(each) || isPublication(each))
  const at = story.findIndex((each) => each.entry.subject === entry.subject && each.untilMs === untilMs)
  const end = story[at - 1]
  if (end === undefined || !isEnd(end.entry)) return undefined
  const why = end.entry.detail === undefined ? '' : `: ${excerpt(end.entry.detail)}`
  const what = `A message of ${nameOf(clientId)} to ${topicText(entry.subject ?? '')}`
  return recorded('not stored', `${what} was not stored, and its connection was closed${why}.`, end.untilMs)
}

async function absentFacts(broker: Broker, { clientId, at }: MessageQuestion): Promise<WhyFact[]> {
  const { facts } = await whyClosed(broker, clientId, at)
  const ended = facts.filter(({ cause }) => cause === 'session ended')
  return [...ended, ...facts.filter(({ cause }) => cause !== 'session ended')]
}

async function sessionFacts(
  inquiry: Inquiry,
  registration: Registration,
  topic: string,
  matching: readonly Subscription[],
  evidence: TopicEvidence,
): Promise<WhyFact[]> {
  const { clientId } = registration.session
  const sent = evidence.delivered.find((each) => each.clientId === clientId)
  const drops = dropFacts(inquiry, registration, topic, matching, evidence.published)
  const waits = waitFact(inquiry, registration, topic)
  const lastMs = Math.max(sent?.untilMs ?? 0, evidence.published?.atMs ?? 0)
  const isDropLast = drops[0] !== undefined && drops[0].atMs! >= lastMs
  const isSent = sent !== undefined && (evidence.published === undefined || sent.untilMs >= evidence.published.atMs)
  if (isDropLast) return [...drops, ...(await rightsOf(inquiry, clientId, topic, drops[0]!)), ...waits]
  if (waits.length > 0) return [...waits, ...drops]
  if (isSent) return [sentFact(sent, topic), ...drops]
  const subscriptions = await subscriptionFacts(inquiry, registration, topic, matching, evidence)
  const denied = await deniedFact(inquiry, clientId, 'receive', topic)
  return [...subscriptions, ...denied, ...drops, ...(sent === undefined ? [] : [earlier(sentFact(sent, topic))])]
}

/** The rule behind a message that the client may not receive. */
async function rightsOf(inquiry: Inquiry, clientId: string, topic: string, { cause }: WhyFact): Promise<WhyFact[]> {
  return cause === 'not authorized' ? deniedFact(inquiry, clientId, 'receive', topic) : []
}

function sentFact({ clientId, entry, untilMs }: Evidence, topic: string): WhyFact {
  const { count, packetIdentifier, firstByte } = entry
  const qos = isCounted(entry) ? 0 : (firstByte >> 1) & 3
  const identifier = packetIdentifier === 0 ? '' : `, the last with Packet Identifier ${packetIdentifier}`
  const messages = `${counted(count, 'message')} at QoS ${qos}`
  const text = `${messages} went to ${nameOf(clientId)}${severalText(entry, topic)}${identifier}.`
  return recorded('sent', text, untilMs)
}

/** Messages of QoS 0 that are counted together may have had other topics too. */
function severalText({ kind, subject, detail, hasMoreSubjects }: RecordEntry, topic: string): string {
  if (kind !== RecordKind.SentAtMostOnce || (detail === undefined && !hasMoreSubjects)) return ''
  if (subject === topic) return ', of which the last was of this topic'
  return ', at least one of them of this topic'
}

/** Of a delivery before the latest message: it does not answer what became of that one. */
function earlier(fact: WhyFact): WhyFact {
  return { ...fact, cause: 'sent earlier', text: `Before the latest message: ${fact.text}` }
}

/** What explains that there was nothing to send. */
async function missingFacts(inquiry: Inquiry, topic: string, { published }: TopicEvidence): Promise<WhyFact[]> {
  if (published !== undefined && isClearing(published.entry)) {
    const text = `The retained message of ${topicText(topic)} was removed by ${nameOf(published.clientId)}.`
    return [recorded('retained message removed', text, published.untilMs)]
  }
  return published === undefined ? willFact(inquiry, topic) : []
}

/** A topic that differs from the one that was asked about only as typing mistakes do. */
function nearText(topic: string, near: Evidence | undefined): string {
  const subject = near?.entry.subject
  if (near === undefined || subject === undefined) return ''
  const difference = plainDifference(subject, topic, (one, other) => one === other)!
  return `; the nearest is ${topicText(subject)} of ${nameOf(near.clientId)}: ${difference}`
}

/** Publication, connection, and from when on nothing is known. */
function backgroundOf(
  inquiry: Inquiry,
  { clientId, topic }: MessageQuestion,
  { published, near, lostBeforeMs }: TopicEvidence,
): WhyFact[] {
  const { recorder } = inquiry.server
  const sinceMs = Math.max(inquiry.wallOfEntry(0), lostBeforeMs ?? 0)
  const all: WhyFact[] = []
  if (shortText(topic) !== topic) {
    const text = 'The recorder keeps the beginning of a topic as long as this one, which may be that of others too.'
    all.push(unknown('topic too long', text, inquiry.wall(inquiry.server.clock.now())))
  } else if (published === undefined) {
    const text = `No message to ${topicText(topic)} is recorded since ${timeText(sinceMs)}${nearText(topic, near)}.`
    all.push(
      recorder.isOn
        ? recorded('not published', text, sinceMs)
        : unknown('not recorded', 'The recorder is off.', sinceMs),
    )
  } else if (!isClearing(published.entry)) {
    const text = `${nameOf(published.clientId)} published ${counted(published.entry.count, 'message')} to ${topicText(topic)}.${payloadText(inquiry, published)}`
    all.push(recorded('published', text, published.untilMs))
  }
  const registration = inquiry.server.sessions.get(clientId)
  if (registration?.connection !== undefined) {
    const atMs = inquiry.wall(registration.connection.connectedAtMs)
    all.push(derived('connected', `${nameOf(clientId)} has been connected since ${timeText(atMs)}.`))
  } else if (registration !== undefined) all.push(derived('not connected now', `${nameOf(clientId)} is not connected.`))
  all.push(unknown('not recorded', `What happened before ${timeText(sinceMs)} is not known.`, sinceMs))
  const dropsLostBeforeMs = registration?.session.drops?.lostBeforeMs
  if (dropsLostBeforeMs !== undefined) {
    const beforeMs = inquiry.wall(dropsLostBeforeMs)
    const text = `Which messages did not reach ${nameOf(clientId)} before ${timeText(beforeMs)} is not known: a session keeps the last 64.`
    all.push(unknown('not recorded', text, beforeMs))
  }
  return all
}
