/** Lists that are read a page at a time. @module */
import { UsageError } from '../../base/errors.ts'
import { hashText } from '../../base/hash-order.ts'
import { show } from '../../base/show.ts'

/** Default and maximum number of items in a page. */
export const DEFAULT_LIMIT = 100
export const MAX_LIMIT = 1000

/** Selects a page of a list. */
export interface PageOptions {
  /** Maximum number of items in the page, 1 to 1000. Default 100. */
  readonly limit?: number
  /** The `cursor` of the previous page. Default: the first page. */
  readonly cursor?: string | undefined
}

/** One page of a list. It may have fewer items than its limit, or none, and still be followed by others. */
export interface Page<Item> {
  readonly items: readonly Item[]
  /** Selects the next page; `undefined` on the last one. Treat it as opaque. */
  readonly cursor: string | undefined
}

/** @throws {UsageError} if the limit is out of its range */
export function limitOf({ limit = DEFAULT_LIMIT }: PageOptions): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit
  throw new UsageError(`limit must be an integer from 1 to ${MAX_LIMIT}, got ${show(limit)}`)
}

/** @returns the error for a cursor that no page returned */
export function noCursor(cursor: unknown): UsageError {
  return new UsageError(`${show(cursor)} is not a cursor: use the one of the previous page`)
}

/**
 * For lists that are numbered, from 1: the cursor is the number of the last item.
 *
 * @throws {UsageError} if no page returned the cursor
 */
export function numberOfCursor(cursor: string): number {
  const number = typeof cursor === 'string' && /^[1-9]\d{0,15}$/.test(cursor) ? Number(cursor) : 0
  if (number > 0) return number
  throw noCursor(cursor)
}

/** Bytes at the end of a cursor that show whether a page returned it, so that a mistake is not taken for a place. */
const CHECK_BYTES = 4

/** For lists in the order of a text, such as the Client Identifier: the cursor hides the text of the last item. */
export function cursorOfText(text: string): string {
  const check = Buffer.alloc(CHECK_BYTES)
  check.writeInt32LE(hashText(text))
  return Buffer.concat([Buffer.from(text), check]).toString('base64url')
}

/** @throws {UsageError} if no page returned the cursor */
export function textOfCursor(cursor: string): string {
  const text = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').subarray(0, -CHECK_BYTES).toString() : ''
  if (text !== '' && cursorOfText(text) === cursor) return text
  throw noCursor(cursor)
}
