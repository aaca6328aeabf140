/**
 * The lists of Sessions, a page at a time, for programs, an HTTP interface, a command or a page to show.
 *
 *   Sessions in the order of base/hash-order.ts     a  b  c │ d  e  f │ g
 *   cursor: the last Client Identifier of a page            c         f   undefined
 *
 * The order depends on Client Identifiers alone, so that a cursor is good for as long as anybody likes: Sessions that come or
 * go meanwhile may be listed or not, those that stay are listed once. A page costs one look at a leaf of the registry, up to
 * 8,192 identifiers; one that finds few of what it looks for is spread over several turns.
 *
 * @module
 */
import { UsageError } from '../../base/errors.ts'
import { show } from '../../base/show.ts'
import { Work } from '../../base/work.ts'
import type { Registration, Sessions } from '../sessions/sessions.ts'
import { viewOf, type SessionView } from '../sessions/session-view.ts'
import type { Turn } from '../turn/turn.ts'

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

/** What a page is read from. */
interface Listed {
  readonly sessions: Sessions
  readonly turn: Turn
}

/**
 * @param owner whose share of a turn it costs
 * @param isListed which Sessions the list has
 * @throws {UsageError} for a limit that is not in its range, and a cursor that no page gave
 */
export async function sessionPage(
  { sessions, turn }: Listed,
  owner: object,
  { limit = DEFAULT_LIMIT, cursor }: PageOptions,
  isListed: (registration: Registration) => boolean,
): Promise<Page<SessionView>> {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw new UsageError(`limit must be an integer from 1 to ${MAX_LIMIT}, got ${show(limit)}`)
  }
  const items: SessionView[] = []
  let after = cursor === undefined ? undefined : clientIdOf(cursor)
  // One more than the page has says whether there is a next page.
  for (;;) {
    if (turn.work.isSpent) await turn.share(owner)
    const clientIds = sessions.idsAfter(after, limit + 1 - items.length, (looked) => turn.work.spend(looked))
    if (clientIds.length === 0) return { items, cursor: undefined }
    for (const clientId of clientIds) {
      const registration = sessions.get(clientId)!
      if (!isListed(registration)) continue
      if (items.length === limit) return { items, cursor: cursorOf(items.at(-1)!.clientId) }
      turn.work.spend(Work.entry * (1 + registration.session.subscriptions.size))
      items.push(viewOf(registration))
    }
    after = clientIds.at(-1)
  }
}

function cursorOf(clientId: string): string {
  return Buffer.from(clientId).toString('base64url')
}

function clientIdOf(cursor: string): string {
  const clientId = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').toString() : ''
  if (clientId !== '' && cursorOf(clientId) === cursor) return clientId
  throw new UsageError(`${show(cursor)} is no cursor: use the one that the page before has`)
}
