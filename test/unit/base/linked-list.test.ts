import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LinkedList, type Linked } from '../../../src/base/linked-list.ts'
import fc from '../../support/property.ts'

interface Entry extends Linked<Entry> {
  readonly name: number
}

test('entries come and go as in a Set, the oldest first', () => {
  const step = fc.record({ name: fc.integer({ min: 0, max: 9 }), leaves: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const entries = Array.from({ length: 10 }, (_, name): Entry => ({ name, previous: undefined, next: undefined }))
      const [list, model] = [new LinkedList<Entry>(), new Set<number>()]
      for (const { name, leaves } of steps) {
        if (leaves && model.delete(name)) list.remove(entries[name]!)
        else if (!leaves && !model.has(name)) {
          model.add(name)
          list.push(entries[name]!)
        }
      }
      const names: number[] = []
      for (let entry = list.first; entry !== undefined; entry = entry.next) names.push(entry.name)
      assert.deepEqual(names, [...model])
    }),
  )
})
