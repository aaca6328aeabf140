/**
 * Decides who may connect: from CONNECT to CONNACK, and AUTH exchanges before and after it.
 *
 *   CONNECT ──> form and limits ──> log-in (the vote) ──> Client Identifier ──> owner? ──> room? ──> Will allowed?
 *           ──> takeover of the older Connection ──> Clean Start ──> CONNACK                              U-3.1.4-5
 *
 * No existing Session is touched before its Client is authenticated, and never by another identity than the one that
 * made it.
 *
 * @module
 */
import { withoutTokens } from '../../base/redact.ts'
import type { AuthPacket, ReceivedConnect, ReceivedWill } from '../../codec/packets.ts'
import { noProperties } from '../../codec/properties.ts'
import { ProtocolError } from '../../codec/protocol-error.ts'
import { ReasonCode } from '../../codec/reason-code.ts'
import type { Client } from '../../protocol/client.ts'
import type { Connection } from '../../protocol/connection.ts'
import { RateLimit } from '../../protocol/rate-limit.ts'
import type { LoginResult } from '../../access/access.ts'
import { NO_VOTE, type Vote } from '../../access/late-vote.ts'
import { isOwn, notesOf } from './connection-notes.ts'
import { mayStay, type LateStay } from './login-review.ts'
import { Logins } from './logins.ts'
import type { ListenerOptions } from '../../config/options.ts'
import type { ConnectRequest } from '../../access/plugin.ts'
import { Refusal } from './refusal.ts'
import type { AdmissionParts } from './admission-parts.ts'
import { BanChecks } from './ban-checks.ts'
import { AdmissionChecks } from './admission-checks.ts'
import { requestAgain, connectRequestOf } from './connect-request.ts'
import { connackProperties, grantedKeepAlive, grantExpiry, requestedExpiry } from './connack.ts'

type Login = LoginResult & { readonly decision: 'allow' }
type Step = LoginResult & { readonly decision: 'continue' }

/** A login that no plugin is asked about, besides the name: of the broker's own connections, and of an operator. */
const KNOWN_LOGIN = { decision: 'allow', authenticationData: undefined, expiresAtMs: undefined, grounds: [] } as const

export class Admission {
  /** The number of accepted Connections. */
  connected = 0
  /** The most accepted Connections at one time. */
  maxConnected = 0
  readonly #logins: Logins
  #connectRate: RateLimit | undefined = undefined
  readonly #parts: AdmissionParts
  readonly #checks: AdmissionChecks
  readonly #bans: BanChecks

  constructor(parts: AdmissionParts) {
    this.#parts = parts
    this.#checks = new AdmissionChecks(parts)
    this.#bans = new BanChecks(parts)
    this.#logins = new Logins({
      ...parts,
      judge: (...decided) => this.#judge(...decided),
      turnAway: (connection) => this.#turnAway(connection),
    })
    this.limitRate()
  }

  /** Reads the connect rate and the penalties for wrong logins from the options; called again after they changed. */
  limitRate(): void {
    const { current, turn } = this.#parts
    const { options } = current
    this.#logins.reload()
    this.#connectRate = options.maxConnectRate > 0 ? new RateLimit(options.maxConnectRate, turn.now()) : undefined
  }

  connect(connection: Connection, packet: ReceivedConnect): void {
    notesOf(connection).connectAtMs = this.#parts.turn.now()
    this.#bans.connected(connection)
    const refusal =
      this.#bans.claimed(connection, packet) ??
      this.#checks.form(connection, packet) ??
      this.#checks.store(packet) ??
      this.#checkRate(connection)
    if (refusal !== undefined) this.#refuse(connection, refusal)
    else if (isOwn(connection)) this.#knownAs(connection, packet.userName)
    else if (connection.peer.operator !== undefined) this.#knownAs(connection, connection.peer.operator.userName)
    else {
      const { authenticationData } = packet.properties
      this.#logins.ask(connection, connectRequestOf(connection, packet, authenticationData, false))
    }
  }

  #knownAs(connection: Connection, userName: string | undefined): void {
    this.#loggedIn(connection, { ...KNOWN_LOGIN, userName }, this.#parts.current.access.loginsVersion)
  }

  #turnAway(connection: Connection): void {
    const detail = `${this.#logins.pending} logins are pending, most of them from its address`
    if (connection.isConnected) connection.disconnect(ReasonCode.ServerBusy, 'authentication failed', detail)
    else this.#refuse(connection, new Refusal(ReasonCode.ServerBusy, detail))
  }

  #checkRate(connection: Connection): Refusal | undefined {
    if (this.#connectRate === undefined || isOwn(connection) || this.#connectRate.tryTake(this.#parts.turn.now()))
      return undefined
    this.#parts.metrics.connectsRefusedAtLimit++
    const limit = this.#parts.current.options.maxConnectRate
    return new Refusal(ReasonCode.ConnectionRateExceeded, `more than ${limit} CONNECT packets a second`)
  }

  /** @param asOf the value of `loginsVersion` when plugins were asked */
  #judge(connection: Connection, request: ConnectRequest, result: LoginResult, asOf: number): void {
    if (result.decision === 'continue') this.#challenge(connection, request, result)
    else if (request.reAuthentication) this.#judgeAgain(connection, result, asOf)
    else if (result.decision === 'deny') {
      this.#parts.metrics.loginsRefused++
      this.#refuse(connection, new Refusal(result.reasonCode, result.cause))
    } else this.#loggedIn(connection, result, asOf)
  }

  /** A client that is logged in is not banned. */
  #challenge(connection: Connection, { reAuthentication }: ConnectRequest, step: Step): void {
    const refusal = reAuthentication ? undefined : this.#bans.exchange(connection, step.claimedUserName)
    if (refusal !== undefined) this.#refuse(connection, refusal)
    else connection.challenge(step.authenticationData)
  }

  // ---- logged in ----

  #loggedIn(connection: Connection, login: Login, asOf: number): void {
    const packet = connection.connectPacket!
    const { address, listener, operator } = connection.peer
    const clientId = packet.clientId === '' ? (operator?.clientId ?? this.#assignClientId()) : packet.clientId
    const { protocolVersion } = packet
    const { userName } = login
    // Some Clients send a token as their name.
    const sent = operator?.name ?? (packet.userName && withoutTokens(packet.userName))
    const claimed = userName === undefined ? sent : undefined
    const { bridge } = packet
    const facts = { clientId, userName, claimedUserName: claimed, address, listener, protocolVersion, bridge }
    const client = clientOf(connection, facts)
    const refusal =
      this.#bans.client(client) ??
      this.#checks.clientId(connection, client, packet) ??
      this.#checks.owner(client) ??
      this.#checks.room(connection, client, this.connected)
    if (refusal !== undefined) {
      this.#refuse(connection, refusal)
      return
    }
    const voted = (allowed: Vote): void => {
      if (allowed instanceof Promise) this.#answered(connection, allowed, NO_VOTE, (vote) => voted(vote.now()))
      else this.#finish(connection, client, login, allowed, asOf)
    }
    voted(this.#mayPublishWill(client, packet))
  }

  /** 128 random bits: unique among Sessions [5.0 MQTT-3.2.2-16], and hard to guess. */
  #assignClientId(): string {
    return `auto-${Buffer.from(this.#parts.clock.randomBytes(16)).toString('hex')}`
  }

  /** It is asked again when the Will is due. */
  #mayPublishWill(client: Client, { will }: ReceivedConnect): Vote {
    if (will === undefined) return true
    const { topicName, qos, retain } = will
    return this.#parts.current.access.mayPublish(client, { topic: topicName, topicName, qos, retain })
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
    const keepAlive = grantedKeepAlive(packet, listener.options)
    const properties =
      client.protocolVersion === 5
        ? connackProperties(connection, client, this.#parts.current.options, login.authenticationData, keepAlive)
        : noProperties
    // Others may have connected while a plugin was deciding.
    const late =
      this.#checks.owner(client) ??
      this.#checks.room(connection, client, this.connected) ??
      this.#checks.memory(connection, client, packet) ??
      this.#checks.connack(connection, properties) ??
      this.#checks.makeSessionRoom(connection, client, packet)
    if (late !== undefined) {
      this.#refuse(connection, late)
      return
    }
    const takesOver = this.#takeOver(client.clientId)
    const sessionPresent = this.#settleSession(connection, client, packet)
    const registration = sessions.get(client.clientId)!
    const notes = notesOf(connection)
    notes.exchange = notes.claimedUserName = undefined
    notes.grounds = login.grounds
    notes.announced = this.#parts.current.options
    notes.cleanStart = packet.cleanStart
    notes.sessionPresent = sessionPresent
    this.#parts.loggedIn(connection, { client, keepAlive, cleanStart: packet.cleanStart, sessionPresent, takesOver })
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
    events.emit('clientConnected', { client, sessionPresent, cleanStart: packet.cleanStart })
    this.#bans.loggedIn(client)
  }

  /** Checks a login again if logins were revoked, or the configuration changed, while plugins were deciding. */
  #lookAgain(connection: Connection, client: Client, { grounds }: Login, then: (isGood: boolean) => void): void {
    const judge = (stays: ReturnType<typeof mayStay>): void => {
      if (stays instanceof Promise) this.#answered<LateStay>(connection, stays, NO_VOTE, (vote) => judge(vote.now()))
      else then(stays)
    }
    judge(mayStay(connection.peer, client, grounds, this.#parts.current))
  }

  #answered<Answer>(
    connection: Connection,
    answer: Promise<Answer>,
    otherwise: Answer,
    run: (known: Answer) => void,
  ): void {
    this.#parts.answers.whenFor(connection, answer, otherwise, (known) => {
      if (!connection.isClosed) run(known)
    })
  }

  /** [5.0 MQTT-3.1.4-3] [3.1.1 MQTT-3.1.4-2] @returns whether there was a connection to take over from */
  #takeOver(clientId: string): boolean {
    const old = this.#parts.sessions.get(clientId)?.connection
    // If its stream was lost before this Client came, there is nothing to take over.
    if (old === undefined || old.settleLoss()) return false
    this.#parts.metrics.takeovers++
    old.disconnect(ReasonCode.SessionTakenOver, 'session taken over', 'another connection used its client identifier')
    return true
  }

  /** Applies Clean Start (§3.1.2.4). @returns Session Present */
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
      events.emit('sessionCreated', { clientId: client.clientId })
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

  /** A 3.1 or 3.1.1 Client cannot be told of a maximum, so its Will is lowered to it. */
  #servedWill(will: ReceivedWill, { maxQos }: ListenerOptions): ReceivedWill {
    if (will.qos <= maxQos) return will
    this.#parts.metrics.qosLowered++
    return { ...will, qos: maxQos }
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

  /** Processes a step of an exchange, or the beginning of a re-authentication (§4.12). */
  authenticate(connection: Connection, packet: AuthPacket): void {
    const notes = notesOf(connection)
    const begins = packet.reasonCode === ReasonCode.ReAuthenticate
    const mayBegin = connection.isConnected && (notes.exchange?.size ?? 0) === 0
    // While an answer is pending, it is not the Client's turn: a second exchange would overtake the first.
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
      ? connectRequestOf(connection, first, authenticationData, false)
      : requestAgain(connection, authenticationData)
    this.#logins.ask(connection, request)
  }

  /** Ends a re-authentication, which may not change who the Client is (U-4.12.1-3). */
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

  /** Called when a Connection has ended, accepted or not. */
  ended(connection: Connection): void {
    this.#logins.left(connection)
  }

  /** Called when an accepted Connection has ended. */
  left(connection: Connection): void {
    this.connected--
    notesOf(connection).listener.connected--
  }
}

function clientOf(connection: Connection, facts: Client): Client {
  if (isOwn(connection)) return { ...facts, own: true }
  const { operator } = connection.peer
  return operator === undefined ? facts : { ...facts, console: operator.rights }
}
