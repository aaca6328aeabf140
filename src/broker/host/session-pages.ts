/**
 * Lists of Sessions, a page at a time, for programs, an HTTP interface, a command or a web page.
 *
 *   Sessions in the order of base/hash-order.ts     a  b  c │ d  e  f │ g
 *   cursor: the last Client Identifier of a page            c         f   undefined
 *
 * The order depends on Client Identifiers alone, so a cursor is valid for ever: Sessions that come or go meanwhile may
 * be listed or not, and those that stay are listed once. A page costs one look at a leaf of the registry, up to 8,192
 * identifiers. A page that finds few matches ends after `LOOKS` Sessions, with what it has found so far and a cursor:
 * however many Sessions there are, no page takes long.
 *
 * @module
 */
import { Work } from '../../base/work.ts'
import type { Registration, Sessions } from '../sessions/sessions.ts'
import { sessionViewOf, type SessionView } from '../sessions/session-view.ts'
import type { Turn } from '../../turn/turn.ts'
import { cursorOfText, limitOf, textOfCursor, type Page, type PageOptions } from './page.ts'

/** Identifiers that are fetched at once if few of them match, since each fetch looks through a whole leaf. */
export const IDENTIFIERS_AT_ONCE = 2048

/** Sessions that a page looks at, at most, before it is returned with fewer items than it may have. */
export const LOOKS = IDENTIFIERS_AT_ONCE

/** The parts from which a page is read. */
interface Listed {
  readonly sessions: Sessions
  readonly turn: Turn
}

/**
 * @param owner whose share of a turn it uses
 * @param isListed which Sessions the list has
 * @throws {UsageError} if the limit is out of its range, or no page returned the cursor
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
 * Returns a page of Sessions in any form.
 *
 * @param show makes the view of a Session
 * @throws {UsageError} if the limit is out of its range, or no page returned the cursor
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
  let looks = 0
  // One more than the page needs shows whether there is a next page.
  for (let most = limit + 1; ; most = IDENTIFIERS_AT_ONCE) {
    if (turn.work.isSpent) await turn.share(owner)
    const clientIds = sessions.idsAfter(after, most, (looked) => turn.work.spend(looked))
    if (clientIds.length === 0) return { items, cursor: undefined }
    for (const clientId of clientIds) {
      if (turn.work.isSpent) await turn.share(owner)
      turn.work.spend(Work.entry)
      const registration = sessions.get(clientId)
      // It may have ended since its identifier was found.
      if (registration === undefined || !isListed(registration)) continue
      if (items.length === limit) return { items, cursor: cursorOfText(lastClientId) }
      turn.work.spend(Work.view + Work.entry * registration.session.subscriptions.size)
      items.push(show(registration))
      lastClientId = clientId
    }
    looks += clientIds.length
    after = clientIds.at(-1)!
    if (looks >= LOOKS) return { items, cursor: cursorOfText(after) }
  }
}

/** Iterates over all Sessions, a share of a turn at a time. A Session that exists all the time comes exactly once. */
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
