/**
 * The subscriptions of all sessions, a page at a time.
 *
 *   sessions in their order    a         │ b              │ c
 *   filters in theirs          x/#  y/+  │ x/#  $share/…  │ z        cursor: session and filter of the last item
 *
 * Both orders depend on the names alone (base/hash-order.ts), so that a cursor is good while subscriptions come and go.
 * A page costs a look at each filter of the sessions that it goes through; one that finds few matches ends after
 * `LOOKS` sessions and filters, with what it has found so far.
 *
 * @module
 */
import { firstAfter, firstAfterInSteps } from '../../base/hash-order.ts'
import { Slices } from '../access/slices.ts'
import { Work } from '../../base/work.ts'
import type { Broker } from '../../broker/broker.ts'
import { serverOf } from '../../broker/broker.ts'
import type { SubscriptionsQuery, SubscriptionView } from '../../broker/host/admin.ts'
import { cursorOfText, limitOf, noCursor, textOfCursor, type Page } from '../../broker/host/page.ts'
import { IDENTIFIERS_AT_ONCE, LOOKS } from '../../broker/host/session-pages.ts'
import type { Session } from '../../protocol/session.ts'
import type { Subscription } from '../../protocol/subscription.ts'
import type { Server } from '../../broker/server.ts'
import { matches, parseSharedFilter } from '../../topics/topic-filter.ts'

/** A session with so many subscriptions, at most, is looked through at once. */
const FEW = 64
/** Filters of a session that are brought into their order at once. */
const FILTERS_AT_ONCE = 1024

interface Place {
  readonly clientId: string
  readonly topicFilter: string
}

export async function subscriptionPage(broker: Broker, query: SubscriptionsQuery): Promise<Page<SubscriptionView>> {
  const server = serverOf(broker)
  const limit = limitOf(query)
  const after = query.cursor === undefined ? undefined : placeOf(query.cursor)
  const items: SubscriptionView[] = []
  let looks = 0
  for await (const { session, from } of sessionsFrom(server, broker, query.clientId, after)) {
    const { size } = session.subscriptions
    server.turn.work.spend(Work.entry * (1 + Math.min(size, FEW)))
    let last = from
    let isMore = hasWanted(session, query)
    looks += 1 + (isMore ? 0 : size)
    while (isMore) {
      const topicFilters = await filtersAfter(broker, session, last)
      for (const topicFilter of topicFilters) {
        if (server.turn.work.isSpent) await server.turn.share(broker)
        server.turn.work.spend(Work.entry)
        const subscription = session.subscriptions.get(topicFilter)
        if (subscription === undefined || !isWanted(subscription, query)) continue
        if (items.length === limit) return { items, cursor: cursorOf(items.at(-1)!) }
        items.push(subscriptionViewOf(session, subscription))
      }
      last = topicFilters.at(-1) ?? last
      isMore = topicFilters.length === FILTERS_AT_ONCE
      looks += topicFilters.length
      if (looks >= LOOKS && query.clientId === undefined && isMore) break
    }
    if (looks >= LOOKS && query.clientId === undefined) {
      return { items, cursor: cursorOf({ clientId: session.clientId, topicFilter: last ?? '' }) }
    }
  }
  return { items, cursor: undefined }
}

/**
 * The next filters of a session, in their order: of very many, only so many are sorted, and all are looked at in
 * slices.
 */
async function filtersAfter(broker: Broker, session: Session, after: string | undefined): Promise<string[]> {
  const { turn } = serverOf(broker)
  const { size } = session.subscriptions
  if (size > FILTERS_AT_ONCE) {
    return new Slices(broker).run(firstAfterInSteps(session.subscriptions.keys(), after, FILTERS_AT_ONCE))
  }
  turn.work.spend(Work.entry * (1 + size))
  return firstAfter(session.subscriptions.keys(), after, FILTERS_AT_ONCE)
}

/** To bring filters into their order costs much more than to see that none of a few is wanted. */
function hasWanted({ subscriptions }: Session, query: SubscriptionsQuery): boolean {
  if (subscriptions.size > FEW) return true
  for (const subscription of subscriptions.values()) if (isWanted(subscription, query)) return true
  return false
}

/** Sessions, beginning with the one that the cursor points to, each with the filter after which its list starts. */
async function* sessionsFrom(
  { sessions, turn }: Server,
  owner: object,
  onlyClientId: string | undefined,
  after: Place | undefined,
): AsyncGenerator<{ readonly session: Session; readonly from: string | undefined }, void, undefined> {
  const first = onlyClientId ?? after?.clientId
  const begun = first === undefined ? undefined : sessions.get(first)?.session
  if (begun !== undefined) yield { session: begun, from: after?.topicFilter }
  if (onlyClientId !== undefined) return
  let last = first
  for (;;) {
    if (turn.work.isSpent) await turn.share(owner)
    const clientIds = sessions.idsAfter(last, IDENTIFIERS_AT_ONCE, (looked) => turn.work.spend(looked))
    if (clientIds.length === 0) return
    for (const clientId of clientIds) {
      if (turn.work.isSpent) await turn.share(owner)
      const session = sessions.get(clientId)?.session
      if (session !== undefined) yield { session, from: undefined }
    }
    last = clientIds.at(-1)
  }
}

function isWanted({ topicFilter }: Subscription, query: SubscriptionsQuery): boolean {
  if (query.topicFilter !== undefined && query.topicFilter !== topicFilter) return false
  const shared = parseSharedFilter(topicFilter)
  if (query.isShared !== undefined && query.isShared !== (shared !== undefined)) return false
  return (
    query.topic === undefined || matches(typeof shared === 'object' ? shared.topicFilter : topicFilter, query.topic)
  )
}

function subscriptionViewOf({ clientId }: Session, subscription: Subscription): SubscriptionView {
  const { topicFilter, qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifiers } = subscription
  const isShared = parseSharedFilter(topicFilter) !== undefined
  const options = { qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifiers }
  return { clientId, topicFilter, isShared, ...options }
}

function cursorOf({ clientId, topicFilter }: Place): string {
  return cursorOfText(JSON.stringify([clientId, topicFilter]))
}

function placeOf(cursor: string): Place {
  const text = textOfCursor(cursor)
  try {
    const place: unknown = JSON.parse(text)
    if (Array.isArray(place) && place.length === 2 && place.every((name) => typeof name === 'string')) {
      const [clientId, topicFilter] = place as [string, string]
      return { clientId, topicFilter }
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw noCursor(cursor)
}
