/** Lists that are read a page at a time. @module */
import { UsageError } from '../../base/errors.ts'
import { show } from '../../base/show.ts'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000

/** Which page of a list. */
export interface PageOptions {
  /** The most items in a page, 1 to 1000; default 100. */
  readonly limit?: number
  /** The `cursor` of the page before; default: the first page. */
  readonly cursor?: string | undefined
}

/** One page of a list. */
export interface Page<Item> {
  readonly items: readonly Item[]
  /** For the next page; `undefined` in the last one. Its text means nothing to others, and is good after a restart as well. */
  readonly cursor: string | undefined
}

/** @throws {UsageError} for a limit that is not in its range */
export function limitOf({ limit = DEFAULT_LIMIT }: PageOptions): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit
  throw new UsageError(`limit must be an integer from 1 to ${MAX_LIMIT}, got ${show(limit)}`)
}

/** @returns the error for a cursor that no page gave */
export function noCursor(cursor: unknown): UsageError {
  return new UsageError(`${show(cursor)} is no cursor: use the one that the page before has`)
}
