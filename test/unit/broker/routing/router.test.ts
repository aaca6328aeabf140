import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WorkBudget } from '../../../../src/base/work.ts'
import { MemoryAccount } from '../../../../src/base/memory-account.ts'
import { MAX_KEPT_RECEIVERS, Router } from '../../../../src/broker/routing/router.ts'
import type { Subscriber, Subscription } from '../../../../src/protocol/subscription.ts'
import { messageOf } from '../../../support/fake-server.ts'

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
