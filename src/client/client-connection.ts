/**
 * One network connection of a client, from CONNECT to its end: bytes in, bytes out, and a deadline.
 *
 *   opened ── CONNECT ──> logging in ── CONNACK 0 ──> connected ── DISCONNECT, error, lost ──> over
 *                            └─ AUTH ─┘ (§4.12)         └─ PINGREQ when either direction is silent for a Keep Alive
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import { decodePacket } from '../codec/decode.ts'
import type { Decoder } from '../codec/decoder.ts'
import { readPlainAcknowledgement } from '../codec/acknowledgement.ts'
import type { AcknowledgementPacket, AuthPacket, ConnackPacket, Packet } from '../codec/packets.ts'
import { PacketType, type ProtocolVersion, type QoS } from '../codec/packet-types.ts'
import { noProperties, type Properties } from '../codec/properties.ts'
import { forbidden, ProtocolError } from '../codec/protocol-error.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { Client as ClientFacts } from '../protocol/client.ts'
import type { Delivery } from '../protocol/delivery.ts'
import type { DropCause } from '../protocol/drop-cause.ts'
import type { SessionConnection } from '../protocol/session-connection.ts'
import type { Incoming, Transport } from '../protocol/transport.ts'
import { ClientDecoder } from './client-decoder.ts'
import { ClientError } from './client-error.ts'
import type { ClientOptions } from './client-options.ts'
import type { ClientRequests } from './client-requests.ts'
import { ClientSender } from './client-sender.ts'
import type { ClientSession } from './client-session.ts'
import type { ClientSide } from './client-side.ts'
import { connectPacketOf } from './connect-packet.ts'
import { KeepAlive } from './keep-alive.ts'
import { disconnection, refusal } from './server-refusals.ts'
import { ReceivedPublishes } from './received-publishes.ts'
import { RelayedFlow } from './relayed-flow.ts'
import { serverLimitsOf } from './server-limits.ts'

type Acknowledgement = AcknowledgementPacket['type']

/** Milliseconds that a server may take to close its side after ours. */
const LINGER_MS = 2000
/** Below this, more may be published: about what a socket takes at once. */
const EASY_BYTES = 262_144

/** The client around its connection. */
export interface ConnectionOwner {
  readonly options: ClientOptions
  readonly side: ClientSide
  readonly clock: Clock
  readonly session: ClientSession
  readonly requests: ClientRequests
  loggedIn(connection: ClientConnection, connack: ConnackPacket): void
  /** Called once. */
  over(connection: ClientConnection, error: ClientError | undefined): void
  wantsFlush(connection: ClientConnection): void
}

export class ClientConnection implements Incoming, SessionConnection {
  readonly client: ClientFacts
  isConnected = false
  isOver = false
  /** Why a message was not sent, for the report of the Session that follows. */
  problem: ClientError | undefined = undefined
  readonly sender: ClientSender
  readonly publishes: ReceivedPublishes
  /** Present if the side keeps the Session. */
  readonly relayed: RelayedFlow | undefined
  readonly #owner: ConnectionOwner
  readonly #transport: Transport
  readonly #version: ProtocolVersion
  readonly #decoder: ClientDecoder
  readonly #keepAlive: KeepAlive
  #isReauthenticating = false
  #isPaused = false

  constructor(owner: ConnectionOwner, transport: Transport, loginDeadlineMs: number) {
    const { options, clock, side, session } = owner
    const now = (): number => clock.now()
    this.#owner = owner
    this.#transport = transport
    this.#version = options.protocolVersion
    this.#decoder = new ClientDecoder(this.#version, options.maximumPacketSize)
    this.#keepAlive = new KeepAlive(loginDeadlineMs, options.pingTimeoutMs)
    this.sender = new ClientSender(this.#version, transport, side.watch, now)
    this.sender.wantsFlush = () => owner.wantsFlush(this)
    const { receiveMaximum = 0xffff, topicAliasMaximum = 0 } = options.properties
    const limits = { receiveMaximum, topicAliasMaximum }
    this.relayed = side.relay === undefined ? undefined : new RelayedFlow(this.sender, receiveMaximum)
    this.publishes = new ReceivedPublishes(side, session, this.sender, this.#version, limits, now, this.relayed)
    const { clientId, userName } = options
    this.client = { clientId, userName, address: '', listener: '', protocolVersion: this.#version }
    this.sender.packet(connectPacketOf(options))
  }

  // ---- the byte stream ----

  receive(chunk: Uint8Array): void {
    if (this.isOver) return
    this.#keepAlive.received(this.#owner.clock.now())
    this.#decoder.push(chunk)
    this.#takeAll()
  }

  /** What comes in the same chunk as the packet that made the program pause has to wait as well. */
  #takeAll(): void {
    const decoder = this.#decoder
    try {
      while (!this.isOver && !this.#isPaused && decoder.next()) this.#take(decoder)
      if (!this.isOver) decoder.detach()
    } catch (error) {
      this.#fail(error)
    }
  }

  drained(): void {
    this.sender.drained()
    if (!this.isOver && this.isConnected) this.#roomHasCome()
  }

  lost(error?: Error): void {
    const reason = error === undefined ? 'the server closed the network connection' : error.message
    const phase = this.isConnected ? '' : ' before it answered the CONNECT'
    this.#end(new ClientError('ERR_CLIENT_LOST', `The connection was lost: ${reason}${phase}`, { cause: error }))
  }

  pauseReading(): void {
    this.#isPaused = true
    this.#transport.pauseReading()
  }

  resumeReading(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#transport.resumeReading()
    this.#owner.clock.atEndOfTurn(() => {
      if (!this.isOver) this.#takeAll()
    })
  }

  flush(): void {
    if (this.isOver) return
    this.#keepAlive.sent(this.#owner.clock.now())
    this.sender.flush()
  }

  #roomHasCome(): void {
    this.#owner.session.flow()
    if (this.takesMore) this.#owner.side.writable?.()
  }

  // ---- time ----

  /** When `expire` is due, in milliseconds of the Clock; Infinity if never. */
  get deadlineMs(): number {
    return this.isOver ? Infinity : this.#keepAlive.deadlineMs
  }

  expire(): void {
    const now = this.#owner.clock.now()
    switch (this.#keepAlive.due(now)) {
      case 'ping':
        this.ping()
        return
      case 'login':
        this.#abort(new ClientError('ERR_CLIENT_TIMEOUT', 'The server did not answer the CONNECT in time'))
        return
      case 'dead':
        this.#abort(new ClientError('ERR_CLIENT_TIMEOUT', 'The server did not answer a PINGREQ in time'))
    }
  }

  /** Sends a PINGREQ, which has to be answered in time. */
  ping(): void {
    this.sender.packet({ type: PacketType.PINGREQ })
    this.#keepAlive.pinged(this.#owner.clock.now())
  }

  #abort(error: ClientError): void {
    this.#transport.destroy()
    this.#end(error)
  }

  // ---- packets ----

  #take(decoder: Decoder): void {
    const { bytes, firstByte, bodyStart, end } = decoder
    const type = firstByte >> 4
    if (!this.isConnected) this.#takeBeforeLogin(decoder)
    else if (type === PacketType.PUBLISH) this.publishes.receive(decoder)
    else {
      const plain = type >= PacketType.PUBACK && type <= PacketType.PUBCOMP
      const packetIdentifier = plain ? readPlainAcknowledgement(bytes, firstByte, bodyStart, end) : 0
      if (packetIdentifier !== 0 && this.#owner.side.watch === undefined) {
        this.#takeAcknowledgement(type as Acknowledgement, packetIdentifier, ReasonCode.Success)
      } else this.#takeDecoded(this.#decode(decoder))
    }
  }

  #decode({ bytes, firstByte, bodyStart, end }: Decoder): Packet {
    const packet = decodePacket(bytes, firstByte, bodyStart, end, this.#version, 'server')
    this.#owner.side.watch?.received(packet)
    return packet
  }

  #takeBeforeLogin(decoder: Decoder): void {
    const { bytes, firstByte, bodyStart, end } = decoder
    if (firstByte === PacketType.CONNACK << 4 && this.#version === 5 && end - bodyStart === 2) {
      // A server without 5.0 can only refuse it in the form of 3.1.1, which has no Property Length.
      if (bytes[bodyStart + 1] === 1) throw refusal(1, 3, noProperties)
    }
    const packet = this.#decode(decoder)
    if (packet.type === PacketType.CONNACK) this.#takeConnack(packet)
    else if (packet.type === PacketType.AUTH) this.#takeAuth(packet)
    else throw forbidden('The server sent another packet before CONNACK [5.0 MQTT-3.2.0-1]')
  }

  #takeConnack(connack: ConnackPacket): void {
    const { reasonCode, properties, sessionPresent } = connack
    const { options, session, requests, clock, side } = this.#owner
    if (reasonCode !== 0) throw refusal(reasonCode, this.#version, properties)
    if (sessionPresent && options.cleanStart)
      throw forbidden('Session Present is 1 after Clean Start [5.0 MQTT-3.2.2-2]')
    if (options.authentication !== undefined && properties.authenticationMethod !== undefined) {
      this.#authenticate(properties, true)
    }
    const limits = serverLimitsOf(properties)
    this.isConnected = true
    if (this.#version < 5) this.#decoder.readPast = side.relay?.tooLarge?.bind(side.relay)
    this.#keepAlive.begin(properties.serverKeepAlive ?? options.keepAlive, clock.now())
    this.sender.allow(limits, Math.min(limits.topicAliasMaximum, options.outgoingTopicAliases))
    session.begin(this, limits.receiveMaximum, sessionPresent)
    requests.begin(this.sender, sessionPresent)
    this.#owner.loggedIn(this, connack)
  }

  #takeAuth(packet: AuthPacket): void {
    if (this.#owner.options.authentication === undefined) {
      throw forbidden('The server sent AUTH to a client without an Authentication Method [5.0 MQTT-4.12.0-1]')
    }
    const isLast = packet.reasonCode === ReasonCode.Success
    if (this.isConnected && !this.#isReauthenticating) throw forbidden('The server began a re-authentication')
    if (!this.isConnected && isLast) throw forbidden('The server ended the authentication without CONNACK')
    const data = this.#authenticate(packet.properties, isLast)
    if (isLast) this.#isReauthenticating = false
    else this.#sendAuth(ReasonCode.ContinueAuthentication, data)
  }

  #authenticate({ authenticationMethod, authenticationData }: Properties, isLast: boolean): Uint8Array | undefined {
    const authentication = this.#owner.options.authentication!
    if (authenticationMethod !== authentication.method)
      throw forbidden('The server changed the Authentication Method [5.0 MQTT-4.12.0-5]')
    try {
      return authentication.continue(authenticationData, isLast)
    } catch (error) {
      const message = `The authentication failed: ${(error as Error).message}`
      throw new ClientError('ERR_CLIENT_AUTHENTICATION', message, { cause: error })
    }
  }

  #sendAuth(reasonCode: number, authenticationData: Uint8Array | undefined): void {
    const authenticationMethod = this.#owner.options.authentication!.method
    this.sender.packet({ type: PacketType.AUTH, reasonCode, properties: { authenticationMethod, authenticationData } })
  }

  /** Begins a re-authentication (§4.12.1). */
  reauthenticate(): void {
    this.#isReauthenticating = true
    this.#sendAuth(ReasonCode.ReAuthenticate, this.#owner.options.authentication?.begin())
  }

  #takeDecoded(packet: Packet): void {
    switch (packet.type) {
      case PacketType.PUBACK:
      case PacketType.PUBREC:
      case PacketType.PUBREL:
      case PacketType.PUBCOMP:
        this.#takeAcknowledgement(packet.type, packet.packetIdentifier, packet.reasonCode)
        return
      case PacketType.SUBACK:
        this.#owner.requests.suback(packet)
        return
      case PacketType.UNSUBACK:
        this.#owner.requests.unsuback(packet)
        return
      case PacketType.PINGRESP:
        this.#keepAlive.answered()
        return
      case PacketType.AUTH:
        this.#takeAuth(packet)
        return
      case PacketType.DISCONNECT:
        throw disconnection(packet)
      default:
        throw forbidden('The server sent CONNACK twice')
    }
  }

  #takeAcknowledgement(type: Acknowledgement, packetIdentifier: number, reasonCode: number): void {
    const { session, side } = this.#owner
    if (side.relay !== undefined) side.relay.acknowledged(type, packetIdentifier, reasonCode)
    else if (type === PacketType.PUBACK) session.puback(packetIdentifier, reasonCode)
    else if (type === PacketType.PUBCOMP) session.pubcomp(packetIdentifier)
    else if (type === PacketType.PUBREL) this.publishes.pubrel(packetIdentifier)
    else {
      const answer = session.pubrec(packetIdentifier, reasonCode)
      if (answer !== undefined) this.sender.acknowledge(PacketType.PUBREL, packetIdentifier, answer)
    }
  }

  // ---- the Session's output ----

  get congested(): boolean {
    return this.sender.unsentBytes > this.#owner.options.maxUnsentBytes
  }

  get takesMore(): boolean {
    return this.sender.unsentBytes < EASY_BYTES
  }

  fits(): boolean {
    return true
  }

  sendPublish(message: ApplicationMessage, retain: boolean): DropCause | undefined {
    return this.#send(message, 0, retain, false, 0)
  }

  sendDelivery({ message, qos, retain, packetIdentifier }: Delivery, dup: boolean): DropCause | undefined {
    return this.#send(message, qos, retain, dup && !this.#owner.session.isNew, packetIdentifier)
  }

  #send(message: ApplicationMessage, qos: QoS, retain: boolean, dup: boolean, id: number): DropCause | undefined {
    this.problem = this.sender.publish(message, qos, retain, dup, id)
    if (this.problem === undefined) return undefined
    return this.problem.code === 'ERR_CLIENT_TOO_LARGE' ? 'packet too large' : 'cannot be encoded'
  }

  sendPubrel({ packetIdentifier }: Delivery): void {
    this.sender.acknowledge(PacketType.PUBREL, packetIdentifier, ReasonCode.Success)
  }

  // ---- the end ----

  /**
   * Sends DISCONNECT, and closes after everything that was written has left.
   *
   * @throws {ClientError} if the packet cannot be encoded
   */
  disconnect(reasonCode: number, properties: Properties): void {
    if (this.isConnected) this.sender.packet({ type: PacketType.DISCONNECT, reasonCode, properties })
    this.#close(undefined)
  }

  /** The program around the client does not want it any more. */
  abandon(error: ClientError): void {
    if (!this.isOver) this.#close(error)
  }

  /** The server, or the program around the client, is at fault. */
  #fail(error: unknown): void {
    if (error instanceof ClientError) {
      if (error.code === 'ERR_CLIENT_AUTHENTICATION') this.#sayWhy(ReasonCode.UnspecifiedError)
      this.#close(error)
    } else if (error instanceof ProtocolError) {
      this.#sayWhy(error.reasonCode)
      const { reasonCode } = error
      this.#close(new ClientError('ERR_CLIENT_PROTOCOL', error.message, { cause: error, reasonCode }))
    } else {
      this.#transport.destroy()
      throw error
    }
  }

  /** Only 5.0 has a DISCONNECT with a reason, and only after CONNECT was answered (§4.13). */
  #sayWhy(reasonCode: number): void {
    if (this.#version < 5 || !this.isConnected) return
    this.sender.packet({ type: PacketType.DISCONNECT, reasonCode, properties: noProperties })
  }

  #close(error: ClientError | undefined): void {
    this.sender.flush()
    this.#transport.end()
    this.#owner.clock.setTimer(LINGER_MS, () => this.#transport.destroy())
    this.#end(error)
  }

  #end(error: ClientError | undefined): void {
    if (this.isOver) return
    this.isOver = true
    this.sender.discard()
    this.#decoder.release()
    this.#owner.over(this, error)
  }
}
