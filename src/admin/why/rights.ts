/** Which rule denies something at present. @module */
import type { WhyFact } from '../../broker/host/why-view.ts'
import type { TopicQuestion } from '../../access/plugin.ts'
import { decidedBy } from '../../reporting/denials.ts'
import { derived, nameOf, topicText, type Inquiry } from './facts.ts'

const DOING = { publish: 'publish to', subscribe: 'subscribe to', receive: 'receive' } as const

/** @returns a fact if the rules deny it now to a client that has a session */
export async function deniedFact(
  inquiry: Inquiry,
  clientId: string,
  action: TopicQuestion['action'],
  topic: string,
): Promise<WhyFact[]> {
  const client = inquiry.server.sessions.get(clientId)?.client
  if (client === undefined) return []
  const { userName, address, listener } = client
  const explanation = await inquiry.broker.explain({
    ...(userName !== undefined && { userName }),
    ...{ clientId, address, listener, action, topic },
  })
  if (explanation.decision === 'allow') return []
  const text = `${nameOf(clientId)} may not ${DOING[action]} ${topicText(topic)}: ${decidedBy(explanation)}.`
  return [derived('not authorized', text)]
}
