/** `why`: about a message, a connection, or logins that were refused, as the parameters say. @module */
import { UsageError } from '../../base/errors.ts'
import type { Broker } from '../../broker/broker.ts'
import type { AdminCaller } from '../../broker/host/trace-admin.ts'
import type { WhyQuery, WhyView } from '../../broker/host/why-view.ts'
import { topicNameProblem } from '../../topics/topic-name.ts'
import { roles } from '../operation.ts'
import { operationTable } from '../operation-table.ts'
import { maySeePayloads } from '../show-payloads.ts'
import { traceSettings } from '../trace/trace-limits.ts'
import type { Sight } from './facts.ts'
import { whyClosed } from './why-closed.ts'
import { whyMessage } from './why-message.ts'
import { whyRefused } from './why-refused.ts'

/**
 * @param caller who asks, which decides about payloads and rules; default: the host program
 * @throws {UsageError} if it is not clear what is asked
 */
export async function why(broker: Broker, query: WhyQuery, caller?: AdminCaller): Promise<WhyView> {
  const { clientId, topic, at } = query
  if (topic === undefined)
    return clientId === undefined ? whyRefused(broker, named(query)) : whyClosed(broker, clientId, at)
  if (clientId === undefined) throw new UsageError('why: a topic needs a clientId: whose message is missing?')
  const problem = topicNameProblem(topic)
  if (problem !== undefined) throw new UsageError(`why: topic is no topic name: ${problem}`)
  return whyMessage(broker, { clientId, topic, at }, sightOf(broker, caller))
}

function sightOf(broker: Broker, caller: AdminCaller | undefined): Sight {
  if (caller === undefined) return { payloads: true, rules: true }
  const rules = roles.indexOf(caller.role) >= roles.indexOf(operationTable.explain.role)
  return { payloads: maySeePayloads(traceSettings(broker), caller), rules }
}

function named(query: WhyQuery): WhyQuery {
  if (query.userName !== undefined || query.address !== undefined) return query
  throw new UsageError('why: name a clientId, a userName or an address')
}
