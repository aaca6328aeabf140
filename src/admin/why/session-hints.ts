/** Hints about Clients and Sessions as they are now. @module */
import type { HintView } from '../../broker/host/why-view.ts'
import type { Registration } from '../../broker/sessions/sessions.ts'
import type { Inquiry } from './facts.ts'
import { Concerned } from './hint.ts'

/** Sessions without a client from which on random identifiers are suspected. */
const MANY = 20
/** Names that libraries make up: a word and eight or more hexadecimal or random characters, a UUID. */
const RANDOM =
  /^(auto-[0-9a-f]{32}|mqttjs_[0-9a-f]{8}|paho[-_/]?[0-9a-zA-Z]{8,}|mqttx_[0-9a-f]{8}|mosq[-/][0-9a-zA-Z]{16,}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\S*[-_/][0-9a-f]{12,})$/i

export async function sessionHints(inquiry: Inquiry): Promise<HintView[]> {
  const silent = new Concerned()
  const abandoned = new Concerned()
  for (const registration of inquiry.server.sessions.all()) {
    await inquiry.pause(1)
    const { clientId } = registration.session
    if (registration.connection?.keepAlive === 0) silent.add(clientId)
    if (isAbandoned(registration)) abandoned.add(clientId)
  }
  return [
    ...(silent.count === 0 ? [] : [keepAlive(silent)]),
    ...(abandoned.count < MANY ? [] : [randomNames(abandoned)]),
  ]
}

/** A stored Session that no Client can come back to, since nobody remembers its name. */
function isAbandoned({ session, connection }: Registration): boolean {
  return connection === undefined && session.sessionExpiryInterval > 0 && RANDOM.test(session.clientId)
}

function keepAlive(silent: Concerned): HintView {
  const text = `${silent.names} asked for Keep Alive 0, so that nobody notices if the network fails: set a Keep Alive in the client, or max-keep-alive.`
  return silent.hint('Keep Alive 0', text, 'docs/operating/why.md#keep-alive-0')
}

function randomNames(abandoned: Concerned): HintView {
  const text = `${abandoned.count} sessions wait for clients whose identifiers look random (${abandoned.names}): nobody resumes them, so let such clients start clean, or give them a fixed identifier, or lower max-session-expiry.`
  return abandoned.hint(
    'sessions under random identifiers',
    text,
    'docs/operating/why.md#sessions-under-random-identifiers',
  )
}
