import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { ConfigError } from '../../../src/base/errors.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import { optionTable, type OptionRow } from '../../../src/config/option-table.ts'
import { toCamel } from '../../../src/config/option-spelling.ts'
import { root } from '../../../tools/main.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { effects, elsewhere, sectionsElsewhere, type Effect } from './option-effects.ts'
import { pathOf } from './options-support.ts'

const idOf = ({ scope, key }: OptionRow): string => `${scope}/${key}`
const fileOf = (row: OptionRow): string | undefined => elsewhere[idOf(row)] ?? sectionsElsewhere[row.scope]

async function seen({ observe }: Effect, config: ConfigInput): Promise<unknown> {
  let broker: VirtualBroker
  try {
    broker = await VirtualBroker.start(config)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  // Password checks run in a thread that keeps no process alive.
  const alive = setInterval(() => undefined, 60_000)
  try {
    return await observe(broker)
  } finally {
    clearInterval(alive)
    await broker.close()
  }
}

/** The same configuration as though the key had not been read. */
function without(config: ConfigInput, row: OptionRow): ConfigInput {
  const copy = structuredCopy(config)
  const path = pathOf(row).split('.')
  const last = path.pop()!
  let section = copy as Record<string, Record<string, unknown>>
  for (const name of path) section = section[name] as typeof section
  assert.ok(last in section, `the configuration of ${idOf(row)} does not have the key`)
  delete section[last]
  return copy as ConfigInput
}

/** A copy of plain objects; plugins, which are more than that, stay themselves. */
function structuredCopy(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, structuredCopy(inner)]))
}

for (const row of optionTable) {
  const effect = effects[idOf(row)]
  if (effect === undefined) continue
  test(`${pathOf(row)} has its effect, which is not there without it`, async () => {
    assert.deepEqual(await seen(effect, effect.config), effect.expected)
    assert.notDeepEqual(await seen(effect, without(effect.config, row)), effect.expected)
  })
}

test('every key has a test of its effect: here, or in the test of what it belongs to', () => {
  for (const row of optionTable) {
    const places = [effects[idOf(row)], fileOf(row)].filter((place) => place !== undefined)
    assert.equal(places.length, 1, `${idOf(row)} has ${places.length} tests of its effect`)
  }
  const known = new Set(optionTable.map(idOf))
  for (const id of [...Object.keys(effects), ...Object.keys(elsewhere)]) {
    assert.ok(known.has(id), `${id} is no key any more`)
  }
})

test('a test elsewhere exists, and names the key', () => {
  for (const row of optionTable) {
    const file = fileOf(row)
    if (file === undefined) continue
    const path = `${root}/test/unit/${file}`
    assert.ok(existsSync(path), `${file}, which should test ${pathOf(row)}, does not exist`)
    const names = new RegExp(`\\b(${row.key}|${toCamel(row.key)})\\b`)
    assert.ok(names.test(readFileSync(path, 'utf8')), `${file} does not name ${row.key}`)
  }
})

test('0 is no limit, where the table says so', async () => {
  const limits = optionTable.filter(
    ({ description, scope }) => description.includes('0 = no limit') && scope === 'broker',
  )
  for (const row of limits) {
    const effect = effects[idOf(row)]!
    const unlimited = without(effect.config, row) as Record<string, unknown>
    assert.notDeepEqual(await seen(effect, { ...unlimited, [row.key]: 0 }), effect.expected, row.key)
    assert.deepEqual(await seen(effect, { ...unlimited, [row.key]: 0 }), await seen(effect, unlimited), row.key)
  }
})
