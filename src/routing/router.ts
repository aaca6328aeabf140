/**
 * Routes an Application Message to all its receivers.
 *
 *   Topic Name ──> RouteCache ──miss──> TopicTrie ──> Routes: one entry a receiver, one for each Shared Subscription
 *
 * Routes are made once for a topic and reused until a permission or a subscription that matches it changes. Overlapping
 * subscriptions of one receiver whose options agree become one entry: one copy, at the highest QoS [5.0 MQTT-3.3.4-2],
 * with all their Subscription Identifiers [5.0 MQTT-3.3.4-4]. If No Local or Retain As Published differ, each has a
 * copy of its own.
 *
 * @module
 */
import { sizeOfText, type MemoryAccount } from '../base/memory-account.ts'
import { WideMap } from '../base/wide-map.ts'
import { Work, type WorkBudget } from '../base/work.ts'
import type { QoS } from '../codec/packet-types.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import { SUBSCRIPTION_BYTES } from '../protocol/memory-sizes.ts'
import type { KnownTopic } from '../protocol/server-side.ts'
import type { DropCause } from '../protocol/drop-cause.ts'
import type { Session } from '../protocol/session.ts'
import type { DeliveryOptions, Subscriber, Subscription } from '../protocol/subscription.ts'
import { readTopicName } from '../codec/publish-view.ts'
import type { CachedTopic } from '../topics/match-cache.ts'
import { parseSharedFilter } from '../topics/topic-filter.ts'
import { NODE_BYTES } from '../topics/topic-size.ts'
import { TopicTrie } from '../topics/topic-trie.ts'
import { RouteCache } from './route-cache.ts'
import { SharedGroup, type Membership } from './shared-group.ts'

/** One receiver of a topic. */
interface Route extends DeliveryOptions {
  readonly subscriber: Subscriber
}

interface Routes {
  readonly receivers: readonly Route[]
  /** Subscribers that may not receive it. */
  readonly denied: ReadonlySet<Subscriber>
  readonly groups: readonly SharedGroup[]
  /**
   * The number of subscriptions from which they were made, since a receiver keeps the Subscription Identifier of each.
   */
  readonly subscriptions: number
}

/** The permissions that the Router asks about (see `Access`), and its reports about subscribers that get nothing. */
export interface RouterSide {
  readonly work: WorkBudget
  readonly checksReceive: boolean
  readonly stable: boolean
  mayReceive(subscriber: Subscriber, topicName: string): boolean
  dropped(receiver: { readonly clientId: string }, message: ApplicationMessage, cause: DropCause): void
}

const NOBODY: ReadonlySet<Subscriber> = new Set()
const NO_ROUTES: Routes = { receivers: [], denied: NOBODY, groups: [], subscriptions: 0 }
/** Stands for the member if no member of a Shared Subscription got the message. */
const NO_MEMBER = { clientId: '' }

export class Router {
  readonly #trie = new TopicTrie<Subscription | SharedGroup>()
  readonly #topics: RouteCache<Routes>
  readonly #groups = new WideMap<SharedGroup>()
  readonly #side: RouterSide
  /** The broker's account, which is charged with subscriptions and the trie. */
  readonly #memory: MemoryAccount
  readonly #found: (Subscription | SharedGroup)[] = []
  /** The number of subscriptions; shared ones are counted by member. */
  subscriptions = 0
  /** The number of shared ones among them. */
  sharedSubscriptions = 0

  constructor(side: RouterSide, seed: number, memory: MemoryAccount) {
    this.#side = side
    this.#memory = memory
    this.#topics = new RouteCache(side.work, seed)
  }

  /** The known topic with those bytes; a new one is decoded and checked. */
  topic(bytes: Uint8Array, start: number, end: number): CachedTopic<Routes> {
    const known = this.#topics.find(bytes, start, end)
    if (known !== undefined) return known
    return this.#topics.put(bytes, start, end, readTopicName(bytes, start, end))
  }

  /** Adds a subscription. The one that it replaces, if any, is removed first by the caller. */
  add(subscription: Subscription): void {
    const nodes = this.#trie.nodes
    this.#add(subscription)
    this.#charge(subscription, 1, this.#trie.nodes - nodes)
  }

  #charge({ topicFilter }: Subscription, sign: 1 | -1, nodes: number): void {
    this.#memory.add(sign * (SUBSCRIPTION_BYTES + sizeOfText(topicFilter)) + nodes * NODE_BYTES)
  }

  #add(subscription: Subscription): void {
    this.subscriptions++
    const shared = parseSharedFilter(subscription.topicFilter)
    if (typeof shared !== 'object') {
      this.#trie.add(subscription.topicFilter, subscription)
      this.#topics.changed(subscription.topicFilter)
      return
    }
    this.sharedSubscriptions++
    let group = this.#groups.get(subscription.topicFilter)
    if (group === undefined) {
      group = new SharedGroup(subscription.topicFilter)
      this.#groups.set(subscription.topicFilter, group)
      this.#trie.add(shared.topicFilter, group)
      this.#topics.changed(shared.topicFilter)
    }
    group.add(subscription as Membership)
  }

  /** Removes a subscription; a Shared Subscription ends with its last member (U-4.8.2-6). */
  remove(subscription: Subscription): void {
    const nodes = this.#trie.nodes
    this.#remove(subscription)
    this.#charge(subscription, -1, this.#trie.nodes - nodes)
  }

  #remove(subscription: Subscription): void {
    this.subscriptions--
    const shared = parseSharedFilter(subscription.topicFilter)
    if (typeof shared !== 'object') {
      this.#trie.remove(subscription.topicFilter, subscription)
      this.#topics.changed(subscription.topicFilter)
      return
    }
    this.sharedSubscriptions--
    const group = this.#groups.get(subscription.topicFilter)
    if (group === undefined) return
    group.remove(subscription.subscriber as Session)
    if (group.size > 0) return
    this.#groups.delete(subscription.topicFilter)
    this.#trie.remove(shared.topicFilter, group)
    this.#topics.changed(shared.topicFilter)
  }

  /** The Shared Subscription of that filter, as members wrote it. */
  group(topicFilter: string): SharedGroup | undefined {
    return this.#groups.get(topicFilter)
  }

  /** The highest QoS that a subscription of a topic was granted; `undefined` if there is none. */
  highestQos(topicName: string): QoS | undefined {
    const { receivers, groups } = this.#routes(topicName)
    let highest: QoS | undefined
    for (const { qos } of receivers) if (highest === undefined || qos > highest) highest = qos
    for (const { highestQos } of groups) if (highest === undefined || highestQos > highest) highest = highestQos
    return highest
  }

  /** Invalidates decisions, because permissions or identities have changed. */
  forget(): void {
    this.#topics.letGo()
  }

  /** Called when a subscriber has ended whose Subscriptions still exist. */
  subscriberEnded(): void {
    this.#topics.forgetAll()
  }

  /** The number of receivers in the routes that are kept. */
  get keptReceivers(): number {
    return this.#topics.receivers
  }

  /**
   * Delivers a message to all its receivers. Hot: runs for every message.
   *
   * @param topic the topic of the message, if it came in a packet
   * @returns how many receivers there were
   */
  route(message: ApplicationMessage, topic?: KnownTopic): number {
    const { receivers, denied, groups } = topic === undefined ? this.#routes(message.topicName) : this.#cached(topic)
    const asks = this.#side.checksReceive && !this.#side.stable
    if (asks) this.#side.work.spend(receivers.length * Work.question)
    const { publisher } = message
    let count = 0
    for (let at = 0; at < receivers.length; at++) {
      const route = receivers[at]!
      const { subscriber } = route
      if (route.noLocal && subscriber.clientId === publisher) continue // [5.0 MQTT-3.8.3-3]
      if (asks && !this.#side.mayReceive(subscriber, message.topicName)) {
        this.#side.dropped(subscriber, message, 'not authorized')
        continue
      }
      subscriber.deliver(message, route)
      count++
    }
    if (denied.size > 0) for (const receiver of denied) this.#side.dropped(receiver, message, 'not authorized')
    for (const group of groups) {
      const cause = group.deliver(message, this.#mayHave, this.#side.work)
      if (cause === undefined) count++
      else this.#side.dropped(NO_MEMBER, message, cause)
    }
    return count
  }

  readonly #mayHave = (session: Session, message: ApplicationMessage): boolean =>
    this.#side.mayReceive(session, message.topicName)

  #cached(topic: KnownTopic): Routes {
    if (topic.version === this.#topics.version) return topic.result as Routes
    const routes = this.#routes(topic.topicName)
    this.#topics.keep(topic as CachedTopic<Routes>, routes)
    return routes
  }

  #routes(topicName: string): Routes {
    const found = this.#found
    found.length = 0
    this.#trie.match(topicName, found)
    this.#side.work.spend(this.#trie.visited * Work.node + found.length)
    if (found.length === 0) return NO_ROUTES
    const filters = this.#side.checksReceive && this.#side.stable
    if (filters) this.#side.work.spend(found.length * Work.question)
    const subscriptions: Subscription[] = []
    const groups: SharedGroup[] = []
    let denied: Set<Subscriber> | undefined
    for (const value of found) {
      if (value instanceof SharedGroup) groups.push(value)
      else if (value.subscriber.isEnded) continue
      else if (!filters || this.#side.mayReceive(value.subscriber, topicName)) subscriptions.push(value)
      else (denied ??= new Set()).add(value.subscriber)
    }
    return { receivers: merge(subscriptions), denied: denied ?? NOBODY, groups, subscriptions: found.length }
  }
}

/** One entry for subscriptions of one receiver whose options agree. */
function merge(subscriptions: readonly Subscription[]): readonly Route[] {
  if (subscriptions.length < 2) return subscriptions
  const merged = new Map<Subscriber, Route[]>()
  for (const subscription of subscriptions) {
    const { subscriber, noLocal, retainAsPublished } = subscription
    const routes = merged.get(subscriber)
    if (routes === undefined) {
      merged.set(subscriber, [subscription])
      continue
    }
    const at = routes.findIndex((one) => one.noLocal === noLocal && one.retainAsPublished === retainAsPublished)
    if (at < 0) routes.push(subscription)
    else routes[at] = join(routes[at]!, subscription)
  }
  return merged.size === subscriptions.length ? subscriptions : [...merged.values()].flat()
}

function join(one: Route, other: Subscription): Route {
  const joined = one instanceof JoinedRoute ? one : new JoinedRoute(one)
  joined.add(other)
  return joined
}

/** Several subscriptions of one receiver. There may be very many, so each adds to the entry. */
class JoinedRoute implements Route {
  readonly subscriber: Subscriber
  qos: QoS
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly subscriptionIdentifiers: number[]

  constructor({ subscriber, qos, noLocal, retainAsPublished, subscriptionIdentifiers }: Route) {
    this.subscriber = subscriber
    this.qos = qos
    this.noLocal = noLocal
    this.retainAsPublished = retainAsPublished
    this.subscriptionIdentifiers = [...subscriptionIdentifiers]
  }

  add({ qos, subscriptionIdentifiers }: Subscription): void {
    if (qos > this.qos) this.qos = qos
    this.subscriptionIdentifiers.push(...subscriptionIdentifiers)
  }
}
