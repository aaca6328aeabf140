/**
 * The lists of Sessions, a page at a time, for programs, an HTTP interface, a command or a page to show.
 *
 *   Sessions in the order of base/hash-order.ts     a  b  c │ d  e  f │ g
 *   cursor: the last Client Identifier of a page            c         f   undefined
 *
 * The order depends on Client Identifiers alone, so that a cursor is good for as long as anybody likes: Sessions that
 * come or go meanwhile may be listed or not, those that stay are listed once. A page costs one look at a leaf of the
 * registry, up to 8,192 identifiers; one that finds few of what it looks for is spread over several turns.
 *
 * @module
 */
import { Work } from '../../base/work.ts'
import type { Registration, Sessions } from '../sessions/sessions.ts'
import { sessionViewOf, type SessionView } from '../sessions/session-view.ts'
import type { Turn } from '../../turn/turn.ts'
import { cursorOfText, limitOf, textOfCursor, type Page, type PageOptions } from './page.ts'

/** Identifiers that are fetched at once where few of them are listed, since each fetch looks through a whole leaf. */
export const IDENTIFIERS_AT_ONCE = 2048

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
  listed: Listed,
  owner: object,
  options: PageOptions,
  isListed: (registration: Registration) => boolean,
): Promise<Page<SessionView>> {
  return registrationPage(listed, owner, options, isListed, sessionViewOf)
}

/**
 * A page of Sessions in any form.
 *
 * @param show makes the view of each that is listed
 * @throws {UsageError} for a limit that is not in its range, and a cursor that no page gave
 */
export async function registrationPage<View>(
  { sessions, turn }: Listed,
  owner: object,
  options: PageOptions,
  isListed: (registration: Registration) => boolean,
  show: (registration: Registration) => View,
): Promise<Page<View>> {
  const limit = limitOf(options)
  const { cursor } = options
  const items: View[] = []
  let lastClientId = ''
  let after = cursor === undefined ? undefined : textOfCursor(cursor)
  // One more than the page has says whether there is a next page.
  for (let most = limit + 1; ; most = IDENTIFIERS_AT_ONCE) {
    if (turn.work.isSpent) await turn.share(owner)
    const clientIds = sessions.idsAfter(after, most, (looked) => turn.work.spend(looked))
    if (clientIds.length === 0) return { items, cursor: undefined }
    for (const clientId of clientIds) {
      turn.work.spend(Work.entry)
      const registration = sessions.get(clientId)!
      if (!isListed(registration)) continue
      if (items.length === limit) return { items, cursor: cursorOfText(lastClientId) }
      turn.work.spend(Work.entry * registration.session.subscriptions.size)
      items.push(show(registration))
      lastClientId = clientId
    }
    after = clientIds.at(-1)
  }
}

/** All Sessions, a share of a turn at a time: those that are there all the time come exactly once. */
export async function* eachSession(
  { sessions, turn }: Listed,
  owner: object,
): AsyncGenerator<SessionView, void, undefined> {
  for (const registration of sessions.all()) {
    if (turn.work.isSpent) await turn.share(owner)
    if (sessions.get(registration.session.clientId) !== registration) continue
    turn.work.spend(Work.entry * (1 + registration.session.subscriptions.size))
    yield sessionViewOf(registration)
  }
}
