/**
 * Rules that say who may do what with which topic, and the one way in which they are judged.
 *
 *   publish, receive   a Topic Name:   no deny rule matches it, and an allow rule does
 *   subscribe          a Topic Filter: no deny rule can match what it matches, and one allow rule matches all of that
 *
 * In the filter of a rule with placeholders a whole Topic Level `%u` stands for the Client's User Name and `%c` for its Client
 * Identifier. A name that contains `/`, `+` or `#`, or that would begin the topic with a `$`, would reach further than one
 * level: an allow rule never matches for it, a deny rule takes it as `+`.
 *
 * @module
 */
import type { Client, Explanation, Plugin, TopicQuestion } from '../broker/plugin.ts'
import { covers, overlaps } from '../topics/containment.ts'
import { matches } from '../topics/topic-filter.ts'

/** One rule. */
export interface TopicRule {
  readonly effect: 'allow' | 'deny'
  /** Whether it speaks about publishing. */
  readonly publish: boolean
  /** Whether it speaks about subscribing and receiving. */
  readonly subscribe: boolean
  readonly topicFilter: string
  /** Whether `%u` and `%c` in the filter stand for something. */
  readonly placeholders: boolean
  /** The rule in its own words and where it stands, as `explain` prints it. */
  readonly source: string
}

/** What decides, and why. */
export interface Verdict {
  readonly decision: 'allow' | 'deny'
  /** `undefined` when no rule speaks about the question, which is a deny. */
  readonly rule: TopicRule | undefined
}

/**
 * Puts a question to a list of rules. Any deny rule that applies decides; otherwise the first allow rule that applies;
 * otherwise it is a deny.
 */
export function judge(rules: readonly TopicRule[], question: TopicQuestion): Verdict {
  let allowing: TopicRule | undefined
  for (const rule of rules) {
    if (!(question.action === 'publish' ? rule.publish : rule.subscribe)) continue
    if (allowing !== undefined && rule.effect === 'allow') continue
    if (!applies(rule, question)) continue
    if (rule.effect === 'deny') return { decision: 'deny', rule }
    allowing = rule
  }
  return { decision: allowing === undefined ? 'deny' : 'allow', rule: allowing }
}

/** Where a plugin's rules come from. */
export interface RuleSource {
  /** The rules that hold for a Client; `undefined` where nothing is said of it, which denies everything. */
  rulesFor(client: Client): readonly TopicRule[] | undefined
  /** What `explain` says when no rule applies. */
  whyNot(client: Client): string
  close?(): void
}

/** A plugin that answers the three topic questions by rules. */
export class TopicRulesPlugin implements Plugin {
  readonly name: string
  readonly stable = true
  readonly #source: RuleSource

  constructor(name: string, source: RuleSource) {
    this.name = name
    this.#source = source
  }

  mayPublish(client: Client, { topicName }: { readonly topicName: string }): boolean {
    return this.#judge({ client, action: 'publish', topic: topicName }).decision === 'allow'
  }

  maySubscribe(client: Client, topicFilter: string): boolean {
    return this.#judge({ client, action: 'subscribe', topic: topicFilter }).decision === 'allow'
  }

  mayReceive(client: Client, topicName: string): boolean {
    return this.#judge({ client, action: 'receive', topic: topicName }).decision === 'allow'
  }

  explain(question: TopicQuestion): Explanation {
    const { decision, rule } = this.#judge(question)
    return { plugin: this.name, decision, rule: rule?.source ?? this.#source.whyNot(question.client) }
  }

  close(): void {
    this.#source.close?.()
  }

  #judge(question: TopicQuestion): Verdict {
    return judge(this.#source.rulesFor(question.client) ?? [], question)
  }
}

function applies(rule: TopicRule, { client, action, topic }: TopicQuestion): boolean {
  const { effect, topicFilter, placeholders } = rule
  const filter = placeholders ? fillIn(topicFilter, client, effect) : topicFilter
  if (filter === undefined) return false
  if (action !== 'subscribe') return matches(filter, topic)
  return effect === 'deny' ? overlaps(filter, topic) : covers(filter, topic)
}

/** @returns the filter for this Client; `undefined` when it cannot be filled in and so allows nothing */
function fillIn(topicFilter: string, client: Client, effect: TopicRule['effect']): string | undefined {
  if (!topicFilter.includes('%')) return topicFilter
  const levels = topicFilter.split('/')
  for (const [index, level] of levels.entries()) {
    if (level !== '%u' && level !== '%c') continue
    const name = level === '%u' ? client.userName : client.clientId
    const fits = name !== undefined && !/[/+#]/.test(name) && !(index === 0 && name.startsWith('$'))
    if (!fits && effect === 'allow') return undefined
    levels[index] = fits ? name : '+'
  }
  return levels.join('/')
}
