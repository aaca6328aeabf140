/**
 * All clients in the memory of the browser, so that searching and sorting a hundred thousand asks the broker nothing.
 *
 * @module
 */
import type { ClientView } from '../../../src/broker/sessions/client-view.ts'
import type { SessionView } from '../../../src/broker/sessions/session-view.ts'
import { call } from '../api/client.ts'
import { useLoaded, type View } from './view.ts'

/** More are not listed. */
export const MOST_CLIENTS = 100_000
const PAGE_SIZE = 1000
/** So that the broker never serves this list for more than a small part of its time. */
const PAUSE_MS = 20
/** Larger lists are loaded again only when somebody asks for it. */
const REFRESHED_UP_TO = 2000
const REFRESH_MS = 5000

const CLIENT_FIELDS = [
  ...(['clientId', 'userName', 'address', 'listener', 'protocolVersion', 'connectedAtMs', 'subscriptions'] as const),
  ...(['queuedMessages', 'inflightMessages', 'messagesReceived', 'messagesSent'] as const),
] as const satisfies readonly (keyof ClientView)[]

const SESSION_FIELDS = [
  ...(['clientId', 'userName', 'sessionExpiryInterval', 'queuedMessages', 'inflightMessages', 'memoryBytes'] as const),
] as const satisfies readonly (keyof SessionView)[]

export type ClientRow = Pick<ClientView, (typeof CLIENT_FIELDS)[number]>
export type SessionRow = Pick<SessionView, (typeof SESSION_FIELDS)[number]>

export function useClients(known: number): View<readonly ClientRow[]> {
  const load = (signal: AbortSignal): Promise<ClientRow[]> =>
    allOf((cursor) => call('clients', { limit: PAGE_SIZE, cursor, fields: CLIENT_FIELDS }, signal))
  return useLoaded(load, 'clients', known > REFRESHED_UP_TO ? 0 : REFRESH_MS)
}

export function useSessionsAway(known: number): View<readonly SessionRow[]> {
  const load = (signal: AbortSignal): Promise<SessionRow[]> =>
    allOf((cursor) => call('sessions', { limit: PAGE_SIZE, cursor, connected: false, fields: SESSION_FIELDS }, signal))
  return useLoaded(load, 'sessions', known > REFRESHED_UP_TO ? 0 : REFRESH_MS)
}

interface PageOf<Row> {
  readonly items: readonly Row[]
  readonly cursor: string | undefined
}

async function allOf<Row>(page: (cursor: string | undefined) => Promise<PageOf<Row>>): Promise<Row[]> {
  const rows: Row[] = []
  let cursor: string | undefined
  do {
    const { items, cursor: next } = await page(cursor)
    rows.push(...items)
    cursor = next
    if (cursor !== undefined) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  } while (cursor !== undefined && rows.length < MOST_CLIENTS)
  return rows
}
