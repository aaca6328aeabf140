/** What a Session knows about messages of a topic: those that were given up, and those that wait. @module */
import type { WhyFact } from '../../broker/host/why-view.ts'
import { heldMessageViewOf, waitTable } from '../../broker/sessions/held-message-view.ts'
import type { Registration } from '../../broker/sessions/sessions.ts'
import type { Subscription } from '../../protocol/subscription.ts'
import { dropTable } from '../../reporting/metric-table.ts'
import { Work } from '../../base/work.ts'
import { RecordKind } from '../../reporting/recorder/record-kind.ts'
import { entriesOf, isPublish, type Evidence } from './evidence.ts'
import { counted, derived, nameOf, recorded, topicText, type Inquiry } from './facts.ts'

/** Held messages that are looked at. */
const MAX_LOOKED = 1000

/**
 * @param matching the Subscriptions that the topic matches
 * @param published the latest message: what a client that is away has missed before is no answer
 */
export function dropFacts(
  inquiry: Inquiry,
  registration: Registration,
  topic: string,
  matching: readonly Subscription[],
  published: Evidence | undefined,
): WhyFact[] {
  const { session } = registration
  const facts: WhyFact[] = []
  for (const { cause, topicName, count, firstAtMs, lastAtMs } of session.drops?.all() ?? []) {
    const [from, to] = [inquiry.wall(firstAtMs), inquiry.wall(lastAtMs)]
    const isOther =
      topicName !== topic && (cause !== 'not connected' || !isMissed(inquiry, registration, matching, published))
    if (isOther || !inquiry.isNear(from, to)) continue
    if (cause === 'not connected' && published !== undefined && to < published.atMs) continue
    const what = `${counted(count, 'message')}${cause === 'not connected' ? ' of QoS 0' : ` to ${topicText(topic)}`}`
    facts.push(recorded(cause, `${what} did not reach ${nameOf(session.clientId)} (${cause}). ${dropTable[cause]}`, to))
  }
  return facts
}

/**
 * Whether a message was of QoS 0 for a Client that has been away since before it came. Such messages are counted
 * together, so the topic of the last one says nothing about the others.
 */
function isMissed(
  inquiry: Inquiry,
  { session, connection }: Registration,
  matching: readonly Subscription[],
  published: Evidence | undefined,
): boolean {
  if (connection !== undefined || published === undefined || !isPublish(published.entry)) return false
  const [left] = entriesOf(inquiry, session.clientId, ({ kind }) => kind === RecordKind.Disconnected)
  if (left === undefined || left.untilMs > published.untilMs) return false
  const isAtMostOnce = ((published.entry.firstByte >> 1) & 3) === 0
  const own = matching.filter(({ topicFilter }) => !topicFilter.startsWith('$share/'))
  return own.length > 0 && (isAtMostOnce || own.every(({ qos }) => qos === 0))
}

/** What messages of that topic wait for. */
export function waitFact(inquiry: Inquiry, registration: Registration, topic: string): WhyFact[] {
  const { session } = registration
  const { deliveries } = session.heldAfter(0, MAX_LOOKED)
  inquiry.server.turn.work.spend(Work.entry * deliveries.length)
  const held = deliveries.filter(({ message }) => message.topicName === topic)
  if (held.length === 0) return []
  const { waitsFor, state } = heldMessageViewOf(registration, held[0]!, 0, 0)
  const what = `${counted(held.length, 'message')} to ${topicText(topic)} ${held.length === 1 ? 'is' : 'are'}`
  const where = state === 'queued' ? 'queued' : 'in flight and not acknowledged'
  return [derived(`waits for ${waitsFor}`, `${what} ${where} for ${nameOf(session.clientId)}: ${waitTable[waitsFor]}`)]
}
