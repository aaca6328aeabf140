import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonPieces } from '../../../src/base/json-pieces.ts'
import fc from '../../support/property.ts'

test('pieces are what JSON.stringify returns', () => {
  const long = fc.array(fc.jsonValue(), { minLength: 15, maxLength: 20 })
  const value = fc.oneof(
    fc.jsonValue(),
    long,
    fc.record({ a: fc.jsonValue(), items: long, none: fc.constant(undefined), deeper: fc.record({ list: long }) }),
    fc.array(fc.record({ name: fc.string(), rules: long, gone: fc.constant(undefined) })),
  )
  fc.assert(fc.property(value, (each) => assert.equal([...jsonPieces(each)].join(''), JSON.stringify(each))))
  assert.equal([...jsonPieces([undefined, 1])].join(''), '[null,1]')
})

test('each item of a long list is a piece, also of one in an item of a list', () => {
  const items = Array.from({ length: 1000 }, (_, at) => ({ at }))
  assert.ok([...jsonPieces(items)].length > 1000)
  assert.ok([...jsonPieces({ items, cursor: undefined })].length > 1000)
  assert.ok([...jsonPieces({ roles: [{ name: 'r', rules: items }] })].length > 1000)
  assert.equal([...jsonPieces({ name: 'ann', roles: ['a', 'b'] })].length, 1)
})
