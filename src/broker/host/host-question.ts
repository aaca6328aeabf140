/** What a host program asks `broker.explain`, checked and in the form in which plugins are asked. @module */
import { UsageError } from '../../base/errors.ts'
import { show } from '../../base/show.ts'
import { nearest } from '../../base/nearest.ts'
import { isSection } from '../../config/option-reader.ts'
import type { TopicQuestion } from '../../access/plugin.ts'

/** A question about a topic, as a host program asks it. */
export interface HostQuestion {
  /** A Client Identifier; default empty. */
  client?: string
  /** Default: an anonymous client. */
  user?: string
  action: 'publish' | 'subscribe' | 'receive'
  topic: string
}

const KEYS = ['client', 'user', 'action', 'topic'] as const

/** @throws {UsageError} for another key: a question about `userName` would be answered for an anonymous client */
export function topicQuestion(asked: HostQuestion): TopicQuestion {
  if (!isSection(asked)) throw new UsageError(`explain: a question must be an object, got ${show(asked)}`)
  for (const [key, value] of Object.entries(asked)) {
    if (!KEYS.includes(key as never)) throw unknownKey(key)
    if (key !== 'action' && value !== undefined && typeof value !== 'string') {
      throw new UsageError(`explain: ${key} must be a text, got ${show(value)}`)
    }
  }
  const { client: clientId = '', user: userName, action, topic } = asked
  return { client: { clientId, userName, address: '', listener: '', protocolVersion: 5 }, action, topic }
}

function unknownKey(key: string): UsageError {
  const near = nearest(key, KEYS)
  const hint = near === undefined ? `the keys are ${KEYS.join(', ')}` : `did you mean ${near}?`
  return new UsageError(`explain: a question has no ${show(key)}; ${hint}`)
}
