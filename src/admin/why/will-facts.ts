/** A Will that has not been published yet. @module */
import type { WhyFact } from '../../broker/host/why-view.ts'
import type { Registration } from '../../broker/sessions/sessions.ts'
import { derived, nameOf, timeText, topicText, type Inquiry } from './facts.ts'

/** Whether the message of a topic is a Will that waits for the end of a connection, or for its Will Delay Interval. */
export async function willFact(inquiry: Inquiry, topic: string): Promise<WhyFact[]> {
  for (const registration of inquiry.server.sessions.all()) {
    await inquiry.pause(1)
    if (registration.will?.fields.topicName === topic) return [factOf(inquiry, registration, topic)]
  }
  return []
}

function factOf(inquiry: Inquiry, registration: Registration, topic: string): WhyFact {
  const { session, will, willDueAtMs, connection } = registration
  const name = nameOf(session.clientId)
  const what = `${topicText(topic)} is the topic of the Will of ${name}`
  if (connection !== undefined)
    return derived('Will not due', `${what}, which is connected: it has not been published.`)
  if (willDueAtMs === undefined) return derived('Will not due', `${what}, and is not due.`)
  const atMs = inquiry.wall(willDueAtMs)
  const text = `${what}, which is published at ${timeText(atMs)}: its Will Delay Interval is ${will!.delayInterval} s.`
  return derived('Will delayed', text)
}
