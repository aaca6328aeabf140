/** Messages of QoS 0 that were counted together, so that not all of their topics are recorded. @module */
import { RecordKind } from '../../reporting/recorder/record-kind.ts'
import type { WhyFact } from '../../broker/host/why-view.ts'
import type { Subscription } from '../../protocol/subscription.ts'
import type { Evidence, TopicEvidence } from './evidence.ts'
import { counted, nameOf, timeText, topicText, unknown } from './facts.ts'

/**
 * That the message may be one of them, and that nothing else is known.
 *
 * @param matching the Subscriptions that the topic matches
 * @param mayHave which Clients may have received it
 */
export function mixedFacts(
  topic: string,
  matching: readonly Subscription[],
  { published, mixed }: TopicEvidence,
  mayHave: (clientId: string) => boolean,
): WhyFact[] {
  if (published === undefined || !mayBeAtMostOnce(published, matching)) return []
  const evidence = mixed.find(({ clientId, untilMs }) => untilMs >= published.atMs && mayHave(clientId))
  return evidence === undefined ? [] : [factOf(evidence, topic)]
}

/** Whether the message was delivered at QoS 0. */
function mayBeAtMostOnce({ entry }: Evidence, matching: readonly Subscription[]): boolean {
  const isKnown = entry.kind === RecordKind.Received
  return !isKnown || ((entry.firstByte >> 1) & 3) === 0 || matching.some(({ qos }) => qos === 0)
}

function factOf({ clientId, entry, atMs, untilMs }: Evidence, topic: string): WhyFact {
  const messages = `${counted(entry.count, 'message')} at QoS 0 went to ${nameOf(clientId)}`
  const when = `between ${timeText(atMs)} and ${timeText(untilMs)}`
  const text = `${messages} ${when}, of which two topics are recorded; whether one was to ${topicText(topic)} is not known.`
  return unknown('topics not recorded', text, untilMs)
}
