/**
 * Which messages cross a bridge, and under which topics.
 *
 *   out: { filter: plant/#, local-prefix: hall/, remote-prefix: site7/ }
 *
 *   hall/plant/oven  ── strip local-prefix ──>  plant/oven  ── add remote-prefix ──>  site7/plant/oven
 *
 * Where several rules match a topic, the first one applies. A Response Topic names where the answer is expected: it is
 * rewritten so that the answer finds its way back over the bridge if a rule of the other direction allows that, and
 * otherwise as the topic of its message.
 *
 * @module
 */
import type { BridgeRule } from '../config/option-values.ts'
import { matches } from '../topics/topic-filter.ts'
import type { QoS } from '../codec/packet-types.ts'

/** A rule seen from the side where its messages come from. */
export interface Route {
  /** The filter to subscribe to. */
  readonly topicFilter: string
  readonly qos: QoS
  /** What the topic begins with there. */
  readonly from: string
  /** What it begins with on the other side. */
  readonly to: string
}

/** Beyond it, the topics that are remembered are forgotten. */
const MOST_REMEMBERED = 4096
const LONGEST_REMEMBERED = 512
const DEFAULT_QOS = 1

/** One direction of a bridge. */
export class TopicMapping {
  readonly routes: readonly Route[]
  /** What became of topics that were seen lately. */
  readonly #known = new Map<string, string | undefined>()

  constructor(routes: readonly Route[]) {
    this.routes = routes
  }

  /** From this broker to the other. */
  static out(rules: readonly BridgeRule[]): TopicMapping {
    return new TopicMapping(
      rules.map(({ filter, qos = DEFAULT_QOS, localPrefix = '', remotePrefix = '' }) => ({
        topicFilter: localPrefix + filter,
        qos,
        from: localPrefix,
        to: remotePrefix,
      })),
    )
  }

  /** From the other broker to this one. */
  static in(rules: readonly BridgeRule[]): TopicMapping {
    return TopicMapping.out(
      rules.map(({ filter, qos = DEFAULT_QOS, localPrefix = '', remotePrefix = '' }) => {
        return { filter, qos, localPrefix: remotePrefix, remotePrefix: localPrefix }
      }),
    )
  }

  /** The route of a topic. */
  routeOf(topicName: string): Route | undefined {
    return this.routes.find(({ topicFilter }) => matches(topicFilter, topicName))
  }

  /** The topic on the other side; `undefined` if it does not cross. Hot: asked for every message. */
  map(topicName: string): string | undefined {
    const known = this.#known.get(topicName)
    if (known !== undefined || this.#known.has(topicName)) return known
    const route = this.routeOf(topicName)
    const mapped = route && route.to + topicName.slice(route.from.length)
    if (topicName.length > LONGEST_REMEMBERED) return mapped
    if (this.#known.size >= MOST_REMEMBERED) this.#known.clear()
    this.#known.set(topicName, mapped)
    return mapped
  }

  /** The topic on the side where messages of this direction come from, for one on the side where they go to. */
  mapBack(topicName: string): string | undefined {
    for (const { topicFilter, from, to } of this.routes) {
      if (!topicName.startsWith(to)) continue
      const mapped = from + topicName.slice(to.length)
      if (matches(topicFilter, mapped)) return mapped
    }
    return undefined
  }
}

/**
 * The Response Topic of a message on the other side.
 *
 * @param there the direction of the message
 * @param back the direction of its answer
 */
export function mapResponseTopic(responseTopic: string, there: TopicMapping, back: TopicMapping): string {
  return back.mapBack(responseTopic) ?? there.map(responseTopic) ?? responseTopic
}
