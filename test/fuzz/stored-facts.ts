/**
 * RAM and Store tell the same once everything is committed: every kept Session has there what it has here, and so have
 * Wills and retained messages.
 *
 * @module
 */
import type { RetainedMessages } from '../../src/routing/retained.ts'
import type { Registration } from '../../src/broker/sessions/sessions.ts'
import type { ApplicationMessage } from '../../src/protocol/application-message.ts'
import { DeliveryState, type Delivery } from '../../src/protocol/delivery.ts'
import type { Session } from '../../src/protocol/session.ts'
import type { StoreModel } from '../../src/testing/store-model.ts'

/** Of a message on its way; a released one needs its message no more. */
type EntryFacts = readonly [
  entryNumber: number,
  packetIdentifier: number,
  qos: number,
  messageNumber: number | 'released',
]

/** @returns what differs */
export function compareWithStore(
  facts: StoreModel,
  registrations: readonly Registration[],
  retained: RetainedMessages,
): string | undefined {
  const kept = registrations.map(({ session }) => session).filter(({ ledger }) => ledger !== undefined)
  const wills = registrations.filter(({ will }) => will !== undefined)
  const messages = [...retained.messages()]
  return (
    differs('Sessions', numbersOf(kept), facts.sessions.keys()) ??
    differs('Wills', numbersOf(wills.map(({ session }) => session)), facts.wills.keys()) ??
    differs('retained', numberedNames(messages), numberedTopics(facts)) ??
    firstOf(kept, (session) => differs(session.clientId, factsHere(session), factsThere(facts, session))) ??
    firstOf([...messages, ...kept.flatMap(waitingMessages)], (message) => payloadDiffers(facts, message))
  )
}

function firstOf<Value>(values: readonly Value[], problem: (value: Value) => string | undefined): string | undefined {
  for (const value of values) {
    const found = problem(value)
    if (found !== undefined) return found
  }
  return undefined
}

function differs(what: string, here: Iterable<string | number>, there: Iterable<string | number>): string | undefined {
  const [ram, store] = [here, there].map((names) => JSON.stringify(Array.from(names, String).toSorted()))
  return ram === store ? undefined : `${what}: ${ram} in RAM, ${store} in the Store`
}

function numbersOf(sessions: readonly Session[]): number[] {
  return sessions.map(({ sessionNumber }) => sessionNumber)
}

function numberedNames(messages: readonly ApplicationMessage[]): string[] {
  return messages.map(({ topicName, messageNumber }) => `${topicName} ${messageNumber}`)
}

function numberedTopics({ retained }: StoreModel): string[] {
  return Array.from(retained, ([topicName, messageNumber]) => `${topicName} ${messageNumber}`)
}

function factsHere(session: Session): string[] {
  const entries = storedDeliveries(session).map((delivery): EntryFacts => {
    const { entryNumber, packetIdentifier, state, qos, message } = delivery
    const isReleased = state === DeliveryState.Released
    return [entryNumber, packetIdentifier, qos, isReleased ? 'released' : message.messageNumber]
  })
  return pictures(session.subscriptions.keys(), session.receivedIdentifiers ?? [], entries)
}

function factsThere(facts: StoreModel, { sessionNumber }: Session): string[] {
  const { subscriptions, received, entries } = facts.session(sessionNumber)
  const known = Array.from(entries.values(), ({ entry, packetIdentifier, released }): EntryFacts => {
    return [entry.entryNumber, packetIdentifier, entry.qos, released ? 'released' : entry.messageNumber]
  })
  return pictures(subscriptions.keys(), received, known)
}

function pictures(
  topicFilters: Iterable<string>,
  received: Iterable<number>,
  entries: readonly EntryFacts[],
): string[] {
  const identifiers = Array.from(received, (packetIdentifier) => `received ${packetIdentifier}`)
  return [...topicFilters, ...identifiers, ...entries.map((entry) => `entry ${entry.join(' ')}`)]
}

function storedDeliveries(session: Session): Delivery[] {
  return Array.from(session.deliveries()).filter(({ isStored }) => isStored)
}

function waitingMessages(session: Session): ApplicationMessage[] {
  const waiting = storedDeliveries(session).filter(({ state }) => state !== DeliveryState.Released)
  return waiting.map(({ message }) => message)
}

function payloadDiffers(facts: StoreModel, message: ApplicationMessage): string | undefined {
  const stored = facts.messages.get(message.messageNumber)?.payload
  if (stored === undefined) return `message ${message.messageNumber} is not in the Store`
  if (!message.isLoaded || Buffer.from(stored).equals(message.payload)) return undefined
  return `message ${message.messageNumber} has another payload in RAM than in the Store`
}
