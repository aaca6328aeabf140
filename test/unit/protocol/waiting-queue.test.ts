import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noProperties } from '../../../src/codec/properties.ts'
import { MemoryAccount } from '../../../src/base/memory-account.ts'
import { ApplicationMessage } from '../../../src/protocol/application-message.ts'
import { Delivery } from '../../../src/protocol/delivery.ts'
import { WaitingQueue } from '../../../src/protocol/waiting-queue.ts'
import fc from '../../support/property.ts'

const GROUPS = [undefined, { topicFilter: '$share/a/#' }, { topicFilter: '$share/b/#' }]
const IDENTIFIERS = [[], [7], [7, 268_435_455]]

/** A delivery that differs from the others in all that a row has to keep. */
function deliveryOf(entryNumber: number, variant: number): Delivery {
  const message = ApplicationMessage.of({
    topicName: `topic ${variant % 5}`,
    payload: Buffer.alloc(variant % 17, 0x61),
    qos: variant % 3 === 0 ? 2 : 1,
    retain: variant % 2 === 0,
    properties: variant % 4 === 0 ? { messageExpiryInterval: variant, contentType: 'text' } : noProperties,
    publisher: `publisher ${variant % 3}`,
    receivedAtMs: variant % 4 === 0 ? variant + 0.5 : 0,
  })
  const isStored = variant % 7 !== 0
  if (isStored) message.messageNumber = 2 ** 33 + entryNumber
  const shared = GROUPS[variant % 11 < 9 ? 0 : (variant % 2) + 1]
  const identifiers = IDENTIFIERS[variant % 13 < 11 ? 0 : (variant % 2) + 1]!
  const delivery = new Delivery(message, variant % 5 < 3 ? 1 : 2, variant % 6 === 0, identifiers, shared, entryNumber)
  delivery.isStored = isStored
  return delivery
}

/** Everything that has to come back, in words that differ where anything does. */
function picture(delivery: Delivery): string {
  const { message, qos, retain, subscriptionIdentifiers, shared, entryNumber, isStored } = delivery
  const { topicName, publisher, properties, messageNumber, payloadLength, receivedAtMs, fullSize } = message
  const own = { entryNumber, qos, retain, subscriptionIdentifiers, filter: shared?.topicFilter, isStored }
  const common = { topicName, publisher, properties, messageNumber, payloadLength, receivedAtMs, fullSize }
  return JSON.stringify({ ...own, ...common, qosOfMessage: message.qos, retainOfMessage: message.retain })
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('push' as const), variant: fc.nat(1000), parks: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('park' as const), behind: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('shift' as const), count: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('upcoming' as const), count: fc.nat(8) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('take' as const),
      group: fc.constantFrom(...GROUPS.slice(1)),
      looks: fc.integer({ min: 1, max: 40 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('expire' as const),
      laterMs: fc.nat(100_000),
      looks: fc.constantFrom(1, 3, 10, 1000),
    }),
  },
)

test('whatever becomes a row meanwhile, it is first in, first out, comes out as it went in, and gives back what it took', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const account = new MemoryAccount('session', '', 0, undefined)
      const queue = new WaitingQueue(account)
      let expected: string[] = []
      /** Whoever takes a delivery gives back what it is charged with. */
      const gone: Delivery[] = []
      let lastEntry = 0
      let nowMs = 0
      const expiryOf = (one: string): number => {
        const { properties, receivedAtMs } = JSON.parse(one) as Pick<ApplicationMessage, 'properties' | 'receivedAtMs'>
        return receivedAtMs + (properties.messageExpiryInterval ?? Infinity) * 1000
      }
      for (const next of steps) {
        if (next.do === 'push') {
          const delivery = deliveryOf(++lastEntry, next.variant)
          expected.push(picture(delivery))
          queue.push(delivery, next.parks)
        } else if (next.do === 'park') queue.park(lastEntry - next.behind)
        else if (next.do === 'upcoming') {
          assert.deepEqual(queue.upcoming(next.count).map(picture), expected.slice(0, next.count))
        } else if (next.do === 'shift') {
          const shifted = Array.from({ length: next.count }, () => queue.shift()).filter((one) => one !== undefined)
          gone.push(...shifted)
          assert.deepEqual(shifted.map(picture), expected.splice(0, next.count))
        } else if (next.do === 'expire') {
          nowMs += next.laterMs
          const isWhole = !queue.isSweeping
          const taken = queue.takeExpired(nowMs, next.looks)
          gone.push(...taken)
          const pictures = taken.map(picture)
          const isOver = (one: string): boolean => expiryOf(one) <= nowMs
          if (isWhole && next.looks === 1000) {
            assert.deepEqual(pictures, expected.filter(isOver), 'all that has expired, and in order')
          } else assert.ok(pictures.every(isOver) && taken.length <= next.looks)
          expected = expected.filter((one) => !pictures.includes(one))
          if (isWhole && !queue.isSweeping) {
            assert.equal(queue.earliestExpiryMs, Math.min(Infinity, ...expected.map(expiryOf)))
          }
        } else {
          const sweep = { lookedUpTo: 0, isWanted: ({ shared }: Delivery) => shared === next.group }
          const taken: Delivery[] = []
          for (let isDone = false; !isDone;) {
            const some = queue.takeOut(sweep, next.looks)
            assert.ok(some.taken.length <= next.looks)
            taken.push(...some.taken)
            isDone = some.isDone
          }
          gone.push(...taken)
          const isTaken = (one: string): boolean =>
            (JSON.parse(one) as { filter?: string }).filter === next.group?.topicFilter
          assert.deepEqual(taken.map(picture), expected.filter(isTaken))
          expected = expected.filter((one) => !isTaken(one))
        }
        const after = lastEntry >> 1
        const isBehind = (one: string): boolean => (JSON.parse(one) as Delivery).entryNumber > after
        const { deliveries, before } = queue.after(after, 7)
        assert.deepEqual(deliveries.map(picture), expected.filter(isBehind).slice(0, 7))
        assert.equal(before, expected.filter((one) => !isBehind(one)).length)
        assert.equal(queue.length, expected.length)
        assert.ok(queue.earliestExpiryMs <= Math.min(Infinity, ...expected.map(expiryOf)))
      }
      assert.deepEqual([...queue].map(picture), expected)
      for (let left = queue.shift(); left !== undefined; left = queue.shift()) gone.push(left)
      for (const delivery of gone) account.release(delivery.message, delivery.size)
      assert.equal(account.bytes, 0)
    }),
  )
})

test('what leaves RAM does so only up to the entry that is stored, and only what the Store knows', () => {
  const queue = new WaitingQueue(new MemoryAccount('session', '', 0, undefined))
  const deliveries = [1, 2, 3, 4].map((entryNumber) => deliveryOf(entryNumber, entryNumber === 2 ? 7 : 1))
  for (const delivery of deliveries) queue.push(delivery, true)
  queue.park(3)
  assert.deepEqual(
    [...queue].map(({ message }) => message.isLoaded),
    [false, true, false, true],
  )
})
