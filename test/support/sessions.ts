/** Returns all Sessions of a Broker in one step, without pages and promises, for tests in virtual time. @module */
import { serverOf } from '../../src/broker/broker.ts'
import { sessionViewOf, type SessionView } from '../../src/broker/sessions/session-view.ts'
import type { Broker } from '../../src/create-broker.ts'

export function sessionsOf(broker: Broker): SessionView[] {
  return Array.from(serverOf(broker).sessions.all(), sessionViewOf)
}

export function clientsOf(broker: Broker): SessionView[] {
  return sessionsOf(broker).filter(({ connected }) => connected)
}
