/** Hints for operators: what is allowed and probably not meant. @module */
import type { Broker } from '../../broker/broker.ts'
import type { HintView } from '../../broker/host/why-view.ts'
import { Inquiry } from './facts.ts'
import { recordHints } from './record-hints.ts'
import { retainedHints } from './retained-hints.ts'
import { sessionHints } from './session-hints.ts'

/** The most urgent first. Everything is looked through, a share of a turn at a time. */
export async function hintsOf(broker: Broker): Promise<readonly HintView[]> {
  const inquiry = new Inquiry(broker)
  return [...(await recordHints(inquiry)), ...(await sessionHints(inquiry)), ...(await retainedHints(inquiry))]
}
