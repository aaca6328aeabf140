import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toCamel, toKebab } from '../../../src/config/option-spelling.ts'
import { nearest } from '../../../src/base/nearest.ts'
import { optionTable } from '../../../src/config/option-table.ts'

test('every key of the table survives the way through each spelling', () => {
  for (const { key } of optionTable) {
    assert.equal(toKebab(toCamel(key)), key)
    assert.equal(toKebab(key.replaceAll('-', '_')), key)
    assert.equal(toCamel(key.replaceAll('-', '_')), toCamel(key))
  }
})

test('the nearest key is the one with the fewest changes, and none when all are far', () => {
  assert.equal(nearest('max-connection', ['max-connections', 'max-connect-rate']), 'max-connections')
  assert.equal(nearest('bnd', ['type', 'bind', 'ssl']), 'bind')
  assert.equal(nearest('zebra', ['type', 'bind', 'ssl']), undefined)
  assert.equal(nearest('anything', []), undefined)
})
