/**
 * Whether a Client may connect, as far as limits and rules decide it: each check returns a Refusal, or `undefined`.
 * `logins.ts` asks the plugins, and `admission.ts` has the order of all checks.
 *
 * @module
 */
import type { ReceivedConnect, ReceivedWill } from '../../codec/packets.ts'
import type { Properties } from '../../codec/properties.ts'
import { ReasonCode } from '../../codec/reason-code.ts'
import type { Client } from '../../protocol/client.ts'
import type { Connection } from '../../protocol/connection.ts'
import { isTooLong } from '../../protocol/keep-alive.ts'
import { sizeOfSession } from '../../protocol/session-core.ts'
import { countTopicLevels, topicNameProblem } from '../../topics/topic-name.ts'
import { isReserved as isReservedTopic, OWN_CLIENT_IDS } from '../../access/bridge-client.ts'
import { clientIdProblem } from './client-id-rules.ts'
import { isOwn, notesOf } from './connection-notes.ts'
import type { ListenerOptions } from '../../config/options.ts'
import { sizeOfWill } from './sessions.ts'
import { Refusal } from './refusal.ts'
import type { AdmissionParts } from './admission-parts.ts'
import { grantExpiry, requestedExpiry } from './connack.ts'

const RESERVED = `client identifiers that begin with ${OWN_CLIENT_IDS} belong to the bridges of this broker`

export class AdmissionChecks {
  readonly #parts: AdmissionParts

  constructor(parts: AdmissionParts) {
    this.#parts = parts
  }

  /** Checks the CONNECT itself against what its listener serves. */
  form(connection: Connection, packet: ReceivedConnect): Refusal | undefined {
    const listener = notesOf(connection).listener.options
    const { protocolVersion, clientId, cleanStart } = packet
    if (!listener.protocolVersions.includes(protocolVersion)) {
      return new Refusal(
        ReasonCode.UnsupportedProtocolVersion,
        `this listener does not serve version ${protocolVersion}`,
      )
    }
    if (packet.bridge === true && !listener.bridgeClients) {
      return new Refusal(
        ReasonCode.UnsupportedProtocolVersion,
        'it identifies itself as a bridge, and `bridge-clients` is off',
      )
    }
    if (clientId === '' && protocolVersion < 5 && (protocolVersion === 3 || !cleanStart)) {
      // [3.1.1 MQTT-3.1.3-8]
      return new Refusal(ReasonCode.ClientIdentifierNotValid, 'an empty client identifier requires CleanSession 1')
    }
    if (connection.peer.operator !== undefined) return consoleRefusal(packet)
    const { maxKeepAlive, keepAliveTooLong } = listener
    if (protocolVersion < 5 && keepAliveTooLong === 'refuse' && isTooLong(packet.keepAlive, maxKeepAlive)) {
      const detail = `Keep Alive ${packet.keepAlive} s, max-keep-alive is ${maxKeepAlive} s, and keep-alive-too-long is refuse`
      return new Refusal(ReasonCode.ClientIdentifierNotValid, detail)
    }
    if (packet.will === undefined) return undefined
    return (
      (protocolVersion === 5 ? this.#checkWillCapabilities(packet.will, listener) : undefined) ??
      this.#checkWillTopic(packet.will, packet, listener)
    )
  }

  /** Before 5.0, no code says so; the Will is served with less (`servedWill`). */
  #checkWillCapabilities(will: ReceivedWill, listener: ListenerOptions): Refusal | undefined {
    if (will.qos > listener.maxQos) {
      // [5.0 MQTT-3.2.2-12]
      return new Refusal(ReasonCode.QoSNotSupported, `Will QoS ${will.qos}, the maximum is ${listener.maxQos}`)
    }
    if (will.retain && !this.#parts.current.options.retain) {
      return new Refusal(ReasonCode.RetainNotSupported, 'Will Retain 1, but retained messages are off') // [5.0 MQTT-3.2.2-13]
    }
    return undefined
  }

  #checkWillTopic(will: ReceivedWill, packet: ReceivedConnect, listener: ListenerOptions): Refusal | undefined {
    const problem = topicNameProblem(will.topicName)
    if (problem !== undefined) return new Refusal(ReasonCode.TopicNameInvalid, `Will Topic: ${problem}`)
    if (countTopicLevels(will.topicName) > listener.maxTopicLevels) {
      // A limit of this Server: before 5.0, closing the Connection would not tell the Client that it is final.
      const reasonCode = packet.protocolVersion === 5 ? ReasonCode.TopicNameInvalid : ReasonCode.NotAuthorized
      return new Refusal(reasonCode, `Will Topic: more than ${listener.maxTopicLevels} Topic Levels`)
    }
    if (isReservedTopic(will.topicName, packet))
      return new Refusal(ReasonCode.NotAuthorized, `Will Topic ${will.topicName} is reserved`)
    return undefined
  }

  /**
   * While the Store is full, only Clients that have a Session may connect, because they take messages away. While it
   * fails, no Client whose Session would have to be stored may connect.
   */
  store(packet: ReceivedConnect): Refusal | undefined {
    const parts = this.#parts
    const willBytes = packet.will === undefined ? 0 : sizeOfWill(packet.will)
    if (parts.canStore(willBytes)) return undefined
    if (requestedExpiry(packet) === 0 && willBytes === 0) return undefined
    if (parts.canTakeAway(willBytes) && parts.sessions.get(packet.clientId) !== undefined) return undefined
    return new Refusal(ReasonCode.ServerUnavailable, 'the store accepts no new session or will')
  }

  /** Applies the rules for Client Identifiers. */
  clientId(connection: Connection, { userName }: Client, { clientId }: ReceivedConnect): Refusal | undefined {
    const listener = notesOf(connection).listener.options
    if (isOwn(connection)) return undefined
    const isReserved = clientId.startsWith(OWN_CLIENT_IDS)
    const problem = isReserved
      ? RESERVED
      : clientIdProblem(clientId, userName, { listener, auth: this.#parts.current.options.auth })
    return problem === undefined ? undefined : new Refusal(ReasonCode.ClientIdentifierNotValid, problem)
  }

  /** Checks that the Session belongs to this identity, if it exists. */
  owner({ clientId, userName }: Client): Refusal | undefined {
    const existing = this.#parts.sessions.get(clientId)
    // Its subscriptions were granted to an operator, and each console has an identifier of its own.
    if (existing?.client.console !== undefined) {
      return new Refusal(ReasonCode.ClientIdentifierNotValid, 'the Session is that of the console of an operator')
    }
    if (existing === undefined || !this.#parts.current.options.clientIdOwnership) return undefined
    if (existing.session.userName === userName) return undefined
    return new Refusal(
      ReasonCode.ClientIdentifierNotValid,
      'the Session belongs to another User Name; that user can end it with Clean Start and no Session Expiry Interval, a host program with endSession',
    )
  }

  /**
   * A takeover adds no Connection, so it is never refused for lack of room.
   *
   * @param connected the number of accepted Connections
   */
  room(connection: Connection, { clientId }: Client, connected: number): Refusal | undefined {
    if (isOwn(connection)) return undefined
    const old = this.#parts.sessions.get(clientId)?.connection
    const { listener } = notesOf(connection)
    const { maxConnections } = this.#parts.current.options
    const sparesOne = (limit: number, count: number, isSame: boolean): boolean =>
      limit === 0 || count < limit || (old !== undefined && isSame)
    const sameListener = old !== undefined && notesOf(old).listener === listener
    if (
      sparesOne(maxConnections, connected, true) &&
      sparesOne(listener.options.maxConnections, listener.connected, sameListener)
    ) {
      return undefined
    }
    this.#parts.metrics.connectsRefusedAtLimit++
    return new Refusal(ReasonCode.ServerBusy, 'max-connections is reached')
  }

  /** A Session that ends with its Connection, or that frees memory because its Client reads, may use the reserve. */
  memory(connection: Connection, client: Client, packet: ReceivedConnect): Refusal | undefined {
    const { maxMemoryPerSession } = notesOf(connection).listener.options
    const willBytes = packet.will === undefined ? 0 : sizeOfWill(packet.will)
    if (maxMemoryPerSession > 0 && willBytes > maxMemoryPerSession) {
      return new Refusal(
        ReasonCode.QuotaExceeded,
        `a Will of ${willBytes} bytes, max-memory-per-session is ${maxMemoryPerSession}`,
      )
    }
    const isNew = packet.cleanStart || this.#parts.sessions.get(client.clientId) === undefined
    const bytes = willBytes + (isNew ? sizeOfSession(client.clientId, client.userName) : 0)
    const account = this.#parts.memory.of(client)
    const refusal = this.#parts.memoryRefusals.check(account, bytes, !isNew || requestedExpiry(packet) === 0)
    if (refusal === undefined) return undefined
    this.#parts.metrics.connectsRefusedAtLimit++
    return new Refusal(refusal.reasonCode, refusal.detail)
  }

  /** The last check, because it may end another Session of the same holder. */
  makeSessionRoom(connection: Connection, client: Client, packet: ReceivedConnect): Refusal | undefined {
    const { maxSessionExpiry } = notesOf(connection).listener.options
    if (grantExpiry(requestedExpiry(packet), maxSessionExpiry) === 0) return undefined
    if (this.#parts.sessions.makeRoomFor(client)) return undefined
    this.#parts.metrics.connectsRefusedAtLimit++
    const detail = 'max-sessions or max-sessions-per-user is reached, and all sessions of its owner are connected'
    return new Refusal(ReasonCode.QuotaExceeded, detail)
  }

  /** A Client to which CONNACK cannot be sent cannot be sent anything else either [5.0 MQTT-3.1.2-24]. */
  connack(connection: Connection, properties: Properties): Refusal | undefined {
    if (connection.takesConnack(properties)) return undefined
    return new Refusal(ReasonCode.ImplementationSpecificError, 'CONNACK exceeds the Maximum Packet Size')
  }
}

/**
 * The console of an operator speaks 5.0 alone, has an identifier that nobody else can choose, leaves nothing behind,
 * and is logged in already.
 */
function consoleRefusal({ clientId, will, properties }: ReceivedConnect): Refusal | undefined {
  if (clientId !== '') {
    return new Refusal(ReasonCode.ClientIdentifierNotValid, 'a console leaves its client identifier empty')
  }
  if (will !== undefined) return new Refusal(ReasonCode.NotAuthorized, 'a console has no Will')
  if (properties.authenticationMethod === undefined) return undefined
  return new Refusal(ReasonCode.BadAuthenticationMethod, 'a console is logged in by its operator')
}
