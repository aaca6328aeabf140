/**
 * Log lines about Clients that connect and disconnect, and about connections that are refused:
 *
 *   meter-1 connected: MQTT 5.0, user ann, from 192.0.2.7:50312 through tls, Keep Alive 60 s, Clean Start 1, Session Present 0
 *   meter-1 disconnected: keep alive timeout; after 723 s, 120 messages in, 33 out
 *   refused a connection from 192.0.2.7: auth.file: wrong password
 *   logins from 192.0.2.7 are slowed: 4 wrong ones in a row, the last as ann; the next one is checked after 500 ms
 *
 * Two clients that use the same client identifier end each other's connections again and again; such lines are
 * summarised.
 *
 * The client of a bridge in this broker has no lines: the bridge writes its own. A line that is not written costs no
 * text.
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

/** The facts of an accepted login. */
export interface Accepted {
  readonly client: Client
  readonly keepAlive: number
  readonly cleanStart: boolean
  readonly sessionPresent: boolean
  /** Whether it ends an older connection of the same client identifier. */
  readonly takesOver: boolean
}

/** What is known about a refused Client. */
export type Refused = BrokerEvents['clientRefused']

/** What is known about logins that are slowed. */
export type Slowed = BrokerEvents['loginPenalty']

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

  /** Logs a login, once CONNACK 0x00 was sent. */
  connected({ peer }: Connection, { client, keepAlive, cleanStart, sessionPresent, takesOver }: Accepted): void {
    if (!this.#hasConnections || client.own === true) return
    const kind = takesOver ? takeoverKind(client, 'by') : undefined
    if (kind !== undefined && this.#log.isSummedUp?.(kind) === true) return
    const { address, listener, protocolVersion } = client
    const { clientId, userName, claimedUserName, user } = shownOf(client)
    const version = VERSION_NAMES[protocolVersion]
    const { port } = peer
    const start = `${protocolVersion === 5 ? 'Clean Start' : 'Clean Session'} ${Number(cleanStart)}`
    const takeover = takesOver ? '; it takes over from another connection' : ''
    this.#write(
      {
        clientId,
        userName,
        claimedUserName,
        version,
        address,
        port,
        listener,
        keepAlive,
        cleanStart,
        sessionPresent,
      },
      `${clientId} connected: MQTT ${version}, ${user}, from ${placeOf(address, port)} through ${listener}, Keep Alive ${keepAlive} s, ${start}, Session Present ${Number(sessionPresent)}${takeover}`,
      kind,
    )
  }

  /** Logs that a connected Client has disconnected. */
  left(connection: Connection, { cause, reasonCode, detail }: ConnectionEnd, nowMs: number): void {
    const { client } = connection
    if (!this.#hasConnections || client.own === true) return
    const kind = cause === 'session taken over' ? takeoverKind(client, 'of') : undefined
    if (kind !== undefined && this.#log.isSummedUp?.(kind) === true) return
    const { address, listener } = client
    const { clientId, userName, claimedUserName } = shownOf(client)
    const { received, sent } = connection.messageCounts
    const seconds = Math.round((nowMs - connection.connectedAtMs) / 1000)
    const why = detail === '' ? cause : `${cause}, ${safeExcerpt(detail)}`
    this.#write(
      {
        clientId,
        userName,
        claimedUserName,
        address,
        listener,
        cause,
        reasonCode: reasonCodeName(reasonCode),
        seconds,
        messagesIn: received,
        messagesOut: sent,
      },
      `${clientId} disconnected: ${why}; after ${seconds} s, ${received} messages in, ${sent} out`,
      kind,
    )
  }

  /** @param kind of lines that are summarised */
  #write(fields: object, message: string, kind: string | undefined): void {
    if (kind === undefined) this.#log.info(fields, message)
    else logRefusal(this.#log, fields, message, kind)
  }

  /** Logs that logins from that network, or with that user name, have to wait from now on, or longer. */
  slowed({ network, userName, wrongLogins, delayMs }: Slowed): void {
    if (!this.#current.options.log.refusals || !isEnabled(this.#log, 'info')) return
    const kind = `slowed logins from ${network}`
    if (this.#log.isSummedUp?.(kind) === true) return
    const last = userName === undefined ? '' : `, the last as ${userName}`
    logRefusal(
      this.#log,
      { network, userName, wrongLogins, delayMs },
      `logins from ${placeOf(network)} are slowed: ${wrongLogins} wrong ones in a row${last}; the next one is checked after ${delayMs} ms`,
      kind,
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

  /**
   * Logs a connection that was closed before it sent a byte, usually a health check of a load balancer: nothing was
   * refused.
   */
  silent({ peer: { address, listener } }: Connection): void {
    if (!isEnabled(this.#log, 'debug')) return
    this.#log.debug({ address, listener }, `a connection from ${placeOf(address)} was closed before it sent anything`)
  }
}

/** Each of the two connections of a takeover has a line. */
function takeoverKind({ clientId }: Client, by: 'by' | 'of'): string {
  return `takeover ${by} ${safeExcerpt(clientId)}`
}

function shownOf({ clientId, userName, claimedUserName }: Client) {
  const known = userName === undefined ? undefined : safeExcerpt(userName)
  const claimed = claimedUserName === undefined ? undefined : safeExcerpt(claimedUserName)
  const anonymous = claimed === undefined ? 'anonymous' : `anonymous (claims to be ${claimed})`
  const user = known === undefined ? anonymous : `user ${known}`
  return { clientId: safeExcerpt(clientId), userName: known, claimedUserName: claimed, user }
}

/** The place that a Client comes from, for a line. */
export function placeOf(address: string, port?: number): string {
  if (address === '') return 'an attached stream'
  if (port === undefined) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
