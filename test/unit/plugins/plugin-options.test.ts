import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as v from 'valibot'
import { toCamel } from '../../../src/config/option-spelling.ts'
import { rowsOf } from '../../../src/config/option-table.ts'
import { optionsSchema as http } from '../../../src/plugins/auth-http.ts'
import { optionsSchema as jwt } from '../../../src/plugins/auth-jwt.ts'
import { optionsSchema as scram } from '../../../src/plugins/auth-scram.ts'

const sections = [
  ['auth.jwt', jwt],
  ['auth.http', http],
  ['auth.scram', scram],
] as const

for (const [section, schema] of sections) {
  test(`${section}: the plugin knows the keys of the table of options, with the same defaults`, () => {
    const rows = rowsOf(section)
    assert.deepEqual(Object.keys(schema.entries).sort(), rows.map(({ key }) => toCamel(key)).sort())
    const defaults = v.getDefaults(schema) as Record<string, unknown>
    for (const { key, default: assumed } of rows) {
      if (assumed !== undefined) assert.deepEqual(defaults[toCamel(key)], assumed, key)
    }
  })
}
