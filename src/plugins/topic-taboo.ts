/**
 * `topic_taboo`: topics that only the user `admin` may use; all others are allowed.
 *
 * A topic filter that can match a taboo is denied as well, so `#` and `data/+` do not bypass it. Option `taboo`
 * replaces the ancestor's three topics by other topic filters.
 *
 * @module
 */
import { ConfigError } from '../base/errors.ts'
import type { Client, Explanation, Plugin, PluginContext, TopicQuestion } from '../access/plugin.ts'
import { overlaps, shapeOf, type FilterShape } from '../topics/containment.ts'
import { topicFilterProblem } from '../topics/topic-filter.ts'

export const DEFAULT_TABOO: readonly string[] = ['prohibited', 'top-secret', 'data/classified']

const EXEMPT_USER = 'admin'

/** @throws {ConfigError} for an invalid topic filter */
export default function topicTaboo({ options }: PluginContext): Plugin {
  const taboo = (options['taboo'] as readonly string[] | undefined) ?? DEFAULT_TABOO
  for (const topicFilter of taboo) {
    const problem = topicFilterProblem(topicFilter)
    if (problem === undefined) continue
    throw new ConfigError(
      'ERR_CONFIG_PLUGIN',
      `taboo: ${JSON.stringify(topicFilter)} is not a topic filter: ${problem}`,
    )
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

  /** A topic name is a filter that matches only itself. */
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
