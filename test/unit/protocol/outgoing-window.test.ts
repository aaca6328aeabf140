import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Delivery } from '../../../src/protocol/delivery.ts'
import { MemoryAccount } from '../../../src/base/memory-account.ts'
import { IdentifierSet } from '../../../src/protocol/identifier-set.ts'
import { OutgoingWindow } from '../../../src/protocol/outgoing-window.ts'
import { messageOf } from '../../support/fake-server.ts'
import fc from '../../support/property.ts'

const message = messageOf({ qos: 1 })
let entries = 0
const delivery = (): Delivery => new Delivery(message, 1, false, [], undefined, ++entries)

test('a window is a map from Packet Identifier to delivery, whatever comes and goes [5.0 MQTT-2.2.1-4]', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.constant('add' as const) },
    { weight: 2, arbitrary: fc.nat().map((at) => ({ remove: at })) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const window = new OutgoingWindow(new MemoryAccount('session', '', 0, undefined))
      const model = new Map<number, Delivery>()
      for (const one of steps) {
        if (one === 'add') {
          const added = delivery()
          window.add(added)
          assert.ok(added.packetIdentifier >= 1 && added.packetIdentifier <= 65_535)
          assert.ok(!model.has(added.packetIdentifier), 'an identifier in use was given again')
          model.set(added.packetIdentifier, added)
        } else if (model.size > 0) {
          const removed = [...model.values()][one.remove % model.size]!
          window.remove(removed)
          model.delete(removed.packetIdentifier)
          assert.equal(window.get(removed.packetIdentifier), undefined)
        }
        assert.equal(window.size, model.size)
      }
      for (const [identifier, expected] of model) assert.equal(window.get(identifier), expected)
      assert.deepEqual(window.inOrder(), [...model.values()])
      const middle = [...model.values()][model.size >> 1]?.entryNumber ?? 0
      const later = [...model.values()].filter(({ entryNumber }) => entryNumber > middle)
      for (const count of [1, 5, 1000]) assert.deepEqual(window.after(middle, count), later.slice(0, count))
    }),
  )
})

test('all 65,535 identifiers can be in flight at once, and go round behind the last one', () => {
  const window = new OutgoingWindow(new MemoryAccount('session', '', 0, undefined))
  const all = Array.from({ length: 65_535 }, delivery)
  for (const one of all) window.add(one)
  assert.equal(new Set(all.map(({ packetIdentifier }) => packetIdentifier)).size, 65_535)
  assert.equal(window.get(0), undefined)
  window.remove(all[41]!)
  const next = delivery()
  window.add(next)
  assert.equal(next.packetIdentifier, 42)
})

test('an identifier is used again only after all others had their turn', () => {
  const window = new OutgoingWindow(new MemoryAccount('session', '', 0, undefined))
  const first = delivery()
  window.add(first)
  window.remove(first)
  const second = delivery()
  window.add(second)
  assert.deepEqual([first.packetIdentifier, second.packetIdentifier], [1, 2])
})

test('what a Store gives back keeps its identifiers and its order [5.0 MQTT-4.6.0-5]', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 50 }), (identifiers) => {
      const window = new OutgoingWindow(new MemoryAccount('session', '', 0, undefined))
      const stored = identifiers.map((packetIdentifier) => Object.assign(delivery(), { packetIdentifier }))
      for (const one of stored) window.restore(one)
      for (const one of stored) assert.equal(window.get(one.packetIdentifier), one)
      const added = delivery()
      window.add(added)
      assert.ok(!identifiers.includes(added.packetIdentifier))
      assert.deepEqual(window.inOrder(), [...stored, added])
    }),
  )
})

test('a set of identifiers is a set, however they meet', () => {
  const identifier = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 65_535 }))
  const step = fc.record({ identifier, adds: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const set = new IdentifierSet()
      const model = new Set<number>()
      for (const one of steps) {
        if (one.adds) {
          set.add(one.identifier)
          model.add(one.identifier)
        } else assert.equal(set.delete(one.identifier), model.delete(one.identifier))
        assert.equal(set.size, model.size)
        assert.equal(set.has(one.identifier), model.has(one.identifier))
      }
      const ascending = (left: number, right: number) => left - right
      assert.deepEqual([...set].sort(ascending), [...model].sort(ascending))
    }),
  )
})

test('the table of what is in flight is charged to its Session, and given back once it is empty', () => {
  const account = new MemoryAccount('session', '', 0, undefined)
  const window = new OutgoingWindow(account)
  const all = Array.from({ length: 1000 }, delivery)
  for (const one of all) window.add(one)
  assert.ok(account.bytes >= 1000 * 8, `${account.bytes} bytes`)
  for (const one of all) window.remove(one)
  window.clear()
  assert.equal(account.bytes, 0)
})
