/**
 * Who may come in: from CONNECT to CONNACK, and AUTH exchanges before and after it.
 *
 *   CONNECT ──> form and limits ──> log-in (the vote) ──> Client Identifier ──> owner? ──> room? ──> Will allowed?
 *           ──> takeover of the older Connection ──> Clean Start ──> CONNACK                              U-3.1.4-5
 *
 * No existing Session is touched before its Client is authenticated, and none by another identity than the one that made it.
 *
 * @module
 */
import type { Clock } from '../../base/clock.ts'
import type { MaybePromise } from '../../base/maybe-promise.ts'
import type { MemoryAccount } from '../../base/memory-account.ts'
import { withoutTokens } from '../../base/redact.ts'
import type { AuthPacket, ReceivedConnect, ReceivedWill } from '../../codec/packets.ts'
import { noProperties, type Properties } from '../../codec/properties.ts'
import { ProtocolError } from '../../codec/protocol-error.ts'
import { ReasonCode } from '../../codec/reason-code.ts'
import type { Client } from '../../protocol/client.ts'
import type { Connection } from '../../protocol/connection.ts'
import { grantKeepAlive, heldKeepAlive, isTooLong } from '../../protocol/keep-alive.ts'
import { RateLimit } from '../../protocol/rate-limit.ts'
import { Session } from '../../protocol/session.ts'
import { sizeOfSession } from '../../protocol/session-core.ts'
import { countTopicLevels, topicNameProblem } from '../../topics/topic-name.ts'
import type { LoginResult } from '../../access/access.ts'
import { isOwnState } from '../../access/bridge-client.ts'
import { clientIdProblem } from './client-id-rules.ts'
import type { Accepted } from '../reporting/connection-log.ts'
import { notesOf } from './connection-notes.ts'
import type { Current } from '../../config/current.ts'
import type { Events } from '../reporting/events.ts'
import { mayStay } from './login-review.ts'
import { Logins } from './logins.ts'
import type { Memory } from '../limits/memory.ts'
import type { Metrics } from '../reporting/metrics.ts'
import type { ListenerOptions } from '../../config/options.ts'
import type { ConnectRequest } from '../../access/plugin.ts'
import { NEVER_EXPIRES, sizeOfWill, type Registration, type Sessions } from './sessions.ts'
import type { Answers } from '../turn/answers.ts'
import type { Turn } from '../turn/turn.ts'

/** Largest packet of the protocol: a limit from here on need not be announced. */
const LARGEST_PACKET_BYTES = 268_435_460
const SYS_PREFIX = '$SYS/'
type Login = LoginResult & { readonly decision: 'allow' }

/** A CONNECT is turned down with this code. */
class Refusal {
  readonly reasonCode: ReasonCode
  readonly detail: string

  constructor(reasonCode: ReasonCode, detail: string) {
    this.reasonCode = reasonCode
    this.detail = detail
  }
}

/** What Admission works with. */
export interface AdmissionParts {
  readonly clock: Clock
  readonly turn: Turn
  readonly answers: Answers
  readonly metrics: Metrics
  readonly events: Events
  readonly sessions: Sessions
  readonly current: Current
  readonly memory: Memory
  /** Makes an empty Session. */
  makeSession(client: Client, options: ListenerOptions): Session
  /** That account had no room for so many bytes. */
  memoryRefused(account: MemoryAccount, bytes: number): void
  /** A Session's own facts changed: to the Store with them. */
  sessionChanged(registration: Registration): void
  /** The Change that ended that Client's last Session, while it is not stored; 0 otherwise. */
  endingOf(clientId: string): number
  /** Whether the Store takes a new Session, with a Will of so many bytes. */
  canStore(bytes: number): boolean
  /** Whether it can store that a Client is back, and what it takes away. */
  canTakeAway(bytes: number): boolean
  /** CONNACK 0x00 is on its way. */
  loggedIn(connection: Connection, accepted: Accepted): void
  /** Asks again whether a Client that is logged in may stay. */
  review(connection: Connection): void
}

export class Admission {
  /** Accepted Connections, in all. */
  connected = 0
  /** Most of them at once. */
  maxConnected = 0
  readonly #logins: Logins
  #connectRate: RateLimit | undefined = undefined
  readonly #parts: AdmissionParts

  constructor(parts: AdmissionParts) {
    this.#parts = parts
    this.#logins = new Logins({
      ...parts,
      judge: (...decided) => this.#judge(...decided),
      turnAway: (connection) => this.#turnAway(connection),
    })
    this.limitRate()
  }

  /** Reads the connect rate, and how wrong logins are slowed, from the options: again after they changed. */
  limitRate(): void {
    const { current, turn } = this.#parts
    const { options } = current
    this.#logins.reload()
    this.#connectRate = options.maxConnectRate > 0 ? new RateLimit(options.maxConnectRate, turn.now()) : undefined
  }

  connect(connection: Connection, packet: ReceivedConnect): void {
    notesOf(connection).connectAtMs = this.#parts.turn.now()
    const refusal = this.#checkForm(connection, packet) ?? this.#checkStore(packet) ?? this.#checkRate()
    if (refusal !== undefined) this.#refuse(connection, refusal)
    else this.#logins.ask(connection, requestOf(connection, packet, packet.properties.authenticationData, false))
  }

  #turnAway(connection: Connection): void {
    const detail = `${this.#logins.pending} logins are pending, and its address has most of them`
    if (connection.isConnected) connection.disconnect(ReasonCode.ServerBusy, 'authentication failed', detail)
    else this.#refuse(connection, new Refusal(ReasonCode.ServerBusy, detail))
  }

  #checkForm(connection: Connection, packet: ReceivedConnect): Refusal | undefined {
    const listener = notesOf(connection).listener.options
    const { protocolVersion, clientId, cleanStart } = packet
    if (!listener.protocolVersions.includes(protocolVersion)) {
      return new Refusal(
        ReasonCode.UnsupportedProtocolVersion,
        `this listener does not serve version ${protocolVersion}`,
      )
    }
    if (packet.bridge === true && !listener.bridges) {
      return new Refusal(ReasonCode.UnsupportedProtocolVersion, 'the bridge bit of the version, and `bridges` is off')
    }
    if (clientId === '' && protocolVersion < 5 && (protocolVersion === 3 || !cleanStart)) {
      // [3.1.1 MQTT-3.1.3-8]
      return new Refusal(ReasonCode.ClientIdentifierNotValid, 'an empty Client Identifier needs CleanSession 1')
    }
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

  /** Before 5.0 no code says so: there the Will is served with less (`servedWill`). */
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
      // A limit of ours: before 5.0 the close alone would not say that it is final.
      const reasonCode = packet.protocolVersion === 5 ? ReasonCode.TopicNameInvalid : ReasonCode.NotAuthorized
      return new Refusal(reasonCode, `Will Topic: more than ${listener.maxTopicLevels} Topic Levels`)
    }
    if (will.topicName.startsWith(SYS_PREFIX) && !isOwnState(packet, will.topicName))
      return new Refusal(ReasonCode.NotAuthorized, 'Will Topic begins with $SYS/')
    return undefined
  }

  /** While the Store is full, only those may come whose Session it has: they take away. While it fails, none that it would keep. */
  #checkStore(packet: ReceivedConnect): Refusal | undefined {
    const parts = this.#parts
    const willBytes = packet.will === undefined ? 0 : sizeOfWill(packet.will)
    if (parts.canStore(willBytes)) return undefined
    if (requestedExpiry(packet) === 0 && willBytes === 0) return undefined
    if (parts.canTakeAway(willBytes) && parts.sessions.get(packet.clientId) !== undefined) return undefined
    return new Refusal(ReasonCode.ServerUnavailable, 'the store takes no new Session or Will')
  }

  #checkRate(): Refusal | undefined {
    if (this.#connectRate === undefined || this.#connectRate.tryTake(this.#parts.turn.now())) return undefined
    this.#parts.metrics.connectsRefusedAtLimit++
    const limit = this.#parts.current.options.maxConnectRate
    return new Refusal(ReasonCode.ConnectionRateExceeded, `more than ${limit} CONNECT packets a second`)
  }

  /** @param asOf `loginsVersion` when plugins were asked */
  #judge(connection: Connection, request: ConnectRequest, result: LoginResult, asOf: number): void {
    if (result.decision === 'continue') connection.challenge(result.authenticationData)
    else if (request.reAuthentication) this.#judgeAgain(connection, result, asOf)
    else if (result.decision === 'deny') {
      this.#parts.metrics.loginsRefused++
      this.#refuse(connection, new Refusal(result.reasonCode, result.cause))
    } else this.#loggedIn(connection, result, asOf)
  }

  // ---- logged in ----

  #loggedIn(connection: Connection, login: Login, asOf: number): void {
    const packet = connection.connectPacket!
    const clientId = packet.clientId === '' ? this.#assignClientId() : packet.clientId
    const { address, listener } = connection.peer
    const { protocolVersion } = packet
    const { userName } = login
    // Some Clients send a token for a name.
    const claimed = userName === undefined && packet.userName !== undefined ? withoutTokens(packet.userName) : undefined
    const { bridge } = packet
    const client: Client = { clientId, userName, claimedUserName: claimed, address, listener, protocolVersion, bridge }
    const refusal =
      this.#checkClientId(connection, client, packet) ?? this.#checkOwner(client) ?? this.#checkRoom(connection, client)
    if (refusal !== undefined) {
      this.#refuse(connection, refusal)
      return
    }
    const allowed = this.#mayPublishWill(client, packet)
    if (allowed instanceof Promise) {
      this.#answered(connection, allowed, (known) => this.#finish(connection, client, login, known, asOf))
    } else this.#finish(connection, client, login, allowed, asOf)
  }

  /** 128 bits of chance: unique among Sessions [5.0 MQTT-3.2.2-16], and not to be guessed. */
  #assignClientId(): string {
    return `auto-${Buffer.from(this.#parts.clock.randomBytes(16)).toString('hex')}`
  }

  #checkClientId(connection: Connection, { userName }: Client, { clientId }: ReceivedConnect): Refusal | undefined {
    const listener = notesOf(connection).listener.options
    const problem = clientIdProblem(clientId, userName, { listener, auth: this.#parts.current.options.auth })
    return problem === undefined ? undefined : new Refusal(ReasonCode.ClientIdentifierNotValid, problem)
  }

  #checkOwner({ clientId, userName }: Client): Refusal | undefined {
    const existing = this.#parts.sessions.get(clientId)
    if (existing === undefined || !this.#parts.current.options.clientIdOwnership) return undefined
    if (existing.session.userName === userName) return undefined
    return new Refusal(
      ReasonCode.ClientIdentifierNotValid,
      'the Session belongs to another User Name; that user can end it with Clean Start and no Session Expiry Interval, a host program with endSession',
    )
  }

  /** A takeover brings no Connection more, so that it is never refused for lack of room. */
  #checkRoom(connection: Connection, { clientId }: Client): Refusal | undefined {
    const old = this.#parts.sessions.get(clientId)?.connection
    const { listener } = notesOf(connection)
    const { maxConnections } = this.#parts.current.options
    const sparesOne = (limit: number, count: number, isSame: boolean): boolean =>
      limit === 0 || count < limit || (old !== undefined && isSame)
    const sameListener = old !== undefined && notesOf(old).listener === listener
    if (
      sparesOne(maxConnections, this.connected, true) &&
      sparesOne(listener.options.maxConnections, listener.connected, sameListener)
    ) {
      return undefined
    }
    this.#parts.metrics.connectsRefusedAtLimit++
    return new Refusal(ReasonCode.ServerBusy, 'max-connections is reached')
  }

  /** What goes with the Connection, or frees memory by reading what waits, may use the reserve. */
  #checkMemory(connection: Connection, client: Client, packet: ReceivedConnect): Refusal | undefined {
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
    const refusing = this.#parts.memory.of(client).refuses(bytes, !isNew || requestedExpiry(packet) === 0)
    if (refusing === undefined) return undefined
    this.#parts.metrics.connectsRefusedAtLimit++
    this.#parts.memoryRefused(refusing, bytes)
    return new Refusal(
      ReasonCode.QuotaExceeded,
      `no memory for ${bytes} bytes: the ${refusing.kind} uses ${refusing.bytes} of ${refusing.limit}`,
    )
  }

  /** The last check of all: it may end another Session of the same holder. */
  #makeSessionRoom(connection: Connection, client: Client, packet: ReceivedConnect): Refusal | undefined {
    const { maxSessionExpiry } = notesOf(connection).listener.options
    if (grantExpiry(requestedExpiry(packet), maxSessionExpiry) === 0) return undefined
    if (this.#parts.sessions.makeRoomFor(client)) return undefined
    this.#parts.metrics.connectsRefusedAtLimit++
    const detail = 'max-sessions or max-sessions-per-user is reached, and all sessions of its holder are connected'
    return new Refusal(ReasonCode.QuotaExceeded, detail)
  }

  /** A Client that cannot be told of its acceptance cannot be told anything else either [5.0 MQTT-3.1.2-24]. */
  #checkConnack(connection: Connection, properties: Properties): Refusal | undefined {
    if (connection.takesConnack(properties)) return undefined
    return new Refusal(ReasonCode.ImplementationSpecificError, 'CONNACK exceeds the Maximum Packet Size')
  }

  #mayPublishWill(client: Client, { will }: ReceivedConnect): MaybePromise<boolean> {
    return will === undefined ? true : this.#parts.current.access.mayPublish(client, will)
  }

  #finish(connection: Connection, client: Client, login: Login, mayPublishWill: boolean, asOf: number): void {
    const { access } = this.#parts.current
    if (access.loginsVersion !== asOf) {
      this.#lookAgain(connection, client, login, (isGood) => {
        if (isGood) this.#finish(connection, client, login, mayPublishWill, access.loginsVersion)
        else this.#refuse(connection, new Refusal(ReasonCode.NotAuthorized, 'its login is no longer valid'))
      })
      return
    }
    const packet = connection.connectPacket!
    if (!mayPublishWill) {
      this.#refuse(
        connection,
        new Refusal(ReasonCode.NotAuthorized, `may not publish the Will to ${packet.will!.topicName}`),
      )
      return
    }
    const { sessions, metrics, events, clock, turn } = this.#parts
    const { listener } = notesOf(connection)
    const isTold = client.protocolVersion === 5
    const keepAlive = grantedKeepAlive(packet, listener.options)
    const properties = isTold ? this.#granted(connection, client, login, keepAlive) : noProperties
    // Others may have come in while a plugin thought about it.
    const late =
      this.#checkOwner(client) ??
      this.#checkRoom(connection, client) ??
      this.#checkMemory(connection, client, packet) ??
      this.#checkConnack(connection, properties) ??
      this.#makeSessionRoom(connection, client, packet)
    if (late !== undefined) {
      this.#refuse(connection, late)
      return
    }
    this.#takeOver(client.clientId)
    const sessionPresent = this.#settleSession(connection, client, packet)
    const registration = sessions.get(client.clientId)!
    const notes = notesOf(connection)
    notes.exchange = notes.claimedUserName = undefined
    notes.grounds = login.grounds
    notes.announced = this.#parts.current.options
    notes.cleanStart = packet.cleanStart
    notes.sessionPresent = sessionPresent
    this.#parts.loggedIn(connection, { client, keepAlive, cleanStart: packet.cleanStart, sessionPresent })
    this.connected++
    this.maxConnected = Math.max(this.maxConnected, this.connected)
    listener.connected++
    metrics.connectsAccepted++
    this.#parts.sessionChanged(registration)
    this.#observe(connection)
    connection.accept({
      client,
      session: registration.session,
      sessionPresent,
      keepAlive,
      properties,
      afterChange: this.#parts.endingOf(client.clientId),
      loginExpiresAtMs: login.expiresAtMs === undefined ? undefined : turn.now() + login.expiresAtMs - clock.wallNow(),
    })
    events.tell('clientConnected', { client, sessionPresent, cleanStart: packet.cleanStart })
  }

  /** Logins were revoked, or the configuration changed, while plugins thought about this one. */
  #lookAgain(connection: Connection, client: Client, { grounds }: Login, then: (isGood: boolean) => void): void {
    const stays = mayStay(connection.peer, client, grounds, this.#parts.current.access)
    if (stays instanceof Promise) this.#answered(connection, stays, then)
    else then(stays)
  }

  #answered(connection: Connection, answer: Promise<boolean>, run: (yes: boolean) => void): void {
    this.#parts.answers.whenFor(connection, answer, false, (yes) => {
      if (!connection.isClosed) run(yes)
    })
  }

  /** [5.0 MQTT-3.1.4-3] [3.1.1 MQTT-3.1.4-2] */
  #takeOver(clientId: string): void {
    const old = this.#parts.sessions.get(clientId)?.connection
    // Its stream was gone before this Client came: then there is nothing to take over.
    if (old === undefined || old.settleLoss()) return
    this.#parts.metrics.takeovers++
    old.disconnect(ReasonCode.SessionTakenOver, 'session taken over', 'another connection took the Client Identifier')
  }

  /** Clean Start as in §3.1.2.4. @returns Session Present */
  #settleSession(connection: Connection, client: Client, packet: ReceivedConnect): boolean {
    const { sessions, events } = this.#parts
    const { options } = notesOf(connection).listener
    let registration = sessions.get(client.clientId)
    if (registration !== undefined && packet.cleanStart) {
      sessions.end(registration, 'clean start') // [5.0 MQTT-3.1.2-4] [3.1.1 MQTT-3.1.2-6]
      registration = undefined
    }
    const isPresent = registration !== undefined
    if (registration === undefined) {
      registration = sessions.add(this.#parts.makeSession(client, options), client, connection)
      events.tell('sessionCreated', { clientId: client.clientId })
    } else sessions.resume(registration, client, connection)
    const { session } = registration
    session.userName = client.userName
    session.limits = options
    session.memory.moveTo(this.#parts.memory.of(client))
    session.sessionExpiryInterval = grantExpiry(requestedExpiry(packet), options.maxSessionExpiry)
    sessions.settle(registration)
    const will = packet.will && this.#servedWill(packet.will, options)
    registration.will = will && { fields: will, client, delayInterval: will.willDelayInterval ?? 0 } // [5.0 MQTT-3.1.2-7]
    return isPresent
  }

  /** A 3.1 or 3.1.1 Client cannot be told of a maximum: its Will is lowered to it. */
  #servedWill(will: ReceivedWill, { maxQos }: ListenerOptions): ReceivedWill {
    if (will.qos <= maxQos) return will
    this.#parts.metrics.qosLowered++
    return { ...will, qos: maxQos }
  }

  /** What CONNACK says; what is the Client's own wish or the protocol's default stays unsaid. */
  #granted(connection: Connection, client: Client, login: Login, keepAlive: number): Properties {
    const packet = connection.connectPacket!
    const asked = packet.properties
    const { options } = this.#parts.current
    const listener = notesOf(connection).listener.options
    const said = <Value>(condition: boolean, value: Value): Value | undefined => (condition ? value : undefined)
    const expiry = grantExpiry(requestedExpiry(packet), listener.maxSessionExpiry)
    return {
      sessionExpiryInterval: said(expiry !== (asked.sessionExpiryInterval ?? 0), expiry),
      receiveMaximum: said(listener.receiveMaximum < 65_535, listener.receiveMaximum),
      maximumQoS: said(listener.maxQos < 2, listener.maxQos), // [5.0 MQTT-3.2.2-9]
      retainAvailable: said(!options.retain, 0),
      maximumPacketSize: said(listener.maxPacketSize < LARGEST_PACKET_BYTES, listener.maxPacketSize),
      assignedClientIdentifier: said(packet.clientId === '', client.clientId),
      topicAliasMaximum: said(listener.topicAliasMaximum > 0, listener.topicAliasMaximum),
      wildcardSubscriptionAvailable: said(!options.wildcardSubscriptions, 0),
      subscriptionIdentifierAvailable: said(!options.subscriptionIdentifiers, 0),
      sharedSubscriptionAvailable: said(!options.sharedSubscriptions, 0),
      serverKeepAlive: said(keepAlive !== packet.keepAlive, keepAlive),
      // [5.0 MQTT-3.1.2-28]
      responseInformation: said(
        asked.requestResponseInformation === 1 && options.responseInformation !== '',
        options.responseInformation,
      ),
      authenticationMethod: asked.authenticationMethod, // [5.0 MQTT-4.12.0-5]
      authenticationData: login.authenticationData,
    }
  }

  #observe(connection: Connection): void {
    this.#parts.metrics.loginMs.observe(this.#parts.clock.now() - notesOf(connection).connectAtMs)
  }

  #refuse(connection: Connection, { reasonCode, detail }: Refusal): void {
    this.#observe(connection)
    const { serverReference } = this.#parts.current.options
    const moves = reasonCode === ReasonCode.UseAnotherServer || reasonCode === ReasonCode.ServerMoved
    connection.refuse(reasonCode, detail, moves && serverReference !== '' ? { serverReference } : noProperties)
  }

  // ---- AUTH ----

  /** A step of an exchange, or the beginning of a re-authentication (§4.12). */
  authenticate(connection: Connection, packet: AuthPacket): void {
    const notes = notesOf(connection)
    const begins = packet.reasonCode === ReasonCode.ReAuthenticate
    const mayBegin = connection.isConnected && (notes.exchange?.size ?? 0) === 0
    // While an answer is pending it is not the Client's turn: a second exchange would overtake the first.
    if (notes.login !== undefined || begins !== mayBegin) {
      // [5.0 MQTT-4.12.0-3]
      throw new ProtocolError(
        ReasonCode.ProtocolError,
        `AUTH with Reason Code 0x${packet.reasonCode.toString(16)} out of order`,
      )
    }
    const { authenticationData } = packet.properties
    const first = connection.connectPacket
    const request = first
      ? requestOf(connection, first, authenticationData, false)
      : requestAgain(connection, authenticationData)
    this.#logins.ask(connection, request)
  }

  /** The end of a re-authentication; it may not change who the Client is (U-4.12.1-3). */
  #judgeAgain(connection: Connection, result: LoginResult & { decision: 'allow' | 'deny' }, asOf: number): void {
    const { clock, turn, metrics, current } = this.#parts
    const notes = notesOf(connection)
    notes.exchange = notes.claimedUserName = undefined
    if (result.decision === 'allow' && result.userName === connection.client.userName) {
      const { authenticationData, expiresAtMs } = result
      const expires = expiresAtMs === undefined ? undefined : turn.now() + expiresAtMs - clock.wallNow()
      notes.grounds = result.grounds
      connection.reAuthenticated(authenticationData, expires)
      if (current.access.loginsVersion !== asOf) this.#parts.review(connection)
      return
    }
    metrics.loginsRefused++
    const reasonCode = ReasonCode.NotAuthorized
    connection.disconnect(reasonCode, 'authentication failed', 're-authentication failed') // [5.0 MQTT-4.12.1-2]
  }

  /** A Connection is over, accepted or not. */
  ended(connection: Connection): void {
    this.#logins.left(connection)
  }

  /** An accepted Connection is over. */
  left(connection: Connection): void {
    this.connected--
    notesOf(connection).listener.connected--
  }
}

/** The same bytes as plugins get them. */
function bufferOf(bytes: Uint8Array | undefined): Buffer | undefined {
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

function requestOf(
  connection: Connection,
  packet: ReceivedConnect,
  authenticationData: Uint8Array | undefined,
  reAuthentication: boolean,
): ConnectRequest {
  const { address, listener, encrypted, certificateUserName, certificate } = connection.peer
  const { clientId, userName, protocolVersion, properties } = packet
  const claimed = { clientId, userName, password: bufferOf(packet.password), protocolVersion }
  const { authenticationMethod } = properties
  const asked = { ...claimed, authenticationMethod, authenticationData: bufferOf(authenticationData) }
  const facts = { address, listener, encrypted, certificateUserName, ...(certificate !== undefined && { certificate }) }
  return { ...asked, ...facts, exchangeState: undefined, reAuthentication }
}

function requestAgain(connection: Connection, authenticationData: Uint8Array | undefined): ConnectRequest {
  const { address, listener, encrypted, certificateUserName, certificate } = connection.peer
  const { clientId, userName, protocolVersion } = connection.client
  const { authenticationMethod } = connection
  const asked = {
    clientId,
    userName,
    password: undefined,
    protocolVersion,
    authenticationMethod,
    authenticationData: bufferOf(authenticationData),
  }
  return {
    ...asked,
    address,
    listener,
    encrypted,
    certificateUserName,
    ...(certificate !== undefined && { certificate }),
    exchangeState: undefined,
    reAuthentication: true,
  }
}

/** Seconds; what a 5.0 Client is told, and an older one held to. */
function grantedKeepAlive({ protocolVersion, keepAlive }: ReceivedConnect, listener: ListenerOptions): number {
  const { maxKeepAlive, keepAliveGrace } = listener
  if (protocolVersion === 5) return grantKeepAlive(keepAlive, maxKeepAlive)
  return isTooLong(keepAlive, maxKeepAlive) ? heldKeepAlive(maxKeepAlive, keepAliveGrace) : keepAlive
}

/** Seconds: 3.1.1 knows only "the Connection's" and "kept". */
function requestedExpiry({ protocolVersion, cleanStart, properties }: ReceivedConnect): number {
  if (protocolVersion === 5) return properties.sessionExpiryInterval ?? 0
  return cleanStart ? 0 : NEVER_EXPIRES
}

/**
 * Decides the Session Expiry Interval that holds.
 *
 * @param requested seconds; 0xFFFFFFFF asks for a Session that never ends
 * @param maximum seconds; 0xFFFFFFFF sets no limit
 *
 * @example
 * grantExpiry(0xffffffff, 3600) // 3600
 */
export function grantExpiry(requested: number, maximum: number): number {
  return Math.min(requested, maximum)
}
