/** Which rule denies something at present. @module */
import type { WhyFact } from '../../broker/host/why-view.ts'
import type { TopicQuestion } from '../../access/plugin.ts'
import type { ConsoleRights } from '../../protocol/client.ts'
import { decidedBy } from '../../reporting/denials.ts'
import { MAX_NAME_LENGTH, type ClosedConnectionView } from '../../broker/sessions/closed-connections.ts'
import { derived, excerpt, nameOf, topicText, type Inquiry } from './facts.ts'
import { lastClosed } from './why-closed.ts'

const DOING = { publish: 'publish to', subscribe: 'subscribe to', receive: 'receive' } as const

/**
 * @returns a fact if the rules deny it now to a client that has a session, or is remembered for its latest connection
 */
export async function deniedFact(
  inquiry: Inquiry,
  clientId: string,
  action: TopicQuestion['action'],
  topic: string,
): Promise<WhyFact[]> {
  const client = inquiry.server.sessions.get(clientId)?.client ?? (await rememberedClient(inquiry, clientId))
  if (client === undefined) return []
  if ('console' in client && client.console !== undefined) return consoleFacts(clientId, client.console, action, topic)
  const { userName, address, listener } = client
  const explanation = await inquiry.broker.explain({
    ...(userName !== undefined && { userName }),
    ...{ clientId, address, listener, action, topic },
  })
  if (explanation.decision === 'allow') return []
  // Which rule it is, other doors show to operators only.
  const rule = inquiry.sight.rules ? excerpt(decidedBy(explanation)) : 'a rule denies it, which operators can see'
  const text = `${nameOf(clientId)} may not ${DOING[action]} ${topicText(topic)}: ${rule}.`
  return [derived('not authorized', text)]
}

/** No plugin is asked about the console of an operator. */
function consoleFacts(
  clientId: string,
  rights: ConsoleRights,
  action: TopicQuestion['action'],
  topic: string,
): WhyFact[] {
  if (action === 'publish' || rights === 'all') return []
  const rule = 'it is the console of an operator who may not see payloads (admin.show-payloads)'
  return [derived('not authorized', `${nameOf(clientId)} may not ${DOING[action]} ${topicText(topic)}: ${rule}.`)]
}

/** A name that was cut is another one, and may have other rights. */
async function rememberedClient(inquiry: Inquiry, clientId: string): Promise<ClosedConnectionView | undefined> {
  const closed = await lastClosed(inquiry, clientId)
  return closed === undefined || isCut(clientId) || isCut(closed.userName ?? '') ? undefined : closed
}

function isCut(name: string): boolean {
  return name.length >= MAX_NAME_LENGTH
}
