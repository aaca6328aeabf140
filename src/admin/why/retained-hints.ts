/** Hints about retained messages. @module */
import type { HintView } from '../../broker/host/why-view.ts'
import type { Inquiry } from './facts.ts'
import { Concerned } from './hint.ts'
import { eachRetained } from '../views/retained.ts'

/** Retained messages of one publisher from which on a hint is given. */
const FLOOD = 10_000
/** Publishers that are counted. */
const MAX_PUBLISHERS = 100_000

/** Whether one publisher has retained very many messages, as a device does that puts a time into its topics. */
export async function retainedHints(inquiry: Inquiry): Promise<HintView[]> {
  if (inquiry.server.retainedMessages.count < FLOOD) return []
  const counts = new Map<string, number>()
  for await (const { publisher } of eachRetained(inquiry.broker, '#', '')) {
    const count = counts.get(publisher)
    if (count !== undefined || counts.size < MAX_PUBLISHERS) counts.set(publisher, (count ?? 0) + 1)
  }
  const flooding = [...counts].filter(([, count]) => count >= FLOOD)
  return flooding.map(([publisher, count]) => hintOf(publisher, count))
}

function hintOf(publisher: string, count: number): HintView {
  const concerned = new Concerned()
  concerned.add(publisher)
  const text = `${concerned.names} has ${count} retained messages: if its topics contain a number that grows, let it publish them without RETAIN or with a Message Expiry Interval.`
  return concerned.hint('retained flood', text, 'docs/operating/why.md#retained-flood')
}
