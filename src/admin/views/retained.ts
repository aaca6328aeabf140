/**
 * Retained messages: looked at a page at a time, and removed by filter. Both go through the tree in the order of the
 * names (topics/ordered-search.ts), a share at a time, so that the last topic says how far they have come.
 *
 * @module
 */
import { UsageError } from '../../base/errors.ts'
import { show } from '../../base/show.ts'
import { Work } from '../../base/work.ts'
import type { Broker } from '../../broker/broker.ts'
import { serverOf } from '../../broker/broker.ts'
import type { RetainedQuery, RetainedView } from '../../broker/host/admin.ts'
import { hostMessage } from '../../broker/host/host-message.ts'
import { cursorOfText, limitOf, textOfCursor, type Page } from '../../broker/host/page.ts'
import type { ApplicationMessage } from '../../protocol/application-message.ts'
import { topicFilterProblem } from '../../topics/topic-filter.ts'

/** Nodes of the tree that are visited before the budget is looked at. */
const STEP_NODES = 64

export async function retainedPage(broker: Broker, query: RetainedQuery): Promise<Page<RetainedView>> {
  const { clock } = serverOf(broker)
  const limit = limitOf(query)
  const after = query.cursor === undefined ? '' : textOfCursor(query.cursor)
  const wallOffsetMs = clock.wallNow() - clock.now()
  const items: RetainedView[] = []
  for await (const message of eachRetained(broker, query.topicFilter ?? '#', after)) {
    if (items.length === limit) return { items, cursor: cursorOfText(items.at(-1)!.topic) }
    items.push(retainedViewOf(message, wallOffsetMs))
  }
  return { items, cursor: undefined }
}

/** @returns how many were removed, once that is stored */
export async function deleteRetained(broker: Broker, topicFilter: string): Promise<number> {
  const { retainedMessages, memory, turn } = serverOf(broker)
  let removed = 0
  for await (const { topicName } of eachRetained(broker, topicFilter, '')) {
    turn.work.spend(Work.change)
    retainedMessages.set(hostMessage(topicName, '', { retain: true }, turn.now()), memory.whole, true)
    removed++
  }
  await new Promise<void>((resolve) => turn.whenCommitted(resolve))
  return removed
}

/**
 * Retained messages whose topics the filter matches and come after that one.
 *
 * @throws {UsageError} for what is no topic filter
 */
export async function* eachRetained(
  broker: Broker,
  topicFilter: string,
  after: string,
): AsyncGenerator<ApplicationMessage, void, undefined> {
  const { retainedMessages, turn } = serverOf(broker)
  const problem = topicFilterProblem(topicFilter)
  if (problem !== undefined) throw new UsageError(`${show(topicFilter)} is no topic filter: ${problem}`)
  const search = retainedMessages.searchInOrder(topicFilter, after)
  try {
    for (let isMore = true; isMore;) {
      if (turn.work.isSpent) await turn.share(broker)
      const { visited } = search
      isMore = search.step(STEP_NODES)
      turn.work.spend(1 + (search.visited - visited) * Work.node)
      if (isMore && search.value !== undefined) yield search.value.message
    }
  } finally {
    search.end()
  }
}

function retainedViewOf(message: ApplicationMessage, wallOffsetMs: number): RetainedView {
  const { topicName, qos, payloadLength, publisher, receivedAtMs, expiresAtMs } = message
  return {
    ...{ topic: topicName, qos, payloadBytes: payloadLength, publisher },
    receivedAtMs: Math.round(receivedAtMs + wallOffsetMs),
    expiresAtMs: expiresAtMs === Infinity ? undefined : Math.round(expiresAtMs + wallOffsetMs),
  }
}
