import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IdentifierSet } from '../../../src/protocol/identifier-set.ts'
import { SeededRandom } from '../../../src/testing/random.ts'

test('holds what a Set holds, whatever is added and taken out, in order, far apart and where many want one slot', () => {
  const random = new SeededRandom(20_261_130)
  const draws = [
    (at: number): number => (at % 65_535) + 1,
    (): number => random.between(1, 65_535),
    (): number => 1 + 256 * random.integer(255),
    (): number => random.between(1, 40),
  ]
  for (const draw of draws) {
    const set = new IdentifierSet()
    const model = new Set<number>()
    for (let at = 0; at < 20_000; at++) {
      // Phases that fill it, and phases that empty it.
      const mostlyAdds = Math.floor(at / 1000) % 2 === 0
      const identifier = random.next() < 0.5 ? draw(at) : ([...model.keys()][0] ?? draw(at))
      if (random.next() < (mostlyAdds ? 0.8 : 0.2)) {
        set.add(identifier)
        model.add(identifier)
      } else assert.equal(set.delete(identifier), model.delete(identifier))
      assert.equal(set.size, model.size)
      if (at % 500 === 0)
        assert.deepEqual(
          [...set].sort((a, b) => a - b),
          [...model].sort((a, b) => a - b),
        )
    }
    for (const identifier of model) assert.ok(set.has(identifier))
  }
})
