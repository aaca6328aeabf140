import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import assert from 'node:assert/strict'
import { root } from '../../../tools/main.ts'
import { runBatch } from '../../sim/batch.ts'
import { Digest, EventLog } from '../../sim/event-log.ts'
import type { Fault } from '../../sim/faults.ts'
import { isShared, matches } from '../../sim/rules.ts'
import { shrink } from '../../sim/shrink.ts'
import { shortfallOf, Totals } from '../../sim/totals.ts'
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

test('The same seeds give the same event logs in other processes, however many there are', async () => {
  const batch = { firstSeed: 7, seeds: 2, folder: root, shrinks: false }
  const digest = new Digest()
  for (const seed of [7, 8]) digest.text((await new World({ seed, keepsLog: false }).run()).log.digest)
  for (const workers of [1, 2]) {
    const { digest: theirs, failed } = await runBatch({ ...batch, workers })
    assert.equal(failed?.failure, undefined)
    assert.equal(theirs, digest.toString(), `${workers} processes`)
  }
})

test('A digest sees every event, in its order', () => {
  const digestOf = (...words: string[]): string => {
    const log = new EventLog(false)
    for (const word of words) log.add(1, 'c1', word)
    return log.digest
  }
  const long = 'x'.repeat(5000)
  assert.equal(digestOf('a', long), digestOf('a', long))
  assert.equal(new Set([digestOf('a', 'b'), digestOf('b', 'a'), digestOf('a b'), digestOf('a'), digestOf()]).size, 5)
  assert.notEqual(digestOf(long), digestOf(`${long}x`))
})

test('A seed under which too little happened is an error', () => {
  const enough = { clients: 50, virtualMinutes: 10, packetsReceived: 1000, packetsSent: 1000, faults: 20, restarts: 3 }
  const totals = Object.assign(new Totals(), enough)
  assert.equal(shortfallOf(totals), undefined)
  totals.restarts = 2
  assert.match(shortfallOf(totals)!, /2 restarts/)
})

test('A few small worlds are fine', async () => {
  for (let seed = 1; seed <= 2; seed++) {
    for (const stored of [false, true]) {
      const { violation } = await new World({ seed, stored, ...SMALL }).run()
      assert.equal(violation, undefined, `seed ${seed}, stored: ${stored}`)
    }
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
