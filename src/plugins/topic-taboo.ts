/**
 * `topic_taboo`: topics that nobody may use except the user `admin`; all others are allowed.
 *
 * Denied is also every Topic Filter that can match a taboo: `#` and `data/+` are no way around it. Option `taboo` names other
 * topics (Topic Filters) than the ancestor's three.
 *
 * @module
 */
import { ConfigError } from '../base/errors.ts'
import type { Client, Explanation, Plugin, PluginContext, TopicQuestion } from '../access/plugin.ts'
import { overlaps, shapeOf, type FilterShape } from '../topics/containment.ts'
import { topicFilterProblem } from '../topics/topic-filter.ts'

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
  readonly #taboo: readonly { readonly topicFilter: string; readonly shape: FilterShape }[]

  constructor(taboo: readonly string[]) {
    this.#taboo = taboo.map((topicFilter) => ({ topicFilter, shape: shapeOf(topicFilter) }))
  }

  mayPublish(client: Client, { topicName }: { readonly topicName: string }): boolean {
    return this.#may(client, topicName)
  }

  maySubscribe(client: Client, topicFilter: string): boolean {
    return this.#may(client, topicFilter)
  }

  mayReceive(client: Client, topicName: string): boolean {
    return this.#may(client, topicName)
  }

  #may(client: Client, topic: string): boolean {
    return isExempt(client) || this.#touched(topic) === undefined
  }

  /** A Topic Name is a filter that matches itself alone. */
  #touched(topic: string): string | undefined {
    const asked = shapeOf(topic)
    return this.#taboo.find(({ shape }) => overlaps(shape, asked))?.topicFilter
  }

  explain({ client, topic }: TopicQuestion): Explanation {
    const taboo = this.#touched(topic)
    if (taboo === undefined) return { plugin: this.name, decision: 'allow', rule: 'no taboo' }
    if (isExempt(client)) return { plugin: this.name, decision: 'allow', rule: `user ${EXEMPT_USER} is exempt` }
    return { plugin: this.name, decision: 'deny', rule: `topic-check.taboo: ${taboo}` }
  }
}

function isExempt({ userName }: Client): boolean {
  return userName === EXEMPT_USER
}
