/**
 * Why a Client is not connected, or was disconnected: the end of its latest connection, or the refusal of its latest
 * login, whichever is newer. Refusals of others who name its client identifier come last.
 *
 * @module
 */
import { reasonCodeName, type ReasonCode } from '../../codec/reason-code.ts'
import type { Broker } from '../../broker/broker.ts'
import type { WhyFact, WhyView } from '../../broker/host/why-view.ts'
import type { ClosedConnectionView } from '../../broker/sessions/closed-connections.ts'
import { keptName } from '../../broker/sessions/closed-connections.ts'
import type { RecordedRefusal } from '../../reporting/recorder/refusals.ts'
import { RecordKind } from '../../reporting/recorder/record-kind.ts'
import { bridgeFacts } from './bridge-facts.ts'
import { entriesOf, type Evidence } from './evidence.ts'
import { counted, derived, excerpt, Inquiry, nameOf, recorded, timeText, unknown } from './facts.ts'
import { isFrom, refusalsOf, refusedFacts, strangerFacts } from './why-refused.ts'

const CLOSED_AT_ONCE = 1000
/** Takeovers from which on something is said about who uses the identifier. */
const FIGHT = 2

export async function whyClosed(broker: Broker, clientId: string, at?: number): Promise<WhyView> {
  const inquiry = new Inquiry(broker, at)
  const closed = await lastClosed(inquiry, clientId)
  const { own, others } = refusalsByOrigin(inquiry, clientId, closed)
  const ends = [...closedFact(inquiry, clientId, closed), ...refusedFacts(inquiry, own)]
  const facts = ends.toSorted((one, other) => (other.atMs ?? 0) - (one.atMs ?? 0))
  const ended = entriesOf(inquiry, clientId, ({ kind }) => kind === RecordKind.SessionEnded)[0]
  if (ended !== undefined) facts.push(sessionEndFact(clientId, ended))
  const bridge = inquiry.isAboutATime ? [] : bridgeFacts(inquiry, clientId)
  if (facts.length === 0 && others.length === 0) facts.push(nothingKnown(inquiry, clientId))
  return {
    facts: [...bridge, ...facts, presentFact(inquiry, clientId), ...strangerFacts(inquiry, clientId, others)],
  }
}

/**
 * Refusals under a client identifier: of a Client that has been connected, from where it has been, and not while it is
 * connected. Without a connection on record, all may be its own.
 */
function refusalsByOrigin(
  inquiry: Inquiry,
  clientId: string,
  closed: ClosedConnectionView | undefined,
): { readonly own: readonly RecordedRefusal[]; readonly others: readonly RecordedRefusal[] } {
  const refusals = refusalsOf(inquiry, { clientId })
  const connection = inquiry.server.sessions.get(clientId)?.connection
  const logins = entriesOf(inquiry, clientId, ({ kind }) => kind === RecordKind.Connected)
  const addresses = logins.flatMap(({ entry: { subject = '' } }) => [subject, withoutPort(subject)])
  if (connection !== undefined) addresses.push(connection.peer.address)
  if (closed !== undefined) addresses.push(closed.address)
  if (addresses.length === 0) return { own: refusals, others: [] }
  const isOwn = (refusal: RecordedRefusal): boolean =>
    isFrom(addresses, refusal) && (connection === undefined || refusal.firstAtMs < connection.connectedAtMs)
  return { own: refusals.filter(isOwn), others: refusals.filter((refusal) => !isOwn(refusal)) }
}

/** The newest. One whose name was cut may be of another client: of those, only the recorder knows. */
export async function lastClosed(inquiry: Inquiry, clientId: string): Promise<ClosedConnectionView | undefined> {
  const { closedConnections } = inquiry.server
  if (keptName(clientId) !== clientId) return undefined
  let number = closedConnections.newestNumber
  for (let one = closedConnections.get(number); one !== undefined; one = closedConnections.get(--number)) {
    if (one.clientId === clientId && inquiry.isNear(one.closedAtMs)) return one
    if (number % CLOSED_AT_ONCE === 0) await inquiry.pause(CLOSED_AT_ONCE)
  }
  return undefined
}

function closedFact(inquiry: Inquiry, clientId: string, closed: ClosedConnectionView | undefined): WhyFact[] {
  const ends = entriesOf(inquiry, clientId, ({ kind }) => kind === RecordKind.Disconnected)
  if (closed === undefined) {
    const [last] = ends
    return last === undefined ? [] : [endFact(inquiry, clientId, last, ends)]
  }
  const { cause, detail, reasonCode, closedAtMs } = closed
  return [recorded(cause, sentenceOf(inquiry, clientId, { cause, detail, reasonCode }, ends), closedAtMs)]
}

function endFact(inquiry: Inquiry, clientId: string, { entry, untilMs }: Evidence, ends: readonly Evidence[]): WhyFact {
  const cause = entry.subject ?? 'unknown cause'
  const end = { cause, detail: excerpt(entry.detail ?? ''), reasonCode: entry.code as ReasonCode }
  return recorded(cause, sentenceOf(inquiry, clientId, end, ends), untilMs)
}

interface End {
  readonly cause: string
  /** Made safe. */
  readonly detail: string
  readonly reasonCode: ReasonCode
}

function sentenceOf(inquiry: Inquiry, clientId: string, end: End, ends: readonly Evidence[]): string {
  const { cause, detail, reasonCode } = end
  if (cause === 'session taken over') return takeoverSentence(inquiry, clientId, ends)
  const why = detail === '' ? '' : `: ${detail}`
  const code = reasonCode === 0 ? '' : ` (${reasonCodeName(reasonCode)})`
  return `The connection of ${nameOf(clientId)} ended: ${cause}${why}${code}.`
}

function takeoverSentence(inquiry: Inquiry, clientId: string, ends: readonly Evidence[]): string {
  const takeovers = ends.filter(({ entry }) => entry.subject === 'session taken over')
  const times = takeovers.reduce((sum, { entry }) => sum + entry.count, 0)
  const logins = entriesOf(inquiry, clientId, ({ kind }) => kind === RecordKind.Connected)
  const places = [...new Set(logins.map(({ entry }) => entry.subject ?? ''))].slice(0, 3)
  const who = isAlternating(logins)
    ? 'two clients use it'
    : 'two clients use it, or one that connects again before its old connection is closed'
  const from = places.length === 0 ? '' : `; logins came from ${places.join(', ')}`
  const often = times < FIGHT ? '' : `, ${counted(times, 'time')} since ${timeText(takeovers.at(-1)!.atMs)}: ${who}`
  return `Another connection used the client identifier ${nameOf(clientId)} (session taken over)${often}${from}.`
}

/** Whether logins came from one address, then from another, and from the first again. */
function isAlternating(logins: readonly Evidence[]): boolean {
  const addresses = logins.map(({ entry }) => withoutPort(entry.subject ?? ''))
  const changes = addresses.filter((address, at) => address !== addresses[at - 1])
  return changes.length > new Set(changes).size
}

function withoutPort(place: string): string {
  return place.replace(/:\d+$/, '')
}

function sessionEndFact(clientId: string, { entry, untilMs }: Evidence): WhyFact {
  return recorded('session ended', `The session of ${nameOf(clientId)} ended: ${entry.subject ?? ''}.`, untilMs)
}

/** From when on entries of that Client would be there. */
function nothingKnown(inquiry: Inquiry, clientId: string): WhyFact {
  const { recorder } = inquiry.server
  const lost = recorder.of(clientId)?.lostBeforeMs ?? -1
  const sinceMs = inquiry.wallOfEntry(Math.max(0, lost))
  const text = `No end of a connection of ${nameOf(clientId)} and no refused login is recorded since ${timeText(sinceMs)}.`
  return unknown('nothing recorded', text, sinceMs)
}

function presentFact(inquiry: Inquiry, clientId: string): WhyFact {
  const registration = inquiry.server.sessions.get(clientId)
  const name = nameOf(clientId)
  if (registration?.connection !== undefined) {
    const sinceMs = inquiry.wall(registration.connection.connectedAtMs)
    return derived('connected', `${name} has been connected since ${timeText(sinceMs)}.`)
  }
  if (registration === undefined) return derived('no session', `${name} is not connected and has no session.`)
  return derived('not connected', `${name} is not connected; its session waits for it.`)
}
