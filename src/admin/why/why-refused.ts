/**
 * Logins and handshakes that were refused: the latest ones, and how many more there were.
 *
 * Anybody can name any client identifier in a CONNECT that is refused. What was certainly or probably somebody else is
 * therefore summed up in one fact, behind what is known of the Client itself.
 *
 * @module
 */
import { networkOf } from '../../access/address.ts'
import { safeExcerpt } from '../../base/printable.ts'
import { reasonCodeName, type ReasonCode } from '../../codec/reason-code.ts'
import type { Broker } from '../../broker/broker.ts'
import type { WhyFact, WhyRefusedQuery, WhyView } from '../../broker/host/why-view.ts'
import type { RecordedRefusal } from '../../reporting/recorder/refusals.ts'
import { counted, inQuotes, Inquiry, nameOf, recorded, timeText, unknown } from './facts.ts'

/** Refusals that have a fact each. */
const MAX_FACTS = 5
const IPV6_PREFIX = 64

export function whyRefused(broker: Broker, query: WhyRefusedQuery): WhyView {
  const inquiry = new Inquiry(broker)
  const facts = refusedFacts(inquiry, refusalsOf(inquiry, query))
  if (facts.length > 0) return { facts }
  const { refusals, startedAtMs } = inquiry.server.recorder
  const sinceMs = inquiry.wall(Math.max(startedAtMs, refusals.lostBeforeMs))
  return { facts: [unknown('nothing recorded', `No such refusal is recorded since ${timeText(sinceMs)}.`, sinceMs)] }
}

/** Those that are asked for, the newest first. */
export function refusalsOf(inquiry: Inquiry, query: WhyRefusedQuery): RecordedRefusal[] {
  return inquiry.server.recorder.refusals
    .all()
    .filter((refusal) => isAsked(refusal, query))
    .filter(({ firstAtMs, lastAtMs }) => inquiry.isNear(inquiry.wall(firstAtMs), inquiry.wall(lastAtMs)))
}

function isAsked({ clientId, userName, address }: RecordedRefusal, query: WhyRefusedQuery): boolean {
  return (
    (query.clientId === undefined || clientId === safeExcerpt(query.clientId)) &&
    (query.userName === undefined || userName === safeExcerpt(query.userName)) &&
    (query.address === undefined || address === query.address)
  )
}

/** @param refusals the newest first */
export function refusedFacts(inquiry: Inquiry, refusals: readonly RecordedRefusal[]): WhyFact[] {
  const [shown, others] = [refusals.slice(0, MAX_FACTS), refusals.slice(MAX_FACTS)]
  const facts = shown.map((refusal) => refusedFact(inquiry, refusal))
  if (others.length === 0) return facts
  const text = `Before, ${timesOf(others)} from ${addressesOf(others)} were refused.`
  return [...facts, recorded('refused earlier', text, inquiry.wall(others[0]!.lastAtMs))]
}

/** One fact about refusals of others who named that client identifier. */
export function strangerFacts(inquiry: Inquiry, clientId: string, refusals: readonly RecordedRefusal[]): WhyFact[] {
  const [last] = refusals
  if (last === undefined) return []
  const what = `${timesOf(refusals)} under the identifier ${nameOf(clientId)} from ${addressesOf(refusals)}`
  const text = `${what} are probably not its own; the last one: ${last.detail}${codeOf(last)}.`
  return [recorded('others refused', text, inquiry.wall(last.lastAtMs))]
}

/** Whether a refusal came from the network of one of these addresses. */
export function isFrom(addresses: readonly string[], { address }: RecordedRefusal): boolean {
  const network = networkOf(address, IPV6_PREFIX)
  return addresses.some((one) => networkOf(one, IPV6_PREFIX) === network)
}

function timesOf(refusals: readonly RecordedRefusal[]): string {
  return counted(
    refusals.reduce((sum, { count }) => sum + count, 0),
    'refused connection',
  )
}

function addressesOf(refusals: readonly RecordedRefusal[]): string {
  const addresses = new Set(refusals.map(({ address }) => address))
  if (addresses.size > 1) return `${addresses.size} addresses`
  return placeOf(refusals[0]!.address)
}

function placeOf(address: string): string {
  return address === '' ? 'an attached stream' : address
}

function codeOf({ reasonCode }: RecordedRefusal): string {
  return reasonCode === undefined ? '' : ` (${reasonCodeName(reasonCode as ReasonCode)})`
}

function refusedFact(inquiry: Inquiry, refusal: RecordedRefusal): WhyFact {
  const { clientId, userName, address, listener, detail, count, lastAtMs } = refusal
  const user = userName === undefined ? '' : ` of user ${inQuotes(userName)}`
  const who = clientId === '' ? `A connection${user}` : `A login of ${inQuotes(clientId)}${user}`
  const times = count === 1 ? '' : `, ${count} times`
  return recorded(
    'refused',
    `${who} from ${placeOf(address)} through ${listener} was refused${times}: ${detail}${codeOf(refusal)}.`,
    inquiry.wall(lastAtMs),
  )
}
