/**
 * `topic_taboo`: topics that nobody may use except the user `admin`; all others are allowed.
 *
 * Denied is also every Topic Filter that can match a taboo: `#` and `data/+` are no way around it. Option `taboo` names other
 * topics (Topic Filters) than the ancestor's three.
 *
 * @module
 */
import { ConfigError } from '../base/errors.ts'
import type { Client, Explanation, Plugin, PluginContext, TopicQuestion } from '../broker/plugin.ts'
import { overlaps } from '../topics/containment.ts'
import { matches, topicFilterProblem } from '../topics/topic-filter.ts'

export const DEFAULT_TABOO: readonly string[] = ['prohibited', 'top-secret', 'data/classified']

const EXEMPT_USER = 'admin'

/** @throws {ConfigError} for an invalid Topic Filter */
export default function topicTaboo({ options }: PluginContext): Plugin {
  const taboo = (options['taboo'] as readonly string[] | undefined) ?? DEFAULT_TABOO
  for (const topicFilter of taboo) {
    const problem = topicFilterProblem(topicFilter)
    if (problem === undefined) continue
    throw new ConfigError('ERR_CONFIG_PLUGIN', `taboo: ${JSON.stringify(topicFilter)} is no Topic Filter: ${problem}`)
  }
  return new TopicTaboo(taboo)
}

class TopicTaboo implements Plugin {
  readonly name = 'topic_taboo'
  readonly stable = true
  readonly #taboo: readonly string[]

  constructor(taboo: readonly string[]) {
    this.#taboo = taboo
  }

  mayPublish(client: Client, { topicName }: { readonly topicName: string }): boolean {
    return this.mayReceive(client, topicName)
  }

  maySubscribe(client: Client, topicFilter: string): boolean {
    return isExempt(client) || !this.#taboo.some((taboo) => overlaps(taboo, topicFilter))
  }

  mayReceive(client: Client, topicName: string): boolean {
    return isExempt(client) || !this.#taboo.some((taboo) => matches(taboo, topicName))
  }

  explain({ client, action, topic }: TopicQuestion): Explanation {
    const touches = action === 'subscribe' ? overlaps : matches
    const taboo = this.#taboo.find((each) => touches(each, topic))
    if (taboo === undefined) return { plugin: this.name, decision: 'allow', rule: 'no taboo' }
    if (isExempt(client)) return { plugin: this.name, decision: 'allow', rule: `user ${EXEMPT_USER} is exempt` }
    return { plugin: this.name, decision: 'deny', rule: `topic-check.taboo: ${taboo}` }
  }
}

function isExempt({ userName }: Client): boolean {
  return userName === EXEMPT_USER
}
