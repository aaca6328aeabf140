/**
 * The messages that a Session holds for its Client, a page at a time: first those in flight, then its queue.
 *
 *   entries   3 5 │ 6 7 8 9 …       in flight: sent, and not acknowledged │ queued, in the order in which they are sent
 *   cursor:   number of the last entry of a page
 *
 * Entries are numbered once and for all, so a cursor stays valid while messages come and go. A page costs one look at
 * the table of messages in flight, and one at each part of the queue before it.
 *
 * @module
 */
import type { Clock } from '../../base/clock.ts'
import { Work } from '../../base/work.ts'
import { heldMessageViewOf, type HeldMessageView } from '../sessions/held-message-view.ts'
import type { Registration } from '../sessions/sessions.ts'
import type { Turn } from '../../turn/turn.ts'
import { limitOf, numberOfCursor, type Page, type PageOptions } from './page.ts'

/** Slots of the table of messages in flight that cost as much as one entry of a list. */
const SLOTS_FOR_ENTRY = 16

/** @throws {UsageError} if the limit is out of its range, or no page returned the cursor */
export function heldMessagePage(
  registration: Registration,
  turn: Turn,
  clock: Clock,
  options: PageOptions,
): Page<HeldMessageView> {
  const limit = limitOf(options)
  const after = options.cursor === undefined ? 0 : numberOfCursor(options.cursor)
  const { session } = registration
  const { deliveries, before } = session.heldAfter(after, limit + 1)
  turn.work.spend(Work.entry * (deliveries.length + Math.ceil(session.windowSlots / SLOTS_FOR_ENTRY)))
  const page = deliveries.slice(0, limit)
  turn.work.spend(Work.view * page.length)
  const wallOffsetMs = clock.wallNow() - clock.now()
  let ahead = before
  const items = page.map((delivery) => {
    const view = heldMessageViewOf(registration, delivery, ahead, wallOffsetMs)
    if (view.state === 'queued') ahead++
    return view
  })
  return { items, cursor: deliveries.length > limit ? String(page.at(-1)!.entryNumber) : undefined }
}
