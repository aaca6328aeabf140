/**
 * Log lines about Clients that connect and disconnect, and about connections that are refused:
 *
 *   meter-1 connected: MQTT 5.0, user ann, from 192.0.2.7:50312 through tls, Keep Alive 60 s, Clean Start 1, Session Present 0
 *   meter-1 disconnected: keep alive timeout; after 723 s, 120 messages in, 33 out
 *   refused a connection from 192.0.2.7: auth.file: wrong password
 *
 * No text is built for a line that is not written.
 *
 * @module
 */
import { isEnabled, logRefusal, type Logger } from '../base/log.ts'
import { safeExcerpt } from '../base/printable.ts'
import type { ProtocolVersion } from '../codec/packet-types.ts'
import { reasonCodeName } from '../codec/reason-code.ts'
import type { Client } from '../protocol/client.ts'
import type { Connection } from '../protocol/connection.ts'
import type { ConnectionEnd } from '../protocol/server-side.ts'
import type { ActiveConfig } from '../config/active-config.ts'
import type { BrokerEvents } from '../access/broker-events.ts'

const VERSION_NAMES: Readonly<Record<ProtocolVersion, string>> = { 3: '3.1', 4: '3.1.1', 5: '5.0' }

/** What CONNACK answers. */
export interface Accepted {
  readonly client: Client
  readonly keepAlive: number
  readonly cleanStart: boolean
  readonly sessionPresent: boolean
}

/** What is known about a refused Client. */
export type Refused = BrokerEvents['clientRefused']

export class ConnectionLog {
  readonly #log: Logger
  readonly #current: ActiveConfig

  constructor(log: Logger, current: ActiveConfig) {
    this.#log = log
    this.#current = current
  }

  get #hasConnections(): boolean {
    return this.#current.options.log.connections && isEnabled(this.#log, 'info')
  }

  /** CONNACK 0x00 is on its way. */
  connected({ peer }: Connection, { client, keepAlive, cleanStart, sessionPresent }: Accepted): void {
    if (!this.#hasConnections) return
    const { address, listener, protocolVersion } = client
    const { clientId, user, ...names } = shownOf(client)
    const version = VERSION_NAMES[protocolVersion]
    const { port } = peer
    const start = `${protocolVersion === 5 ? 'Clean Start' : 'Clean Session'} ${Number(cleanStart)}`
    this.#log.info(
      { clientId, ...names, version, address, port, listener, keepAlive, cleanStart, sessionPresent },
      `${clientId} connected: MQTT ${version}, ${user}, from ${placeOf(address, port)} through ${listener}, Keep Alive ${keepAlive} s, ${start}, Session Present ${Number(sessionPresent)}`,
    )
  }

  /** A connected Client has disconnected. */
  left(connection: Connection, { cause, reasonCode, detail }: ConnectionEnd, nowMs: number): void {
    if (!this.#hasConnections) return
    const { client } = connection
    const { address, listener } = client
    const { clientId, user: _user, ...names } = shownOf(client)
    const { received, sent } = connection.messageCounts
    const seconds = Math.round((nowMs - connection.connectedAtMs) / 1000)
    const why = detail === '' ? cause : `${cause}, ${safeExcerpt(detail)}`
    const figures = { seconds, messagesIn: received, messagesOut: sent }
    this.#log.info(
      { clientId, ...names, address, listener, cause, reasonCode: reasonCodeName(reasonCode), ...figures },
      `${clientId} disconnected: ${why}; after ${seconds} s, ${received} messages in, ${sent} out`,
    )
  }

  refused({ clientId, userName, address, listener, reasonCode, detail }: Refused): void {
    if (!this.#current.options.log.refusals || !isEnabled(this.#log, 'info')) return
    const shown = {
      clientId: safeExcerpt(clientId),
      userName: userName === undefined ? undefined : safeExcerpt(userName),
      address,
      listener,
      reasonCode: reasonCodeName(reasonCode),
    }
    logRefusal(this.#log, shown, `refused a connection from ${placeOf(address)}: ${safeExcerpt(detail)}`)
  }

  /** Usually a health check of a load balancer: nothing was refused. */
  silent({ peer: { address, listener } }: Connection): void {
    if (!isEnabled(this.#log, 'debug')) return
    this.#log.debug({ address, listener }, `a connection from ${placeOf(address)} was closed before it sent anything`)
  }
}

function shownOf({ clientId, userName, claimedUserName }: Client) {
  const known = userName === undefined ? undefined : safeExcerpt(userName)
  const claimed = claimedUserName === undefined ? undefined : safeExcerpt(claimedUserName)
  const anonymous = claimed === undefined ? 'anonymous' : `anonymous (claims to be ${claimed})`
  const user = known === undefined ? anonymous : `user ${known}`
  return { clientId: safeExcerpt(clientId), userName: known, claimedUserName: claimed, user }
}

/** Where a Client comes from, for a line. */
export function placeOf(address: string, port?: number): string {
  if (address === '') return 'an attached stream'
  if (port === undefined) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
