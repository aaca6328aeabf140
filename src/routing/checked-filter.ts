/** The form of a Topic Filter that a Client sent, checked and taken apart. @module */
import { ProtocolError } from '../codec/protocol-error.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { parseSharedFilter, topicFilterProblem } from '../topics/topic-filter.ts'

export interface CheckedFilter {
  /** The filter without `$share/Name/`. */
  readonly matchFilter: string
  readonly isShared: boolean
}

/** @throws {ProtocolError} if §4.7 or §4.8.2 forbids the filter [5.0 MQTT-4.8.2-1] */
export function checkFilter(topicFilter: string): CheckedFilter {
  const shared = parseSharedFilter(topicFilter)
  const matchFilter = typeof shared === 'object' ? shared.topicFilter : topicFilter
  const problem = typeof shared === 'string' ? shared : topicFilterProblem(matchFilter)
  if (problem !== undefined) throw new ProtocolError(ReasonCode.ProtocolError, `${topicFilter}: ${problem}`)
  return { matchFilter, isShared: shared !== undefined }
}
