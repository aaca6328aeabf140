/**
 * Why a Client is not connected, or was disconnected: the end of its latest connection, or the refusal of its latest
 * login, whichever is newer.
 *
 * @module
 */
import { safeExcerpt } from '../../base/printable.ts'
import { reasonCodeName, type ReasonCode } from '../../codec/reason-code.ts'
import type { Broker } from '../../broker/broker.ts'
import type { WhyFact, WhyRefusedQuery, WhyView } from '../../broker/host/why-view.ts'
import type { ClosedConnectionView } from '../../broker/sessions/closed-connections.ts'
import { keptName } from '../../broker/sessions/closed-connections.ts'
import type { RecordedRefusal } from '../../reporting/recorder/refusals.ts'
import { RecordKind } from '../../reporting/recorder/record-kind.ts'
import { bridgeFacts } from './bridge-facts.ts'
import { entriesOf, type Evidence } from './evidence.ts'
import { counted, derived, Inquiry, nameOf, recorded, timeText, unknown } from './facts.ts'

const CLOSED_AT_ONCE = 1000
/** Takeovers from which on something is said about who uses the identifier. */
const FIGHT = 2

export async function whyClosed(broker: Broker, clientId: string, at?: number): Promise<WhyView> {
  const inquiry = new Inquiry(broker, at)
  const closed = [closedFact(inquiry, clientId, await lastClosed(inquiry, clientId))].flat()
  const refused = refusedFacts(inquiry, { clientId })
  const facts = [...closed, ...refused].toSorted((one, other) => (other.atMs ?? 0) - (one.atMs ?? 0))
  const ended = entriesOf(inquiry, clientId, ({ kind }) => kind === RecordKind.SessionEnded)[0]
  if (ended !== undefined) facts.push(sessionEndFact(clientId, ended))
  const bridge = inquiry.isAboutATime ? [] : bridgeFacts(inquiry, clientId)
  if (facts.length === 0) facts.push(nothingKnown(inquiry, clientId))
  return { facts: [...bridge, ...facts, presentFact(inquiry, clientId)] }
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
  const end = { cause, detail: entry.detail ?? '', reasonCode: entry.code as ReasonCode }
  return recorded(cause, sentenceOf(inquiry, clientId, end, ends), untilMs)
}

interface End {
  readonly cause: string
  readonly detail: string
  readonly reasonCode: ReasonCode
}

function sentenceOf(inquiry: Inquiry, clientId: string, end: End, ends: readonly Evidence[]): string {
  const { cause, detail, reasonCode } = end
  if (cause === 'session taken over') return takeoverSentence(inquiry, clientId, ends)
  const why = detail === '' ? '' : `: ${safeExcerpt(detail)}`
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
  const addresses = logins.map(({ entry }) => (entry.subject ?? '').replace(/:\d+$/, ''))
  const changes = addresses.filter((address, at) => address !== addresses[at - 1])
  return changes.length > new Set(changes).size
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
    return derived('connected', `${name} is connected since ${timeText(sinceMs)}.`)
  }
  if (registration === undefined) return derived('no session', `${name} is not connected and has no session.`)
  return derived('not connected', `${name} is not connected; its session waits for it.`)
}

export function whyRefused(broker: Broker, query: WhyRefusedQuery): WhyView {
  const inquiry = new Inquiry(broker)
  const facts = refusedFacts(inquiry, query)
  if (facts.length > 0) return { facts }
  const { refusals, startedAtMs } = inquiry.server.recorder
  const sinceMs = inquiry.wall(Math.max(startedAtMs, refusals.lostBeforeMs))
  return { facts: [unknown('nothing recorded', `No such refusal is recorded since ${timeText(sinceMs)}.`, sinceMs)] }
}

function refusedFacts(inquiry: Inquiry, query: WhyRefusedQuery): WhyFact[] {
  const found = inquiry.server.recorder.refusals.all().filter((refusal) => isAsked(refusal, query))
  return found
    .filter(({ firstAtMs, lastAtMs }) => inquiry.isNear(inquiry.wall(firstAtMs), inquiry.wall(lastAtMs)))
    .map((refusal) => refusedFact(inquiry, refusal))
}

function isAsked({ clientId, userName, address }: RecordedRefusal, query: WhyRefusedQuery): boolean {
  return (
    (query.clientId === undefined || clientId === safeExcerpt(query.clientId)) &&
    (query.userName === undefined || userName === safeExcerpt(query.userName)) &&
    (query.address === undefined || address === query.address)
  )
}

function refusedFact(inquiry: Inquiry, refusal: RecordedRefusal): WhyFact {
  const { clientId, userName, address, listener, reasonCode, detail, count, lastAtMs } = refusal
  const user = userName === undefined ? '' : ` of user ${JSON.stringify(userName)}`
  const who = clientId === '' ? `A connection${user}` : `A login of ${nameOf(clientId)}${user}`
  const times = count === 1 ? '' : `, ${count} times`
  const code = reasonCode === undefined ? '' : ` (${reasonCodeName(reasonCode as ReasonCode)})`
  const from = address === '' ? 'an attached stream' : address
  return recorded(
    'refused',
    `${who} from ${from} through ${listener} was refused${times}: ${detail}${code}.`,
    inquiry.wall(lastAtMs),
  )
}
