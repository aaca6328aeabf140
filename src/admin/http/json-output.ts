/**
 * Values as JSON. A page of a thousand items takes some milliseconds to write, so its items are written one after the other, and
 * the clients of the broker are served in between.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { Turn } from '../../turn/turn.ts'

/** Bytes of JSON that are written in a unit of work (base/work.ts). */
const BYTES_PER_UNIT = 8

interface List {
  readonly items: readonly unknown[]
  readonly cursor: string | undefined
}

/** JSON in pieces, and a tag that changes with it. */
export interface JsonText {
  readonly pieces: readonly string[]
  /** As `ETag` has it. */
  readonly tag: string
}

/** @param owner for whom it is done */
export async function writeJson(value: unknown, turn: Turn, owner: object): Promise<JsonText> {
  const pieces: string[] = []
  const hash = createHash('sha256')
  for (const piece of piecesOf(value)) {
    if (turn.work.isSpent) await turn.share(owner)
    turn.work.spend(1 + Math.ceil(piece.length / BYTES_PER_UNIT))
    hash.update(piece)
    pieces.push(piece)
  }
  return { pieces, tag: `"${hash.digest('base64url').slice(0, 22)}"` }
}

function* piecesOf(value: unknown): Generator<string, void, undefined> {
  if (Array.isArray(value)) yield* itemsOf('[', value, ']')
  else if (isList(value)) {
    const cursor = value.cursor === undefined ? '' : `,"cursor":${JSON.stringify(value.cursor)}`
    yield* itemsOf('{"items":[', value.items, `]${cursor}}`)
  } else yield JSON.stringify(value)
}

function* itemsOf(begin: string, items: readonly unknown[], end: string): Generator<string, void, undefined> {
  let before = begin
  for (const item of items) {
    yield before + JSON.stringify(item)
    before = ','
  }
  yield items.length === 0 ? begin + end : end
}

function isList(value: unknown): value is List {
  return typeof value === 'object' && value !== null && 'items' in value && Array.isArray(value.items)
}
