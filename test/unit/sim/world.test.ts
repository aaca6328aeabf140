import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { root } from '../../../tools/main.ts'
import { EventLog } from '../../sim/event-log.ts'
import type { Fault } from '../../sim/faults.ts'
import { isShared, matches } from '../../sim/rules.ts'
import { shrink } from '../../sim/shrink.ts'
import { Totals } from '../../sim/totals.ts'
import { variants } from '../../sim/variants/index.ts'
import { World, type Outcome } from '../../sim/world.ts'

const SMALL = { clients: 15, minutes: 2, faults: 6, restarts: 1 }

test('The same seed gives the same event log, byte for byte', async () => {
  const logOf = async (seed: number): Promise<string> => {
    const { log } = await new World({ seed, ...SMALL }).run()
    return log.format()
  }
  const first = await logOf(11)
  assert.ok(first.length > 10_000)
  assert.equal(await logOf(11), first)
  assert.notEqual(await logOf(12), first)
})

test('A few small worlds are fine', async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const { violation } = await new World({ seed, ...SMALL }).run()
    assert.equal(violation, undefined, `seed ${seed}`)
  }
})

test('A failing schedule is cut down to the faults that it takes', async () => {
  const schedule = Array.from({ length: 20 }, (_, index): Fault => ({
    atMs: index,
    kind: 'cut',
    client: index,
    forMs: 0,
  }))
  const outcomeOf = (faults: readonly Fault[]): Outcome => {
    const fails = [4, 17].every((client) => faults.some((fault) => fault.client === client))
    const violation = fails ? 'broken' : undefined
    return { seed: 1, violation, schedule: faults, log: new EventLog(), totals: new Totals() }
  }
  const least = await shrink(outcomeOf(schedule), (faults) => Promise.resolve(outcomeOf(faults)))
  assert.deepEqual(
    least.schedule.map(({ client }) => client),
    [4, 17],
  )
})

test("The oracles' own matching keeps to §4.7", () => {
  for (const [filter, name, expected] of [
    ['a/#', 'a', true],
    ['a/+', 'a', false],
    ['a/+', 'a/', true],
    ['+/+', '/a', true],
    ['#', '$a/b', false],
    ['+/b', '$a/b', false],
    ['$a/#', '$a/b', true],
    ['a/b', 'a/b/c', false],
  ] as const) {
    assert.equal(matches(filter, name), expected, `${filter} ${name}`)
  }
  assert.ok(isShared('$share/x/a'))
})

test('Every variant finds the text that it breaks', () => {
  assert.ok(variants.length >= 12)
  for (const { name, file, from } of variants) {
    assert.equal(readFileSync(join(root, file), 'utf8').split(from).length - 1, 1, name)
  }
})
