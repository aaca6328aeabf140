/**
 * Whether a Session has a Subscription that a Topic Name matches; if it has, why the Subscription did not deliver, and
 * if not, what became of one that would have matched, or which one nearly does.
 *
 * @module
 */
import { reasonCodeName, ReasonCode } from '../../codec/reason-code.ts'
import type { WhyFact } from '../../broker/host/why-view.ts'
import type { Registration } from '../../broker/sessions/sessions.ts'
import type { Subscription } from '../../protocol/subscription.ts'
import { NEW_SESSION } from '../../reporting/recorder/recorder.ts'
import { RecordKind, type RecordEntry } from '../../reporting/recorder/record-kind.ts'
import { matches, parseSharedFilter } from '../../topics/topic-filter.ts'
import { entriesOf, isPublish, type Evidence, type TopicEvidence } from './evidence.ts'
import { counted, derived, nameOf, recorded, timeText, topicText, type Inquiry } from './facts.ts'
import { mixedFacts } from './mixed-facts.ts'
import { isMatching, nearFilter } from './near-filter.ts'
import { deniedFact } from './rights.ts'

/** The Subscriptions of a Session that a Topic Name matches. */
export async function matchingOf(inquiry: Inquiry, { session }: Registration, topic: string): Promise<Subscription[]> {
  const matching: Subscription[] = []
  for (const subscription of [...session.subscriptions.values()]) {
    if (await isMatching(inquiry, partOf(subscription.topicFilter), topic)) matching.push(subscription)
  }
  return matching
}

export async function subscriptionFacts(
  inquiry: Inquiry,
  { session, connection }: Registration,
  topic: string,
  matching: readonly Subscription[],
  evidence: TopicEvidence,
): Promise<WhyFact[]> {
  if (matching.length === 0) return notSubscribed(inquiry, session.clientId, session.subscriptions.keys(), topic)
  const { clientId } = session
  const filters = matching.map(({ topicFilter }) => topicText(topicFilter)).slice(0, 3)
  const match = derived('subscribed', `${nameOf(clientId)} has subscribed to ${filters.join(', ')}.`)
  const { published } = evidence
  if (published === undefined) return [match]
  if (published.clientId === clientId && matching.every(({ noLocal }) => noLocal)) {
    const text = `${nameOf(clientId)} published the message itself, and No Local of ${filters[0]!} keeps its own messages from it.`
    return [derived('No Local', text), match]
  }
  const shared = matching.filter(isShared)
  if (shared.length === matching.length) {
    const taken = takenFacts(inquiry, clientId, shared, evidence)
    const away = connection === undefined ? awayFacts(inquiry, clientId, shared, published) : []
    const mixed = mixedFacts(topic, matching, evidence, () => true)
    return [...([taken, away, mixed].find(({ length }) => length > 0) ?? []), match]
  }
  const late = lateFacts(inquiry, clientId, topic, matching, published.untilMs)
  if (late.length > 0) return [...late, match]
  return [...mixedFacts(topic, matching, evidence, (id) => id === clientId), match]
}

/** The part of a filter that is used for matching. */
function partOf(topicFilter: string): string {
  const shared = parseSharedFilter(topicFilter)
  return typeof shared === 'object' ? shared.topicFilter : topicFilter
}

async function notSubscribed(
  inquiry: Inquiry,
  clientId: string,
  topicFilters: Iterable<string>,
  topic: string,
): Promise<WhyFact[]> {
  const filters = [...topicFilters].map(partOf)
  const near = await nearFilter(inquiry, filters, topic)
  const nearly = near === undefined ? '' : `; the nearest is ${topicText(near.topicFilter)}: ${near.difference}`
  const has =
    filters.length === 0
      ? 'has no subscription'
      : `has ${counted(filters.length, 'subscription')}, none of which matches ${topicText(topic)}`
  const none = derived('not subscribed', `${nameOf(clientId)} ${has}${nearly}.`)
  const [last] = entriesOf(inquiry, clientId, ({ kind, subject }) => isAbout(kind, subject, topic))
  if (last === undefined) return [none]
  const { entry, untilMs } = last
  const filter = topicText(entry.subject ?? '')
  if (entry.kind === RecordKind.Unsubscribed)
    return [recorded('unsubscribed', `${nameOf(clientId)} unsubscribed from ${filter}.`, untilMs), none]
  const code = reasonCodeName(entry.code as ReasonCode)
  const refused = recorded(
    'subscription refused',
    `${nameOf(clientId)} was refused the subscription ${filter} (${code}).`,
    untilMs,
  )
  const isDenied = entry.code === ReasonCode.NotAuthorized
  return [refused, ...(isDenied ? await deniedFact(inquiry, clientId, 'subscribe', entry.subject ?? '') : []), none]
}

function isAbout(kind: RecordKind, subject: string | undefined, topic: string): boolean {
  const isEnd = kind === RecordKind.Unsubscribed || kind === RecordKind.SubscribeRefused
  return isEnd && subject !== undefined && matches(partOf(subject), topic)
}

/** Another member of a Shared Subscription had it. */
function takenFacts(
  inquiry: Inquiry,
  clientId: string,
  shared: readonly Subscription[],
  { delivered, published }: TopicEvidence,
): WhyFact[] {
  const taken = delivered.find(
    (each) => each.clientId !== clientId && each.untilMs >= published!.atMs && isMember(inquiry, each.clientId, shared),
  )
  if (taken === undefined) return []
  const group = topicText(shared[0]!.topicFilter)
  const text = `The message went to ${nameOf(taken.clientId)}, another member of the Shared Subscription ${group}: each message goes to one of them.`
  return [recorded('taken by another member', text, taken.untilMs)]
}

/** A message of QoS 0 that came to a Shared Subscription while this member was away: nothing is kept for it. */
function awayFacts(
  inquiry: Inquiry,
  clientId: string,
  shared: readonly Subscription[],
  published: Evidence,
): WhyFact[] {
  const [left] = entriesOf(inquiry, clientId, ({ kind }) => kind === RecordKind.Disconnected)
  const isAtMostOnce = isPublish(published.entry) && ((published.entry.firstByte >> 1) & 3) === 0
  if (left === undefined || left.untilMs > published.untilMs || !isAtMostOnce) return []
  const text = `${nameOf(clientId)} left at ${timeText(left.untilMs)}, and a message of QoS 0 does not wait for an absent member of a Shared Subscription such as ${topicText(shared[0]!.topicFilter)}.`
  return [derived('not connected', text)]
}

export function isShared({ topicFilter }: Subscription): boolean {
  return topicFilter.startsWith('$share/')
}

/** Whether a Client has one of these Shared Subscriptions. */
export function isMember(inquiry: Inquiry, clientId: string, shared: readonly Subscription[]): boolean {
  const subscriptions = inquiry.server.sessions.get(clientId)?.session.subscriptions
  return shared.some(({ topicFilter }) => subscriptions?.has(topicFilter) === true)
}

/** The message came before the Subscription. */
function lateFacts(
  inquiry: Inquiry,
  clientId: string,
  topic: string,
  matching: readonly Subscription[],
  publishedMs: number,
): WhyFact[] {
  const made = madeAfter(inquiry, clientId, topic, publishedMs)
  if (made === undefined) return []
  const what = `The latest message to ${topicText(topic)} was published at ${timeText(publishedMs)}`
  const late = recorded('subscribed later', `${what}, before ${nameOf(clientId)} subscribed${made.after}.`, made.atMs)
  const isUnasked = matching.every(({ retainHandling }) => retainHandling === 2)
  if (!isUnasked || inquiry.server.retainedMessages.get(topic) === undefined) return [late]
  const text = `${topicText(topic)} has a retained message, and ${nameOf(clientId)} asked for none when it subscribed (Retain Handling 2).`
  return [derived('Retain Handling', text), late]
}

/** A Subscription that was made when its Session had none that matched. */
interface Made {
  readonly atMs: number
  /** What had ended the one before, for the end of a sentence. */
  readonly after: string
}

/**
 * When a matching Subscription was made after a time at which there was none.
 *
 *   no Session, Unsubscribed   no Subscription
 *   Subscribed                 a Subscription
 *   anything else              as before; at the beginning of the record, nothing is known
 */
function madeAfter(inquiry: Inquiry, clientId: string, topic: string, publishedMs: number): Made | undefined {
  const entries = entriesOf(inquiry, clientId, () => true).toReversed()
  let isSubscribed: boolean | undefined
  let after = ''
  for (const { entry, atMs } of entries) {
    const { kind, subject } = entry
    const isOver = atMs > publishedMs
    if (isOver && isSubscribed === true) return undefined
    if (isNewSession(entry)) isSubscribed = false
    else if (kind === RecordKind.SessionEnded && !isOver) {
      isSubscribed = false
      after = ` again: its session had ended at ${timeText(atMs)} (${subject ?? ''})`
    } else if (kind !== RecordKind.Subscribed && kind !== RecordKind.Unsubscribed) continue
    else if (subject === undefined || !matches(partOf(subject), topic)) continue
    else if (kind === RecordKind.Subscribed && isOver) return isSubscribed === false ? { atMs, after } : undefined
    else {
      isSubscribed = kind === RecordKind.Subscribed
      after = isSubscribed ? '' : ` again: it had unsubscribed at ${timeText(atMs)}`
    }
  }
  return undefined
}

function isNewSession({ kind, detail }: RecordEntry): boolean {
  return kind === RecordKind.SessionCreated || (kind === RecordKind.Connected && detail?.endsWith(NEW_SESSION) === true)
}
