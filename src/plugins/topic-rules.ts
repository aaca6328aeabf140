/**
 * Rules that say who may do what with which topic, and the one way in which they are judged.
 *
 *   publish, receive   a Topic Name:   no deny rule matches it, and an allow rule does
 *   subscribe          a Topic Filter: no deny rule can match what it matches, and one allow rule matches all of that
 *
 * In the filter of a rule with placeholders `%u` stands for the Client's User Name and `%c` for its Client Identifier. A name
 * that contains `/`, `+` or `#`, or that would begin the topic with a `$`, would reach further than one level, and an empty
 * one beside other letters would make the level somebody else's: an allow rule never matches for it, a deny rule takes that
 * level as `+`.
 *
 * A long list of rules meets topics and names of up to 64 KiB. So the question is taken apart once, each rule was when it was
 * made, and what is left for a rule is to compare levels.
 *
 * @module
 */
import type { Client, Explanation, Plugin, TopicQuestion } from '../access/plugin.ts'
import { covers, overlaps, shapeOf, type FilterShape } from '../topics/containment.ts'

/** One rule. */
export interface TopicRule {
  readonly effect: 'allow' | 'deny'
  /** Whether it speaks about publishing. */
  readonly publish: boolean
  /** Whether it speaks about subscribing and receiving. */
  readonly subscribe: boolean
  /** Of its Topic Filter. */
  readonly shape: FilterShape
  /** Levels of the filter in which `%u` or `%c` stand for something, in pieces by their index; `undefined` without any. */
  readonly templates: ReadonlyMap<number, readonly string[]> | undefined
  /** The rule in its own words and where it stands, as `explain` prints it. */
  readonly source: string
}

/** Where `%u` and `%c` stand for something: as whole Topic Levels, also as parts of one, or nowhere. */
export type Placeholders = 'levels' | 'parts' | 'none'

const PLACES: Readonly<Record<Placeholders, RegExp>> = { levels: /^%[uc]$/, parts: /%[uc]/, none: /^(?!)/ }

/** The part of a rule that its Topic Filter decides. */
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

/** Of a Topic Name both are the same: it matches itself alone. */
function applies(effect: TopicRule['effect'], shape: FilterShape, asked: FilterShape): boolean {
  return effect === 'deny' ? overlaps(shape, asked) : covers(shape, asked)
}

type Names = Readonly<Record<'%u' | '%c', string | undefined>>

/** A name that stays within a Topic Level. */
function usable(name: string | undefined): string | undefined {
  return name === undefined || /[/+#]/.test(name) ? undefined : name
}

/** @returns the filter for these names; `undefined` when it cannot be filled in and so allows nothing */
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

/** Adds up pieces, which copies none of them: what is longer than the level it is compared with is never put together. */
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
