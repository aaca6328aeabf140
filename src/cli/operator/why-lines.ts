/**
 * Answers to "why", a line for each fact.
 *
 *   recorded  2026-11-30 15:04:05  3 messages to "a" did not reach "meter" (queue full). …
 *   derived                        "meter" has subscribed to "a".
 *
 * @module
 */
import type { WhyFact } from '../../broker/host/why-view.ts'
import { printable } from '../../base/printable.ts'
import type { Item } from './layout.ts'

const CERTAINTY_WIDTH = 8
const TIME_WIDTH = 19

export function whyLines({ facts }: Item): readonly string[] {
  return (facts as readonly WhyFact[]).map(lineOf)
}

function lineOf({ certainty, atMs, text }: WhyFact): string {
  const time = atMs === undefined ? '' : new Date(atMs).toISOString().slice(0, TIME_WIDTH).replace('T', ' ')
  return `${certainty.padEnd(CERTAINTY_WIDTH)}  ${time.padEnd(TIME_WIDTH)}  ${printable(text)}`
}

/** What stands above a view; `undefined` if nothing was recorded. */
export function headlineOf({ facts }: Item): string | undefined {
  const [first] = facts as readonly WhyFact[]
  return first?.certainty === 'recorded' ? lineOf(first) : undefined
}
