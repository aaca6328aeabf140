/** Lists of clients and sessions, with filters. @module */
import { Work } from '../../base/work.ts'
import type { Broker } from '../../broker/broker.ts'
import { serverOf } from '../../broker/broker.ts'
import type { ClientsQuery, SessionsQuery, SlowSubscriberView } from '../../broker/host/admin.ts'
import { limitOf, type Page } from '../../broker/host/page.ts'
import { registrationPage } from '../../broker/host/session-pages.ts'
import { clientViewOf, type ClientView } from '../../broker/sessions/client-view.ts'
import type { Registration } from '../../broker/sessions/sessions.ts'
import { sessionViewOf, type SessionView } from '../../broker/sessions/session-view.ts'

export function clientPage(broker: Broker, query: ClientsQuery): Promise<Page<ClientView>> {
  const server = serverOf(broker)
  const isListed = ({ connection, client }: Registration): boolean =>
    connection !== undefined &&
    isWanted(query.userName, client.userName) &&
    isWanted(query.listener, client.listener) &&
    isWanted(query.address, client.address) &&
    isWanted(query.protocolVersion, client.protocolVersion)
  return registrationPage(server, broker, query, isListed, (one) => clientViewOf(one, server.clock)!)
}

export function sessionPage(broker: Broker, query: SessionsQuery): Promise<Page<SessionView>> {
  const isListed = ({ connection, session }: Registration): boolean =>
    isWanted(query.userName, session.userName) && isWanted(query.connected, connection !== undefined)
  return registrationPage(serverOf(broker), broker, query, isListed, sessionViewOf)
}

function isWanted<Value>(wanted: Value | undefined, value: Value | undefined): boolean {
  return wanted === undefined || wanted === value
}

/** Who has the most bytes waiting, of those that the broker has noted (`broker/sessions/lagging-sessions.ts`). */
export async function slowSubscribers(broker: Broker, limit: number | undefined): Promise<SlowSubscriberView[]> {
  const { sessions, sessionServices, turn } = serverOf(broker)
  const most = limitOf({ ...(limit !== undefined && { limit }) })
  let slowest: SlowSubscriberView[] = []
  for (const { clientId } of sessionServices.lagging.all()) {
    if (turn.work.isSpent) await turn.share(broker)
    turn.work.spend(Work.entry)
    const registration = sessions.get(clientId)
    const view = registration && slowViewOf(registration)
    if (view === undefined) continue
    slowest.push(view)
    if (slowest.length >= 2 * most) slowest = slowestOf(slowest, most)
  }
  return slowestOf(slowest, most)
}

function slowestOf(views: SlowSubscriberView[], most: number): SlowSubscriberView[] {
  return views.sort((one, other) => waitingBytes(other) - waitingBytes(one)).slice(0, most)
}

function waitingBytes({ queuedBytes, unsentBytes }: SlowSubscriberView): number {
  return queuedBytes + unsentBytes
}

/** @returns `undefined` for one that is not connected, or has taken everything */
function slowViewOf({ session, connection }: Registration): SlowSubscriberView | undefined {
  if (connection === undefined) return undefined
  const { queuedMessages, queuedBytes } = session
  const { unsentBytes } = connection
  if (queuedBytes + unsentBytes === 0) return undefined
  const { clientId, userName, inflightMessages, acknowledgementMs = null } = session
  return { clientId, userName, queuedMessages, queuedBytes, unsentBytes, inflightMessages, acknowledgementMs }
}
