/**
 * JSON in pieces, for values that are long lists or have some: each item is a piece of its own, so that whoever writes
 * a page of a thousand items, or a file of a hundred thousand users, can do something else in between. Joined, the
 * pieces are what `JSON.stringify` returns.
 *
 * @module
 */

/** A list of more items is written item by item. */
const SHORT = 16

/** @param value what JSON has, and `undefined`, which it leaves out of objects */
export function* jsonPieces(value: unknown): Generator<string, void, undefined> {
  if (Array.isArray(value)) yield* listPieces(value)
  else if (hasLongList(value)) yield* objectPieces(value)
  else yield JSON.stringify(value) ?? 'null'
}

function* listPieces(items: readonly unknown[]): Generator<string, void, undefined> {
  let before = '['
  for (const item of items) {
    for (const piece of jsonPieces(item)) {
      yield before + piece
      before = ''
    }
    before = ','
  }
  yield items.length === 0 ? '[]' : ']'
}

function* objectPieces(value: Readonly<Record<string, unknown>>): Generator<string, void, undefined> {
  let before = '{'
  for (const [key, field] of Object.entries(value)) {
    if (field === undefined) continue
    before += `${JSON.stringify(key)}:`
    for (const piece of jsonPieces(field)) {
      yield before + piece
      before = ''
    }
    before = ','
  }
  yield '}'
}

function hasLongList(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return false
  return Object.values(value).some((field) => (Array.isArray(field) && field.length > SHORT) || hasLongList(field))
}
