/** A question of a host program to `broker.explain`, checked and in the form in which plugins are asked. @module */
import { UsageError } from '../../base/errors.ts'
import { show } from '../../base/show.ts'
import { nearest } from '../../base/nearest.ts'
import { isSection } from '../../config/option-reader.ts'
import type { TopicQuestion } from '../../access/plugin.ts'

/** A question about a topic, for `broker.explain`. */
export interface HostQuestion {
  /** The client identifier. Default: empty. */
  clientId?: string
  /** The user name. Default: none, for an anonymous client. */
  userName?: string
  /** The address that the client connects from. Default: empty. */
  address?: string
  /** The name of the listener that it uses. Default: empty. */
  listener?: string
  /** What the client would do. */
  action: 'publish' | 'subscribe' | 'receive'
  /** A topic name; for `subscribe`, a topic filter. */
  topic: string
}

const KEYS = ['clientId', 'userName', 'address', 'listener', 'action', 'topic'] as const

/** The former names of keys. */
const RENAMED: Readonly<Record<string, string>> = { client: 'clientId', user: 'userName' }

/** @throws {UsageError} for another key: a question about `user` would be answered for an anonymous client */
export function topicQuestion(asked: HostQuestion): TopicQuestion {
  if (!isSection(asked)) throw new UsageError(`explain: a question must be an object, got ${show(asked)}`)
  for (const [key, value] of Object.entries(asked)) {
    if (!KEYS.includes(key as never)) throw unknownKey(key)
    if (key !== 'action' && value !== undefined && typeof value !== 'string') {
      throw new UsageError(`explain: ${key} must be a text, got ${show(value)}`)
    }
  }
  const { clientId = '', userName, address = '', listener = '', action, topic } = asked
  return { client: { clientId, userName, address, listener, protocolVersion: 5 }, action, topic }
}

function unknownKey(key: string): UsageError {
  const near = Object.hasOwn(RENAMED, key) ? RENAMED[key] : nearest(key, KEYS)
  const hint = near === undefined ? `the keys are ${KEYS.join(', ')}` : `did you mean ${near}?`
  return new UsageError(`explain: a question has no ${show(key)}; ${hint}`)
}
