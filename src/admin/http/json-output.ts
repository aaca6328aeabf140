/**
 * Values as JSON. Lists take their time to write, so their items are written one after the other, and the clients of
 * the broker are served in between.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { jsonPieces } from '../../base/json-pieces.ts'
import type { Turn } from '../../turn/turn.ts'

/** Bytes of JSON that are written in a unit of work (base/work.ts). */
const BYTES_PER_UNIT = 8

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
  for (const piece of jsonPieces(value)) {
    if (turn.work.isSpent) await turn.share(owner)
    turn.work.spend(1 + Math.ceil(piece.length / BYTES_PER_UNIT))
    hash.update(piece)
    pieces.push(piece)
  }
  return { pieces, tag: `"${hash.digest('base64url').slice(0, 22)}"` }
}
