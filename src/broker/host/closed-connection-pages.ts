/**
 * The Connections that have ended most recently, a page at a time, the newest first. They are numbered as they end, so
 * a cursor stays valid while others come. @module
 */
import { Work } from '../../base/work.ts'
import { keptName, type ClosedConnections, type ClosedConnectionView } from '../sessions/closed-connections.ts'
import type { Turn } from '../../turn/turn.ts'
import { limitOf, numberOfCursor, type Page, type PageOptions } from './page.ts'

/** Selects a page of the connections that have ended. */
export interface ClosedConnectionsOptions extends PageOptions {
  /** Only connections with that client identifier. Default: all. */
  readonly clientId?: string | undefined
}

/** @throws {UsageError} if the limit is out of its range, or no page returned the cursor */
export async function closedConnectionPage(
  closed: ClosedConnections,
  turn: Turn,
  options: ClosedConnectionsOptions,
): Promise<Page<ClosedConnectionView>> {
  const limit = limitOf(options)
  const clientId = options.clientId === undefined ? undefined : keptName(options.clientId)
  const items: ClosedConnectionView[] = []
  let number = options.cursor === undefined ? closed.newestNumber : numberOfCursor(options.cursor) - 1
  let lastNumber = 0
  for (let one = closed.get(number); one !== undefined; one = closed.get(--number)) {
    if (turn.work.isSpent) await turn.share(closed)
    turn.work.spend(Work.entry)
    if (clientId !== undefined && one.clientId !== clientId) continue
    if (items.length === limit) return { items, cursor: String(lastNumber) }
    items.push(one)
    lastNumber = number
  }
  return { items, cursor: undefined }
}
