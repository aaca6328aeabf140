import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ring } from '../../../src/base/ring.ts'
import fc from '../../support/property.ts'

test('the ring behaves as an array of the same operations', () => {
  const operation = fc.constantFrom('push', 'push', 'push', 'unshift', 'shift', 'shift', 'takeOut', 'clear')
  // Phases of many alike operations, so that it grows, wraps and shrinks.
  const phases = fc.array(fc.tuple(operation, fc.integer({ min: 1, max: 40 })), { maxLength: 30 })
  fc.assert(
    fc.property(phases, (list) => {
      const ring = new Ring<number>()
      const model: number[] = []
      let next = 0
      for (const [kind, times] of list) {
        for (let time = 0; time < times; time++) {
          if (kind === 'push') {
            ring.push(next)
            model.push(next++)
          } else if (kind === 'unshift') {
            ring.unshift(next)
            model.unshift(next++)
          } else if (kind === 'shift') {
            assert.equal(ring.shift(), model.shift())
          } else if (kind === 'takeOut') {
            const [from, count] = [time % (model.length + 1), time * 3]
            const isWanted = (value: number): boolean => value % 3 === time % 2
            const taken = model.slice(from, from + count).filter(isWanted)
            assert.deepEqual(ring.takeOut(from, count, isWanted), taken)
            for (const value of taken) model.splice(model.indexOf(value), 1)
          } else {
            ring.clear()
            model.length = 0
          }
          assert.equal(ring.length, model.length)
          assert.equal(ring.peek(), model[0])
        }
        assert.deepEqual([...ring], model)
        for (const index of [-1, 0, 1, model.length - 1, model.length]) assert.equal(ring.at(index), model[index])
      }
    }),
  )
})

test('a ring is made from anything iterable', () => {
  assert.deepEqual([...new Ring(new Set(['a', 'b']))], ['a', 'b'])
})

test('a value may be undefined', () => {
  const ring = new Ring<number | undefined>([undefined, 1])
  assert.equal(ring.length, 2)
  assert.equal(ring.shift(), undefined)
  assert.equal(ring.length, 1)
})
