import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WorkBudget } from '../../../src/base/work.ts'
import { MemoryAccount } from '../../../src/base/memory-account.ts'
import { MAX_KEPT_RECEIVERS } from '../../../src/routing/route-cache.ts'
import { Router } from '../../../src/routing/router.ts'
import { Readiness } from '../../../src/protocol/readiness.ts'
import type { Session } from '../../../src/protocol/session.ts'
import type { Subscriber, Subscription } from '../../../src/protocol/subscription.ts'
import { messageOf } from '../../support/fake-server.ts'
import { anyTopicFilter, anyTopicName } from '../topics/arbitraries.ts'
import fc from '../../support/property.ts'

function subscriptionOf(subscriber: Subscriber, topicFilter: string): Subscription {
  const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  return { ...options, subscriber, topicFilter, subscriptionIdentifiers: [] }
}

function routerOf(): { readonly router: Router; readonly memory: MemoryAccount } {
  const memory = new MemoryAccount('broker', '', 0, undefined)
  const side = {
    work: new WorkBudget(() => 0),
    checksReceive: false,
    stable: true,
    mayReceive: () => true,
    dropped: () => {},
  }
  return { router: new Router(side, 1, memory), memory }
}

test('routes of many topics to many subscribers do not add up, wherever the topics are kept', () => {
  const { router } = routerOf()
  let delivered = 0
  const subscribers = Array.from({ length: 2500 }, (_, at) => ({
    clientId: `c${at}`,
    isEnded: false,
    deliver: () => delivered++,
  }))
  for (const subscriber of subscribers) router.add(subscriptionOf(subscriber, '#'))
  // Aliases keep topics that the cache has given up.
  const topics = Array.from({ length: 300 }, (_, at) => {
    const bytes = Buffer.from(`topic/${at}`)
    return router.topic(bytes, 0, bytes.length)
  })
  for (let round = 0; round < 2; round++) {
    for (const topic of topics) {
      assert.equal(router.route(messageOf({ topicName: topic.topicName }), topic), 2500)
      assert.ok(router.keptReceivers <= MAX_KEPT_RECEIVERS)
    }
  }
  const kept = topics.filter(({ result }) => result !== undefined)
  assert.ok(kept.length > 0 && kept.length <= MAX_KEPT_RECEIVERS / 2500, `${kept.length} topics have routes`)
  assert.equal(delivered, 2500 * 600)
  router.forget()
  assert.equal(topics.filter(({ result }) => result !== undefined).length, 0)
})

test('topics that routes are remembered for are let go of the sooner the longer they are', () => {
  const { router } = routerOf()
  const subscriber = { clientId: 'one', isEnded: false, deliver: () => {} }
  router.add(subscriptionOf(subscriber, '#'))
  const topics = Array.from({ length: 500 }, (_, at) => {
    const bytes = Buffer.from(`${at}/`.padEnd(65_535, 'n'))
    const topic = router.topic(bytes, 0, bytes.length)
    router.route(messageOf({ topicName: topic.topicName }), topic)
    return topic
  })
  const kept = topics.filter(({ result }) => result !== undefined)
  // 200 bytes for each of what may be kept would be 50 MB.
  assert.ok(kept.length > 0 && kept.length * 65_535 * 2 <= MAX_KEPT_RECEIVERS * 200, `${kept.length} topics are kept`)
})

test('subscriptions and the nodes of their filters are charged to the broker, and given back', () => {
  const { router, memory } = routerOf()
  const one = { clientId: 'one', isEnded: false, deliver: () => {} }
  const filters = ['a', 'a/b', 'a/b/c/d/e', '#', '$share/g/a/b', '$share/g/x/y']
  const subscriptions = filters.map((filter) => subscriptionOf(one, filter))
  const bytes = subscriptions.map((subscription) => {
    router.add(subscription)
    return memory.bytes
  })
  assert.deepEqual(
    bytes.toSorted((left, right) => left - right),
    bytes,
  )
  for (const subscription of subscriptions) router.remove(subscription)
  assert.equal(memory.bytes, 0)
})

/**
 * Subscribers, their subscriptions and permissions, in front of a Router that lives long or of one made for a question.
 */
class Town {
  readonly work = new WorkBudget(() => 0)
  readonly checksReceive = true
  readonly stable = true
  readonly #deaf: Set<string>
  readonly #taken: string[] = []
  readonly #subscribers: readonly (Subscriber & { isEnded: boolean })[]
  readonly subscriptions = new Map<string, Subscription>()
  readonly router: Router

  constructor(deaf = new Set<string>()) {
    this.#deaf = deaf
    this.#subscribers = Array.from({ length: 4 }, (_, number) => this.#subscriberOf(number))
    this.router = new Router(this, 1, new MemoryAccount('broker', '', 0, undefined))
  }

  #subscriberOf(number: number): Subscriber & { isEnded: boolean } {
    const clientId = `c${number}`
    const session: Pick<Session, 'clientId' | 'readinessFor' | 'deliver'> & { isEnded: boolean } = {
      clientId,
      isEnded: false,
      readinessFor: () => Readiness.Now,
      deliver: (_message, { qos, noLocal, subscriptionIdentifiers }, origin) => {
        // Whose turn it is among members is not for the routes to say.
        const who = origin === undefined ? clientId : origin.topicFilter
        this.#taken.push(`${who} ${qos} ${noLocal} ${subscriptionIdentifiers.toSorted((a, b) => a - b).join()}`)
      },
    }
    return session
  }

  mayReceive({ clientId }: Subscriber, topicName: string): boolean {
    return !this.#deaf.has(`${clientId} ${topicName.length % 2}`)
  }

  dropped({ clientId }: { readonly clientId: string }, _message: unknown, cause: string): void {
    this.#taken.push(`${clientId}: ${cause}`)
  }

  subscribe(number: number, topicFilter: string, qos: 0 | 1 | 2, noLocal: boolean, identifier: number): void {
    const key = `${number} ${topicFilter}`
    const old = this.subscriptions.get(key)
    if (old !== undefined) this.router.remove(old)
    // The rights of members are asked for each message, and those of a group's options are one member's.
    const isShared = topicFilter.startsWith('$share/')
    const options = isShared
      ? ({ qos: 0, noLocal: false, subscriptionIdentifiers: [] } as const)
      : { qos, noLocal, subscriptionIdentifiers: [identifier] }
    const rest = { retainAsPublished: false, retainHandling: 0, topicFilter } as const
    const subscription = { ...options, ...rest, subscriber: this.#subscribers[number]! }
    this.subscriptions.set(key, subscription)
    this.router.add(subscription)
  }

  unsubscribe(key: string): void {
    const subscription = this.subscriptions.get(key)
    if (subscription === undefined) return
    this.subscriptions.delete(key)
    this.router.remove(subscription)
  }

  /** All at once that concerns a Subscriber which ends; its Subscriptions go one by one. */
  end(number: number): void {
    const subscriber = this.#subscribers[number]!
    subscriber.isEnded = true
    this.router.subscriberEnded()
    this.publish('a/b')
    for (const [key, subscription] of [...this.subscriptions]) {
      if (subscription.subscriber === subscriber) this.unsubscribe(key)
    }
    subscriber.isEnded = false
  }

  /** @returns all that became of it */
  publish(topicName: string, topic = this.topic(topicName)): string[] {
    this.#taken.length = 0
    this.router.route(messageOf({ topicName, publisher: 'c0' }), topic)
    return this.#taken.toSorted()
  }

  topic(topicName: string): ReturnType<Router['topic']> {
    const bytes = Buffer.from(topicName)
    return this.router.topic(bytes, 0, bytes.length)
  }

  /** What a Router that has seen nothing else does with it. */
  expect(topicName: string): string[] {
    const fresh = new Town(this.#deaf)
    for (const [key, { qos, noLocal, topicFilter, subscriptionIdentifiers }] of this.subscriptions) {
      fresh.subscribe(Number(key[0]), topicFilter, qos, noLocal, subscriptionIdentifiers[0] ?? 0)
    }
    return fresh.publish(topicName)
  }

  permit(who: string): void {
    if (!this.#deaf.delete(who)) this.#deaf.add(who)
    this.router.forget()
  }
}

const anyNumber = fc.integer({ min: 0, max: 3 })
const anyFilter = fc.oneof(
  { weight: 3, arbitrary: anyTopicFilter },
  { weight: 1, arbitrary: anyTopicName },
  { weight: 1, arbitrary: anyTopicFilter.map((topicFilter) => `$share/g/${topicFilter}`) },
)
const anyChange = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(anyNumber, anyFilter, fc.constantFrom(0 as const, 1 as const, 2 as const), fc.boolean(), anyNumber)
      .map((parts) => (town: Town) => town.subscribe(...parts)),
  },
  {
    weight: 8,
    arbitrary: anyNumber.map((at) => (town: Town) => {
      const keys = [...town.subscriptions.keys()]
      if (keys.length > 0) town.unsubscribe(keys[at % keys.length]!)
    }),
  },
  { weight: 1, arbitrary: anyNumber.map((number) => (town: Town) => town.end(number)) },
  { weight: 1, arbitrary: anyNumber.map((number) => (town: Town) => town.permit(`c${number} 1`)) },
)

test('after any changes each topic goes where it would go without a cache', () => {
  const names = fc.array(anyTopicName, { minLength: 1, maxLength: 5 })
  const steps = fc.array(fc.tuple(anyChange, names), { maxLength: 40 })
  fc.assert(
    fc.property(steps, fc.boolean(), (all, isLarge) => {
      const town = new Town()
      // With few names every change with wildcards forgets all of them; with many it looks for those that match.
      if (isLarge) for (let at = 0; at < 500; at++) town.publish(`other/${at}`)
      const aliases = new Map<string, ReturnType<Town['topic']>>()
      for (const [change, topicNames] of all) {
        change(town)
        for (const topicName of [...topicNames, 'a/b', 'b', 'a/$s/a/b']) {
          const expected = town.expect(topicName)
          assert.deepEqual(town.publish(topicName), expected, topicName)
          const alias = aliases.get(topicName) ?? town.topic(topicName)
          aliases.set(topicName, alias)
          assert.deepEqual(town.publish(topicName, alias), expected, `${topicName} by alias`)
        }
      }
    }),
    { numRuns: 60 },
  )
})

test('topics that the cache has given up, or never took, follow each change as well', () => {
  const town = new Town()
  const long = `long/${'n'.repeat(600)}`
  const aliases = [...Array.from({ length: 30_000 }, (_, at) => `topic/${at}`), long].map((name) => town.topic(name))
  function expectAll(receivers: (topicName: string) => number): void {
    for (const alias of aliases) assert.equal(town.publish(alias.topicName, alias).length, receivers(alias.topicName))
  }
  expectAll(() => 0)
  town.subscribe(1, 'topic/7', 0, false, 1)
  town.subscribe(1, long, 0, false, 1)
  expectAll((topicName) => (topicName === 'topic/7' || topicName === long ? 1 : 0))
  town.subscribe(2, 'long/+', 0, false, 1)
  town.unsubscribe('1 topic/7')
  expectAll((topicName) => (topicName === long ? 2 : 0))
})

/** Units of work that it takes to publish to each of these; routes that are kept take none. */
function unitsToPublish(town: Town, topicNames: readonly string[]): number {
  const before = town.work.units
  for (const topicName of topicNames) town.publish(topicName)
  return town.work.units - before
}

test('a subscription that comes or goes leaves the routes of all topics that it does not match', () => {
  const town = new Town()
  const names = Array.from({ length: 1000 }, (_, at) => `fleet/${at}/state`)
  town.subscribe(0, 'fleet/#', 0, false, 1)
  unitsToPublish(town, names)
  assert.equal(unitsToPublish(town, names), 0)
  for (const topicFilter of ['fleet/7/state', 'fleet/7/+', '+/7/state', 'fleet/7/#', '$share/g/fleet/7/+']) {
    town.subscribe(1, topicFilter, 0, false, 1)
    assert.equal(unitsToPublish(town, names.toSpliced(7, 1)), 0, topicFilter)
    assert.notEqual(unitsToPublish(town, ['fleet/7/state']), 0, topicFilter)
    town.unsubscribe(`1 ${topicFilter}`)
    assert.equal(unitsToPublish(town, names.toSpliced(7, 1)), 0, topicFilter)
    assert.notEqual(unitsToPublish(town, ['fleet/7/state']), 0, topicFilter)
  }
  for (const topicFilter of ['fleet/7', 'fleet/+', '+/+/+/+', 'fleet/+/command', 'other/#', 'other']) {
    town.subscribe(1, topicFilter, 0, false, 1)
    assert.equal(unitsToPublish(town, names), 0, topicFilter)
  }
})

test('very many changes at once cost little more than to forget all routes', () => {
  const town = new Town()
  const names = Array.from({ length: 500 }, (_, at) => `fleet/${at}/state`)
  const first = unitsToPublish(town, names)
  const before = town.work.units
  for (let at = 0; at < 10_000; at++) town.subscribe(0, `other/${at}/+`, 0, false, 1)
  assert.ok(town.work.units - before <= names.length * 10 + 1000, `${town.work.units - before} units`)
  assert.ok(unitsToPublish(town, names) <= 2 * first)
})
