/** What a Session knows about messages of a topic: those that were given up, and those that wait. @module */
import type { WhyFact } from '../../broker/host/why-view.ts'
import { heldMessageViewOf, waitTable } from '../../broker/sessions/held-message-view.ts'
import type { Registration } from '../../broker/sessions/sessions.ts'
import { keptTopic } from '../../protocol/drop-log.ts'
import { dropTable } from '../../reporting/metric-table.ts'
import { Work } from '../../base/work.ts'
import { counted, derived, nameOf, recorded, topicText, type Inquiry } from './facts.ts'

/** Held messages that are looked at. */
const MAX_LOOKED = 1000

/** @param sinceMs when the topic was last published to: what a client that is away has missed before is no answer */
export function dropFacts(
  inquiry: Inquiry,
  { session }: Registration,
  topic: string,
  sinceMs: number | undefined,
): WhyFact[] {
  const facts: WhyFact[] = []
  for (const { cause, topicName, count, firstAtMs, lastAtMs } of session.drops?.all() ?? []) {
    const [from, to] = [inquiry.wall(firstAtMs), inquiry.wall(lastAtMs)]
    const isOther = topicName !== keptTopic(topic) && (cause !== 'not connected' || session.connection !== undefined)
    if (isOther || !inquiry.isNear(from, to)) continue
    if (cause === 'not connected' && sinceMs !== undefined && to < sinceMs) continue
    const what = `${counted(count, 'message')}${cause === 'not connected' ? ' of QoS 0' : ` to ${topicText(topic)}`}`
    facts.push(recorded(cause, `${what} did not reach ${nameOf(session.clientId)} (${cause}). ${dropTable[cause]}`, to))
  }
  return facts
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
