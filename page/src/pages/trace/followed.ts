/** What a trace follows, as a text. @module */
import type { TraceFilter } from '../../../../src/broker/host/trace-admin.ts'
import { texts } from '../../texts.ts'

const own = texts.trace.conditions

export function whatIsFollowed({ clientId, userName, address, topicFilter }: TraceFilter): string {
  return [
    clientId !== undefined && own.clientId(clientId),
    userName !== undefined && own.userName(userName),
    address !== undefined && own.address(address),
    topicFilter !== undefined && own.topicFilter(topicFilter),
  ]
    .filter((condition) => condition !== false)
    .join(', ')
}
