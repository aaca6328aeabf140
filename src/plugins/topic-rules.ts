/**
 * Rules that allow or deny topics, and the one procedure that evaluates them.
 *
 *   publish, receive   a Topic Name:   no deny rule matches it, and an allow rule does
 *   subscribe          a Topic Filter: no deny rule overlaps it, and one allow rule covers all of it
 *
 * In the filter of a rule with placeholders, `%u` is the client's user name and `%c` its client identifier. A name that
 * contains `/`, `+` or `#`, or that would begin the topic with `$`, would reach beyond its level, and an empty one next
 * to other letters would give the level of another client. An allow rule never matches such a name; a deny rule treats
 * the level as `+`.
 *
 * A long list of rules meets topics and names of up to 64 KiB. The question is therefore parsed once, each rule was
 * parsed when it was created, and all that is left for a rule is to compare levels.
 *
 * @module
 */
import type { Client, Explanation, Plugin, TopicQuestion } from '../access/plugin.ts'
import { covers, overlaps, shapeOf, type FilterShape } from '../topics/containment.ts'

/** One rule. */
export interface TopicRule {
  readonly effect: 'allow' | 'deny'
  /** Whether it applies to publishing. */
  readonly publish: boolean
  /** Whether it applies to subscribing and receiving. */
  readonly subscribe: boolean
  /** The shape of its topic filter. */
  readonly shape: FilterShape
  /** Levels of the filter with `%u` or `%c`, split into pieces, by index; `undefined` if there are none. */
  readonly templates: ReadonlyMap<number, readonly string[]> | undefined
  /** The rule as written and its place, as `explain` prints it. */
  readonly source: string
}

/** Where `%u` and `%c` are placeholders: as whole topic levels, also as parts of one, or nowhere. */
export type Placeholders = 'levels' | 'parts' | 'none'

const PLACES: Readonly<Record<Placeholders, RegExp>> = { levels: /^%[uc]$/, parts: /%[uc]/, none: /^(?!)/ }

/** The part of a rule that follows from its topic filter. */
export function filterOfRule(topicFilter: string, placeholders: Placeholders): Pick<TopicRule, 'shape' | 'templates'> {
  const shape = shapeOf(topicFilter)
  const templates = new Map<number, readonly string[]>()
  for (const [index, level] of shape.levels.entries()) {
    if (PLACES[placeholders].test(level))
      templates.set(
        index,
        level.split(/(%[uc])/).filter((piece) => piece !== ''),
      )
  }
  return { shape, templates: templates.size === 0 ? undefined : templates }
}

/** The decision and the rule behind it. */
export interface Verdict {
  readonly decision: 'allow' | 'deny'
  /** `undefined` if no rule applies, which is a deny. */
  readonly rule: TopicRule | undefined
}

/**
 * Evaluates a list of rules. Any deny rule that applies decides; otherwise the first allow rule that applies; otherwise
 * the answer is deny.
 */
export function judge(rules: readonly TopicRule[], { client, action, topic }: TopicQuestion): Verdict {
  const asked = shapeOf(topic)
  const names = { '%u': usable(client.userName), '%c': usable(client.clientId) }
  let allowing: TopicRule | undefined
  for (const rule of rules) {
    if (!(action === 'publish' ? rule.publish : rule.subscribe)) continue
    if (allowing !== undefined && rule.effect === 'allow') continue
    const shape = rule.templates === undefined ? rule.shape : fillIn(rule, names)
    if (shape === undefined || !applies(rule.effect, shape, asked)) continue
    if (rule.effect === 'deny') return { decision: 'deny', rule }
    allowing = rule
  }
  return { decision: allowing === undefined ? 'deny' : 'allow', rule: allowing }
}

/**
 * The comparison of rules with what one client asks about one topic, for a list that is not judged by `judge`.
 *
 * @param topic a Topic Name, or for `subscribe` a Topic Filter
 */
export function matcherOf(client: Client, topic: string): (rule: TopicRule) => boolean {
  const asked = shapeOf(topic)
  const names = { '%u': usable(client.userName), '%c': usable(client.clientId) }
  return (rule) => {
    const shape = rule.templates === undefined ? rule.shape : fillIn(rule, names)
    return shape !== undefined && applies(rule.effect, shape, asked)
  }
}

/** The source of a plugin's rules. */
export interface RuleSource {
  /** The rules for a client; `undefined` if there are none, which denies everything. */
  rulesFor(client: Client): readonly TopicRule[] | undefined
  /** The explanation if no rule applies. */
  explainDenial(client: Client): string
  close?(): void
}

/** A plugin that answers the three topic questions from rules. */
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
    return { plugin: this.name, decision, rule: rule?.source ?? this.#source.explainDenial(question.client) }
  }

  close(): void {
    this.#source.close?.()
  }

  #judge(question: TopicQuestion): Verdict {
    return judge(this.#source.rulesFor(question.client) ?? [], question)
  }
}

/** For a topic name both are the same, because it matches only itself. */
function applies(effect: TopicRule['effect'], shape: FilterShape, asked: FilterShape): boolean {
  return effect === 'deny' ? overlaps(shape, asked) : covers(shape, asked)
}

type Names = Readonly<Record<'%u' | '%c', string | undefined>>

/** Returns a name that stays within a topic level. */
function usable(name: string | undefined): string | undefined {
  return name === undefined || /[/+#]/.test(name) ? undefined : name
}

/** @returns the filter for these names; `undefined` if it cannot be filled in, so that the rule does not apply */
function fillIn({ shape, effect, templates }: TopicRule, names: Names): FilterShape | undefined {
  const levels = [...shape.levels]
  for (const [index, pieces] of templates!) {
    const filled = fillLevel(pieces, names)
    const fits = filled !== undefined && (index > 0 || !filled.startsWith('$') || pieces[0]!.startsWith('$'))
    if (!fits && effect === 'allow') return undefined
    levels[index] = fits ? filled : '+'
  }
  return { levels, more: shape.more }
}

/** Joins pieces without copying them: the result of a concatenation longer than the level is never flattened. */
function fillLevel(pieces: readonly string[], names: Names): string | undefined {
  let level = ''
  for (const piece of pieces) {
    const isName = piece === '%u' || piece === '%c'
    const text = isName ? names[piece] : piece
    if (text === undefined || (text === '' && pieces.length > 1)) return undefined
    level += text
  }
  return level
}
