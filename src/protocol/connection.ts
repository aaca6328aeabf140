/**
 * The machine of one Network Connection: bytes in, packets out, and a deadline. It knows no socket, no clock and no chance;
 * what it cannot decide it asks its `ServerSide`. What may happen when, and what follows, is the table in `connection-state.ts`.
 *
 * Packets are worked off in order. The machine stops in the middle of a chunk, and the Transport is not read, while an
 * answer is pending, this turn's budget is spent, its output is congested or a rate is overdrawn;
 * time in which we do not read does not count against Keep Alive.
 *
 * What it makes us hold of its input (a packet that is not complete, one that waits for an answer, the topics behind its
 * aliases) is charged to it. A packet that was begun has to get on (`pace.ts`); as long as it does, its bytes are a sign of life.
 *
 * A ProtocolError ends this Connection with the standard's answer; any other error is our own mistake, told to the Server,
 * and ends this Connection too: nothing that one Client sends reaches another.
 *
 * @module
 */
import { protocolOf } from '../base/foreign-protocol.ts'
import type { Expiring } from '../base/timer-wheel.ts'
import { copied, scanned, Work } from '../base/work.ts'
import { connectPacketOf, decodeConnect } from '../codec/decode-connect.ts'
import { decodePacket } from '../codec/decode.ts'
import { Decoder } from '../codec/decoder.ts'
import {
  type AuthPacket,
  type DisconnectPacket,
  type Packet,
  type ReceivedConnect,
  type SubscribePacket,
  type UnsubscribePacket,
} from '../codec/packets.ts'
import { PacketType, type ProtocolVersion, type QoS } from '../codec/packet-types.ts'
import { noProperties, type Properties } from '../codec/properties.ts'
import {
  ConnectError,
  forbidden,
  LimitExceededError,
  MessageNotAcceptedError,
  ProtocolError,
} from '../codec/protocol-error.ts'
import { ReasonCode, toReturnCode } from '../codec/reason-code.ts'
import type { ApplicationMessage } from './application-message.ts'
import type { Client } from './client.ts'
import { after, allows, Event, isBehindConnack, isFault, State, takesPackets } from './connection-state.ts'
import { ConnectionMemory, connectionMemoryLimit, type HeldKind } from './connection-memory.ts'
import type { Delivery } from './delivery.ts'
import { packetDeadline } from './pace.ts'
import { RateLimit } from './rate-limit.ts'
import { NOT_TAKEN, Requests, TAKEN } from './requests.ts'
import { Sender } from './sender.ts'
import type { Acceptance, ServedConnection } from './served-connection.ts'
import type { ConnectionEnd, EndCause, ServerSide } from './server-side.ts'
import type { ConnectionLimits } from './connection-limits.ts'
import type { DropCause, Session, SessionConnection } from './session.ts'
import type { Incoming, Peer, Transport } from './transport.ts'

/** How long a closed Connection may take to hand over its last bytes. */
const CLOSING_MS = 5_000

export class Connection implements Incoming, ServedConnection, SessionConnection, Expiring {
  deadlineMs = 0
  wheelIndex = -1
  readonly peer: Peer
  readonly limits: ConnectionLimits
  /** Set by `accept`. */
  client: Client
  session: Session | undefined = undefined
  /** The CONNECT that opened it, while its answer is pending and until CONNACK. */
  connectPacket: ReceivedConnect | undefined = undefined
  /** Authentication Method of CONNECT: it stays the same throughout [5.0 MQTT-4.12.0-5]. */
  authenticationMethod: string | undefined = undefined
  /** The Server's own notes on this Connection. */
  notes: unknown = undefined
  readonly connectedAtMs: number
  readonly #server: ServerSide
  readonly #transport: Transport
  readonly #decoder: Decoder
  readonly #sender: Sender
  /** From CONNACK on. */
  #requests: Requests | undefined = undefined
  #state: State = State.AwaitingConnect
  #isReading = true
  #wantsTurn = false
  #keepAliveMs = 0
  /** When the last packet came, or the last bytes of one that is not complete. */
  #lastSignMs: number
  /** When the packet that is not complete yet began to come in; `undefined` while there is none, or while it is not read. */
  #begunAtMs: number | undefined = undefined
  /** What waits for an answer: the CONNECT that opened it, or the packet at hand. */
  #waitingBytes = 0
  /** What the Transport cannot hand on yet. */
  #arrivingBytes = 0
  /** While it makes us hold anything. */
  #memory: ConnectionMemory | undefined = undefined
  /** Deadlines that few have: `undefined` is free, `Infinity` is a number that each would keep in memory of its own. */
  #loginExpiresAtMs: number | undefined = undefined
  /** Between CONNECT and CONNACK. */
  #loginDeadlineMs: number | undefined = undefined
  #receiveMaximum = 65_535
  /** Bytes that wait to be taken, when somebody last looked; -1 while nothing is stuck. */
  #stuckBytes = -1
  /** Of all that was ever written, what the network had taken when the drain watch began. */
  #takenBytes = 0
  #drainDeadlineMs: number | undefined = undefined
  #resumeAtMs = 0
  /** It is for others that it is not read until then. */
  #givesWay = false
  #publishRate: RateLimit | undefined = undefined
  #byteRate: RateLimit | undefined = undefined

  /** @param arrivedAtMs when its byte stream was accepted, where something came before MQTT: `connectTimeout` counts from then */
  constructor(
    server: ServerSide,
    transport: Transport,
    peer: Peer,
    limits: ConnectionLimits,
    arrivedAtMs: number = server.turn.now(),
  ) {
    this.peer = peer
    this.limits = limits
    this.connectedAtMs = arrivedAtMs
    this.client = {
      clientId: '',
      userName: undefined,
      address: peer.address,
      listener: peer.listener,
      protocolVersion: 5,
    }
    this.#server = server
    this.#transport = transport
    this.#decoder = new Decoder(limits.maxConnectPacketSize)
    this.#sender = new Sender(server, this, transport)
    this.#lastSignMs = arrivedAtMs
    server.turn.arm(this, arrivedAtMs + limits.connectTimeout * 1000)
  }

  get isConnected(): boolean {
    return isBehindConnack(this.#state)
  }

  /** Where it is in the table of `connection-state.ts`. */
  get state(): State {
    return this.#state
  }

  /** Between CONNECT and CONNACK 0x00. */
  get #isLoggingIn(): boolean {
    return this.#state !== State.AwaitingConnect && allows(this.#state, Event.refuse)
  }

  get isClosed(): boolean {
    return this.#state === State.Closed
  }

  get protocolVersion(): ProtocolVersion {
    return this.#sender.version
  }

  /**
   * True while output piles up beyond `maxOutgoingBytes`, or at all (in the network or before a commit) where this Connection, its
   * user or the broker has no memory left.
   */
  get congested(): boolean {
    if (this.#stuckBytes <= 0 && !this.#sender.isHolding) return false
    return this.#stuckBytes >= this.limits.maxOutgoingBytes || this.#memory?.isFull === true
  }

  get takesMore(): boolean {
    return !this.congested && this.#transport.unsentBytes * 2 < this.limits.maxOutgoingBytes
  }

  /** The Change that its output waits for; 0 where none waits. */
  get heldUntilChange(): number {
    return this.#sender.heldUntilChange
  }

  /** Bytes of its input that it makes us hold: what `inputHeld` was told. */
  get heldBytes(): number {
    return this.#memory?.bytes('input') ?? 0
  }

  /** Bytes handed to the Transport and not taken by the network. */
  get unsentBytes(): number {
    return this.#transport.unsentBytes
  }

  /** PUBLISH packets that came and went. */
  get messageCounts(): { readonly received: number; readonly sent: number } {
    return { received: this.#requests?.publishCount ?? 0, sent: this.#sender.publishCount }
  }

  // ---- input ----

  arriving(heldBytes: number): void {
    if (this.#state === State.Closed) return
    this.#arrivingBytes = heldBytes
    this.#watchPace(false)
    this.#charge()
  }

  receive(chunk: Uint8Array): void {
    if (this.#state === State.Closed) return
    this.#server.metrics.readsReceived++
    this.#server.metrics.bytesReceived += chunk.length
    if (this.#byteRate !== undefined)
      this.#throttle(this.#byteRate.take(chunk.length, this.#server.turn.now()), 'max-byte-rate')
    this.#arrivingBytes = 0
    this.#decoder.push(chunk)
    this.#server.turn.work.enter(this.session ?? this)
    this.#server.turn.work.spend(copied(chunk.length))
    // Whoever waits in the line is not served before it.
    if (!this.#wantsTurn) this.#work()
    else {
      this.#decoder.detach()
      this.#charge()
    }
  }

  /** Works off what waits inside: the Server calls it when it is this Connection's turn, after `wantsTurn`. */
  resume(): boolean {
    this.#wantsTurn = false
    if (this.#state !== State.Closed) this.#work()
    return true
  }

  #work(): void {
    let handled = 0
    try {
      while (this.#mayWork() && this.#decoder.next()) {
        this.#handle()
        handled++
      }
    } catch (error) {
      this.#failed(error)
    }
    if (this.#state !== State.Closed) {
      this.#decoder.detach()
      this.#adjustReading()
      this.#watchPace(handled > 0)
      this.#charge()
    }
  }

  /**
   * Notes whether a packet is left that is not complete.
   *
   * @param isAnother false where it may be the one that was there before
   */
  #watchPace(isAnother: boolean): void {
    if (this.#incompleteBytes === 0 || !this.#isReading) {
      this.#begunAtMs = undefined
      return
    }
    const now = this.#server.turn.now()
    this.#lastSignMs = now
    if (isAnother || this.#begunAtMs === undefined) this.#begunAtMs = now
    const deadline = this.#packetDeadline()
    const isArmed = this.wheelIndex >= 0 && this.deadlineMs <= deadline
    if (this.isConnected && !isArmed) this.#server.turn.arm(this, deadline)
  }

  /** When the packet that is not complete is late; Infinity where there is none. */
  #packetDeadline(): number {
    if (this.#begunAtMs === undefined) return Infinity
    return packetDeadline(this.#begunAtMs, this.#incompleteBytes, this.limits)
  }

  /** Bytes of a packet that is not complete, as far as they have come. */
  get #incompleteBytes(): number {
    return this.#decoder.bufferedBytes + this.#arrivingBytes
  }

  /** Tells the Server what is held of its input. To be called last: it may end this Connection, too. */
  #charge(): void {
    const held = this.#decoder.heldBytes + this.#arrivingBytes + this.#waitingBytes + (this.#requests?.aliasBytes ?? 0)
    const change = held - this.heldBytes
    if (change === 0) return
    this.#hold('input', held)
    this.#server.inputBudget.change(change)
    if (change > 0) this.#checkInput(held)
  }

  /** Whatever it says next would only add to it. */
  #checkInput(held: number): void {
    const limit = connectionMemoryLimit(this.limits)
    if (limit === 0 || held <= limit || this.#state === State.Closed) return
    this.#server.metrics.packetsOverLimit++
    this.#server.memoryRefusals.refused(this.#memory!.account, held)
    const detail = `its packets that are not complete, or wait, take ${held} bytes (max-memory-per-connection ${limit})`
    this.turnAway(ReasonCode.QuotaExceeded, 'limit exceeded', detail)
  }

  /** So many bytes of that kind are held now. */
  #hold(kind: HeldKind, bytes: number): void {
    if (this.#memory === undefined && bytes === 0) return
    const memory = (this.#memory ??= this.#noMemory())
    memory.set(kind, bytes)
    if (memory.isEmpty) this.#memory = undefined
  }

  #noMemory(): ConnectionMemory {
    const { clientId, address } = this.client
    const payer = this.session?.memory.parent ?? this.#server.memory.of(this.client)
    return new ConnectionMemory(clientId === '' ? address : clientId, connectionMemoryLimit(this.limits), payer)
  }

  /** The Sender keeps so many bytes more, or less, that are not handed to the Transport. */
  keeps(change: number): void {
    this.#hold('kept', (this.#memory?.bytes('kept') ?? 0) + change)
  }

  /** Nothing is held any more, except for output that is on its way. */
  #discharge(): void {
    this.#decoder.release()
    const { heldBytes } = this
    this.#hold('input', 0)
    this.#hold('kept', 0)
    if (heldBytes !== 0) this.#server.inputBudget.change(-heldBytes)
  }

  #mayWork(): boolean {
    if (!takesPackets(this.#state) || this.congested) return false
    if (this.#resumeAtMs !== 0 && this.#resumeAtMs > this.#server.turn.now()) return false
    if (!this.#server.turn.work.isSpent) return true
    this.#askForTurn()
    return false
  }

  #askForTurn(): void {
    if (this.#wantsTurn) return
    this.#wantsTurn = true
    this.#server.turn.wantsTurn(this)
  }

  #adjustReading(): void {
    const reads = this.#mayWork()
    if (reads === this.#isReading) return
    this.#isReading = reads
    if (reads) {
      this.#lastSignMs = this.#server.turn.now()
      this.#transport.resumeReading()
    } else {
      this.#server.metrics.readingPaused++
      this.#transport.pauseReading()
    }
  }

  #throttle(waitMs: number, option: 'max-publish-rate' | 'max-byte-rate'): void {
    if (waitMs === 0) return
    this.#server.metrics.rateLimited++
    this.#server.reports.throttled(this, option)
    this.#givesWay = false
    this.#resumeAtMs = Math.max(this.#resumeAtMs, this.#server.turn.now() + waitMs)
    this.#arm()
  }

  /** What it published last waits for a subscriber that has little room: nothing more is taken until then, or `goOn`. */
  standBack(untilMs: number): void {
    if (this.#resumeAtMs !== 0 || this.#state === State.Closed) return
    this.#givesWay = true
    this.#resumeAtMs = untilMs
    this.#arm()
  }

  goOn(): void {
    if (!this.#givesWay || this.#state === State.Closed) return
    this.#givesWay = false
    this.#resumeAtMs = 0
    this.#askForTurn()
  }

  #handle(): void {
    const decoder = this.#decoder
    const server = this.#server
    this.#lastSignMs = server.turn.now()
    server.metrics.packetsReceived++
    server.turn.work.spend(Work.packet + copied(decoder.end - decoder.start))
    this.#sender.beginAnswer()
    if (this.#state === State.Connected && this.#handleInPlace()) return
    this.#checkOrder((decoder.firstByte >> 4) as PacketType)
    if (this.#state === State.AwaitingConnect) this.#connect(this.#decodeConnect())
    else this.#handleDecoded(this.#decode())
  }

  /** @returns whether the packet needed no decoding */
  #handleInPlace(): boolean {
    const waiting = this.#requests!.takeInPlace(this.#decoder)
    if (waiting === NOT_TAKEN) return false
    if (waiting !== TAKEN) this.#wait(waiting)
    if (this.#publishRate !== undefined && this.#decoder.firstByte >> 4 === PacketType.PUBLISH)
      this.#throttle(this.#publishRate.take(1, this.#server.turn.now()), 'max-publish-rate')
    return true
  }

  #handleDecoded(packet: Packet): void {
    if (packet.type === PacketType.DISCONNECT) this.#disconnected(packet)
    else if (packet.type === PacketType.AUTH) this.#auth(packet)
    else {
      const waiting = this.#requests!.take(packet, this.#packetBytes)
      if (waiting !== TAKEN) this.#wait(waiting)
    }
  }

  /** The packet at hand waits for an answer, and takes so much memory while it does. */
  #wait(bytes: number): void {
    this.#enter(Event.pending)
    this.#waitingBytes = bytes
  }

  /** Does what the table says. @returns whether the event does anything in this state */
  #enter(event: Event): boolean {
    if (!allows(this.#state, event)) return false
    this.#state = after(this.#state, event)
    return true
  }

  /** Bytes of the packet at hand. */
  get #packetBytes(): number {
    return this.#decoder.end - this.#decoder.start
  }

  #decodeConnect(): ReceivedConnect {
    const { bytes, firstByte, bodyStart, end } = this.#decoder
    this.#server.turn.work.spend(scanned(end - bodyStart))
    const { isWatched } = this.#server.packets
    const packet = decodeConnect(bytes, bodyStart, end, firstByte, this.limits, isWatched)
    if (isWatched) this.#server.packets.received(this, connectPacketOf(packet))
    return packet
  }

  /** Nobody needs User Properties, except listeners to packets. */
  #decode(): Packet {
    const { bytes, firstByte, bodyStart, end } = this.#decoder
    this.#server.turn.work.spend(scanned(end - bodyStart))
    const { isWatched } = this.#server.packets
    const { limits } = this
    const packet = decodePacket(bytes, firstByte, bodyStart, end, this.#sender.version, 'client', limits, isWatched)
    if (isWatched) this.#server.packets.received(this, packet)
    return packet
  }

  /** Whether that type may come here at all: said before anybody looks inside, where faults have codes that no answer here has. */
  #checkOrder(type: PacketType): void {
    if (!isFault(this.#state, type)) return
    if (this.#state === State.AwaitingConnect) throw forbidden(`first packet is type ${type}, not CONNECT`)
    if (type === PacketType.CONNECT) throw forbidden('a second CONNECT') // [5.0 MQTT-3.1.0-2] [3.1.1 MQTT-3.1.0-2]
    if (this.#state === State.AwaitingAuth) throw forbidden(`packet type ${type} during authentication`) // [5.0 MQTT-3.1.2-30]
    throw forbidden(`packet type ${type} from a Client`)
  }

  // ---- connecting ----

  #connect(packet: ReceivedConnect): void {
    this.#server.turn.work.spend(Work.connection)
    this.#sender.version = packet.protocolVersion
    this.#decoder.shortestLengths = packet.protocolVersion === 5
    const { maximumPacketSize, requestProblemInformation, receiveMaximum, authenticationMethod } = packet.properties
    if (maximumPacketSize !== undefined) this.#sender.maximumPacketSize = maximumPacketSize
    this.#sender.sendsProblemInformation = requestProblemInformation !== 0
    this.#receiveMaximum = receiveMaximum ?? 65_535
    this.authenticationMethod = authenticationMethod
    this.connectPacket = packet
    this.#state = after(this.#state, PacketType.CONNECT)
    this.#waitingBytes = this.#packetBytes
    this.#setLoginDeadline(this.limits.loginTimeout)
    this.#server.admission.connect(this, packet)
  }

  /** Whoever has to say something next has so long for it: the time that a login takes us is not the Client's. */
  #setLoginDeadline(seconds: number): void {
    this.#loginDeadlineMs = this.#server.turn.now() + seconds * 1000
    this.#arm()
  }

  /** Whether CONNACK 0x00 with these is within the Client's Maximum Packet Size: without it nothing may follow [5.0 MQTT-3.2.0-1]. */
  takesConnack(properties: Properties): boolean {
    return this.#sender.fits({ type: PacketType.CONNACK, sessionPresent: false, reasonCode: 0, properties })
  }

  /** The Server's yes. CONNACK waits for the Store if it has to; everything else waits for CONNACK. */
  accept(acceptance: Acceptance): void {
    if (!this.#enter(Event.accept)) return
    const { properties } = this.connectPacket!
    this.client = acceptance.client
    this.session = acceptance.session
    this.#memory?.belongsTo(acceptance.client.clientId, acceptance.session.memory.parent)
    this.#keepAliveMs = acceptance.keepAlive * 1000
    this.#loginExpiresAtMs = acceptance.loginExpiresAtMs
    this.#decoder.maxPacketSize = this.limits.maxPacketSize
    const { maxOutgoingTopicAliases, maxPublishRate, maxByteRate } = this.limits
    this.#sender.allowAliases(Math.min(properties.topicAliasMaximum ?? 0, maxOutgoingTopicAliases))
    const now = this.#server.turn.now()
    if (maxPublishRate > 0) this.#publishRate = new RateLimit(maxPublishRate, now)
    if (maxByteRate > 0) this.#byteRate = new RateLimit(maxByteRate, now)
    const { sessionPresent, properties: granted } = acceptance
    const connack = { type: PacketType.CONNACK, sessionPresent, reasonCode: ReasonCode.Success, properties: granted }
    this.#sender.committed(connack, acceptance.afterChange)
    if (!this.#sender.isHolding) this.#begin()
  }

  /** CONNACK is on its way: deliveries may follow [5.0 MQTT-3.2.0-1]. */
  #begin(): void {
    if (!this.#enter(Event.connackLeft)) return
    this.connectPacket = undefined
    this.#waitingBytes = 0
    this.#loginDeadlineMs = undefined
    this.#lastSignMs = this.#server.turn.now()
    this.#arm()
    this.#requests = new Requests(this.#server, this, this.session!, this.#sender)
    this.session!.connect(this, this.#sender.version === 5 ? this.#receiveMaximum : 65_535)
    this.#askForTurn()
  }

  /** One more step of an AUTH exchange [5.0 MQTT-4.12.0-2]. */
  challenge(authenticationData: Uint8Array | undefined): void {
    if (!this.#enter(Event.challenge)) return
    const properties = { authenticationMethod: this.authenticationMethod, authenticationData }
    this.#sender.immediate({ type: PacketType.AUTH, reasonCode: ReasonCode.ContinueAuthentication, properties })
    if (this.#state !== State.AwaitingAuth) return
    this.#setLoginDeadline(this.limits.connectTimeout)
    this.#askForTurn()
  }

  /** A re-authentication succeeded (§4.12.1). */
  reAuthenticated(authenticationData: Uint8Array | undefined, loginExpiresAtMs: number | undefined): void {
    if (!this.#enter(Event.reAuthenticated)) return
    this.#loginExpiresAtMs = loginExpiresAtMs
    const properties = { authenticationMethod: this.authenticationMethod, authenticationData }
    this.#sender.immediate({ type: PacketType.AUTH, reasonCode: ReasonCode.Success, properties })
    this.#arm()
  }

  #sendRefusal(reasonCode: ReasonCode, properties: Properties = noProperties): void {
    const code = this.#sender.version === 5 ? reasonCode : toReturnCode(reasonCode)
    if (code === undefined) return
    // [5.0 MQTT-3.2.2-6] [3.1.1 MQTT-3.2.2-4]
    this.#sender.immediate({ type: PacketType.CONNACK, sessionPresent: false, reasonCode: code, properties })
  }

  /** The Server's no: CONNACK with that code, where the version has one that fits, then the close. */
  refuse(reasonCode: ReasonCode, detail: string, properties: Properties = noProperties): void {
    if (!allows(this.#state, Event.refuse)) return
    this.#sendRefusal(reasonCode, properties)
    this.#close({ cause: 'refused', reasonCode, detail })
  }

  #auth(packet: AuthPacket): void {
    const method = packet.properties.authenticationMethod
    if (this.authenticationMethod === undefined) {
      throw new ProtocolError(ReasonCode.ProtocolError, 'AUTH though CONNECT named no Authentication Method') // [5.0 MQTT-4.12.0-7]
    }
    if (method !== this.authenticationMethod) {
      throw new ProtocolError(ReasonCode.ProtocolError, 'AUTH with another Authentication Method than CONNECT') // [5.0 MQTT-4.12.1-1]
    }
    // Before CONNACK the packets behind wait; a re-authentication lets them flow (U-4.12.1-2).
    this.#state = after(this.#state, PacketType.AUTH)
    if (this.#state === State.Deciding) this.#setLoginDeadline(this.limits.loginTimeout)
    this.#server.admission.authenticate(this, packet)
  }

  // ---- connected ----

  /** A plugin answered a PUBLISH that was pending. */
  publishAnswered(reasonCode: number): void {
    if (!this.#enter(Event.answered)) return
    this.#requests!.publishAnswered(reasonCode)
    this.#answered()
  }

  /** The QoS of the PUBLISH exchange for which a plugin's answer is pending; 0 if none is. */
  get pendingPublishQos(): QoS {
    return this.#requests?.pendingPublishQos ?? 0
  }

  /** What waited behind the packet that was answered goes on. */
  #answered(): void {
    this.#waitingBytes = 0
    this.#askForTurn()
  }

  subscribeAnswered(packet: SubscribePacket, reasonCodes: readonly number[]): void {
    if (!this.#enter(Event.answered)) return
    this.#requests!.suback(packet, reasonCodes)
    this.#answered()
  }

  unsubscribeAnswered(packet: UnsubscribePacket, reasonCodes: readonly number[]): void {
    if (!this.#enter(Event.answered)) return
    this.#requests!.unsuback(packet, reasonCodes)
    this.#answered()
  }

  #disconnected(packet: DisconnectPacket): void {
    const { sessionExpiryInterval } = packet.properties
    if (sessionExpiryInterval !== undefined && this.session !== undefined) {
      if (this.session.sessionExpiryInterval === 0 && sessionExpiryInterval > 0) {
        // U-3.14.2.2.2-2: no valid DISCONNECT, so the Will stays armed.
        throw new ProtocolError(
          ReasonCode.ProtocolError,
          'Session Expiry Interval set at DISCONNECT after 0 at CONNECT',
        )
      }
      this.session.sessionExpiryInterval = Math.min(sessionExpiryInterval, this.limits.maxSessionExpiry)
    }
    const reasonCode = packet.reasonCode as ReasonCode
    const detail = packet.properties.reasonString ?? ''
    this.#close({ cause: 'disconnected by client', reasonCode, detail })
  }

  // ---- output ----

  sendPublish(
    message: ApplicationMessage,
    retain: boolean,
    subscriptionIdentifiers: readonly number[],
  ): DropCause | undefined {
    try {
      return this.#sender.publish(message, retain, subscriptionIdentifiers)
    } catch (error) {
      return this.#breakOff(error)
    }
  }

  fits(message: ApplicationMessage, qos: QoS, subscriptionIdentifiers: readonly number[]): boolean {
    return this.#sender.takes(message, qos, subscriptionIdentifiers)
  }

  sendDelivery(delivery: Delivery, dup: boolean): DropCause | undefined {
    const afterChange = this.session!.ledger === undefined ? 0 : this.#server.turn.changeCount
    try {
      return this.#sender.delivery(delivery, dup, afterChange)
    } catch (error) {
      return this.#breakOff(error)
    }
  }

  /**
   * Writing failed in the middle: the stream may end within a packet, so that it is of no further use. That is this
   * Connection's loss, not the publisher's, whose message is just being delivered.
   */
  #breakOff(error: unknown): DropCause {
    this.#server.reports.failed(this, error)
    this.#sender.discard()
    this.#transport.destroy()
    return 'cannot be encoded'
  }

  sendPubrel(delivery: Delivery): void {
    this.#sender.acknowledge(PacketType.PUBREL, delivery.packetIdentifier, ReasonCode.Success, 0)
  }

  /** End of the turn: everything gathered leaves in one write. */
  flush(): void {
    this.#sender.flush()
    const { unsentBytes } = this.#transport
    if (this.#stuckBytes < 0 && unsentBytes > 0) this.#watchDrain()
    else if (this.#stuckBytes >= 0) this.#stuckBytes = unsentBytes
    this.#hold('output', unsentBytes)
  }

  #watchDrain(): void {
    this.#stuckBytes = this.#transport.unsentBytes
    this.#takenBytes = this.#sender.writtenBytes - this.#stuckBytes
    this.#drainDeadlineMs = this.#server.turn.now() + this.limits.drainTimeout * 1000
    this.#arm()
  }

  drained(): void {
    if (this.#transport.unsentBytes > 0) return
    this.#server.turn.work.enter(this.session ?? this)
    this.#sender.drained()
    this.#hold('output', 0)
    this.#stuckBytes = -1
    this.#drainDeadlineMs = undefined
    this.#flows()
  }

  /** What waited for room goes on. */
  #flows(): void {
    if (!this.isConnected) return
    this.session!.flow()
    if (!this.#isReading) this.#askForTurn()
  }

  /** A commit is done. @returns whether something still waits */
  release(committedChange: number): boolean {
    if (this.#state === State.Closed) return false
    const wasCongested = this.congested
    const waits = this.#sender.release(committedChange, this.#requests?.exchanges)
    if (wasCongested) this.#flows()
    if (!waits) this.#begin()
    // What the Session sends behind CONNACK may have to wait in its turn.
    return this.#sender.isHolding
  }

  // ---- time ----

  /** The Server's clock has reached `deadlineMs`. */
  expire(nowMs: number): void {
    if (this.#state === State.Closed) {
      this.#transport.destroy()
      return
    }
    if (this.#resumeAtMs !== 0 && this.#resumeAtMs <= nowMs) {
      this.#resumeAtMs = 0
      this.#givesWay = false
      this.#askForTurn()
    }
    if (!this.isConnected) this.#expireUnconnected(nowMs)
    else if (this.#loginExpiresAtMs !== undefined && nowMs >= this.#loginExpiresAtMs) {
      this.disconnect(ReasonCode.NotAuthorized, 'login expired', 'the log-in was valid until now')
    } else if (nowMs >= this.#packetDeadline()) {
      const { packetTimeout, minPacketRate } = this.limits
      const detail = `${this.#incompleteBytes} bytes of a packet came in ${(nowMs - this.#begunAtMs!) / 1000} s (packet-timeout ${packetTimeout} s, min-packet-rate ${minPacketRate} bytes/s)`
      this.disconnect(ReasonCode.QuotaExceeded, 'packet timeout', detail)
    } else if (nowMs >= this.#keepAliveDeadline()) {
      this.disconnect(
        ReasonCode.KeepAliveTimeout,
        'keep alive timeout',
        `silent for 1.5 × ${this.#keepAliveMs / 1000} s`,
      )
    } else if (this.#drainDeadlineMs !== undefined && nowMs >= this.#drainDeadlineMs) this.#expireDrain()
    this.#arm()
  }

  #expireUnconnected(nowMs: number): void {
    if (nowMs < this.#connectDeadline()) return
    const isOurTurn = this.#state === State.Deciding
    // It did all that it could: it reads that it may come again.
    if (isOurTurn) this.#sendRefusal(ReasonCode.ServerBusy)
    this.#close({
      cause: 'connect timeout',
      reasonCode: isOurTurn ? ReasonCode.ServerBusy : ReasonCode.MaximumConnectTime,
      detail: isOurTurn
        ? `its login was not decided within ${this.limits.loginTimeout} s`
        : `not connected within ${this.limits.connectTimeout} s`,
    })
  }

  /** A peer that takes something is slow; one that takes nothing for that long is gone. */
  #expireDrain(): void {
    const unsent = this.#transport.unsentBytes
    if (unsent > 0 && this.#sender.writtenBytes - unsent <= this.#takenBytes) {
      const detail = `took no output for ${this.limits.drainTimeout} s, ${unsent} bytes waiting`
      this.#close({ cause: 'slow receiver', reasonCode: ReasonCode.UnspecifiedError, detail }, true)
    } else {
      this.#hold('output', unsent)
      this.#watchDrain()
    }
  }

  #connectDeadline(): number {
    if (this.#loginDeadlineMs !== undefined) return this.#loginDeadlineMs
    return this.connectedAtMs + this.limits.connectTimeout * 1000
  }

  /** [5.0 MQTT-3.1.2-22] [3.1.1 MQTT-3.1.2-24] */
  #keepAliveDeadline(): number {
    if (this.#keepAliveMs === 0 || !this.#isReading) return Infinity
    return this.#lastSignMs + this.#keepAliveMs * 1.5 + this.limits.timeoutDisconnectDelay * 1000
  }

  #arm(): void {
    if (this.#state === State.Closed) return
    let deadline = this.isConnected ? this.#connectedDeadline() : this.#connectDeadline()
    if (this.#resumeAtMs !== 0) deadline = Math.min(deadline, this.#resumeAtMs)
    this.#server.turn.arm(this, deadline)
  }

  #connectedDeadline(): number {
    // While we do not read, look again after the time that a Keep Alive takes.
    const watch = this.#isReading
      ? this.#keepAliveDeadline()
      : this.#server.turn.now() + Math.max(this.#keepAliveMs, 1000)
    const rarer = Math.min(
      this.#loginExpiresAtMs ?? Infinity,
      this.#drainDeadlineMs ?? Infinity,
      this.#packetDeadline(),
    )
    return this.#keepAliveMs === 0 ? rarer : Math.min(watch, rarer)
  }

  // ---- the end ----

  /** Does for this Connection what had to wait: what it throws ends it, as in `receive`. */
  guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#failed(error)
    }
  }

  #failed(error: unknown): void {
    if (error instanceof ProtocolError) this.#failedByPeer(error)
    else {
      this.#server.reports.failed(this, error)
      this.disconnect(ReasonCode.UnspecifiedError, 'internal error', 'internal error')
    }
  }

  #failedByPeer(error: ProtocolError): void {
    if (!allows(this.#state, Event.failed)) return
    const { reasonCode, message } = error
    const isOverLimit = error instanceof LimitExceededError || error.cause instanceof LimitExceededError
    if (isOverLimit) this.#server.metrics.packetsOverLimit++
    if (!this.isConnected) {
      this.#refuseByError(error)
      return
    }
    this.session!.clientFailed(this.#answeredIdentifier())
    this.disconnect(reasonCode, endCauseOf(error, isOverLimit), message)
  }

  /** The Packet Identifier of the acknowledgement at hand, however wrong the rest of it is; `undefined` if it is no such packet. */
  #answeredIdentifier(): number | undefined {
    const { bytes, firstByte, bodyStart, end } = this.#decoder
    const type = firstByte >> 4
    const isAnswer = type === PacketType.PUBACK || type === PacketType.PUBREC || type === PacketType.PUBCOMP
    return isAnswer && end - bodyStart >= 2 ? (bytes[bodyStart]! << 8) | bytes[bodyStart + 1]! : undefined
  }

  /** Before CONNACK: a 5.0 peer is told in CONNACK; an older one only sees the close, save for its version. */
  #refuseByError(error: ProtocolError): void {
    const { reasonCode } = error
    const message = this.#state === State.AwaitingConnect ? this.#explained(error.message) : error.message
    const protocolVersion = error instanceof ConnectError ? error.protocolVersion : undefined
    if (this.#state === State.AwaitingConnect && protocolVersion !== undefined) {
      this.#sender.version = protocolVersion
    }
    const isKnown = this.#state !== State.AwaitingConnect || protocolVersion !== undefined
    const tells = isKnown && (this.#sender.version === 5 || reasonCode === ReasonCode.UnsupportedProtocolVersion)
    if (tells) this.refuse(reasonCode, message)
    else this.#close({ cause: 'protocol error', reasonCode, detail: message })
  }

  /** A Client that came to the wrong port speaks another protocol: that says more than which field of CONNECT is wrong. */
  #explained(message: string): string {
    const { bytes, start, end } = this.#decoder
    const protocol = protocolOf(bytes.subarray(start, end))
    if (protocol === 'TLS') return `this looks like TLS; connect without it, or to a listener with ssl: on (${message})`
    if (protocol === 'HTTP') return `this looks like HTTP; connect by MQTT, or to a listener of type ws (${message})`
    return message
  }

  /** Ends a Connection from the Server's side: DISCONNECT with the code where the version has it, then the close. */
  disconnect(reasonCode: ReasonCode, cause: EndCause, detail: string, properties: Properties = noProperties): void {
    if (!allows(this.#state, Event.disconnect)) return
    this.#sender.discardHeld()
    if (this.isConnected && this.#sender.version === 5) {
      const tells = this.#sender.sendsProblemInformation && detail !== '' && properties.reasonString === undefined
      const all = tells ? { ...properties, reasonString: detail } : properties
      this.#sender.immediate({ type: PacketType.DISCONNECT, reasonCode, properties: all })
    }
    this.#close({ cause, reasonCode, detail })
  }

  /** Ends a Connection whatever state it is in: before CONNACK with that code in it. */
  turnAway(reasonCode: ReasonCode, cause: EndCause, detail: string): void {
    if (this.#isLoggingIn) this.refuse(reasonCode, detail)
    else this.disconnect(reasonCode, cause, detail)
  }

  #close(end: ConnectionEnd, atOnce = false): void {
    this.#state = State.Closed
    if (atOnce) this.#sender.discard()
    else {
      this.#sender.discardHeld()
      this.#sender.flush()
      this.#hold('output', this.#transport.unsentBytes)
    }
    this.#discharge()
    this.#server.turn.arm(this, this.#server.turn.now() + CLOSING_MS)
    this.session?.disconnect()
    this.#server.departures.closed(this, end)
    this.#forget()
    if (atOnce) this.#transport.destroy()
    else this.#transport.end()
  }

  /** Ends it to make room before it has logged in: where it has sent CONNECT it reads why, and is not waited for. */
  giveWay(): void {
    const detail = 'too many have not logged in, and its address has most of them'
    if (!allows(this.#state, Event.giveWay)) return
    if (this.#isLoggingIn) this.refuse(ReasonCode.ServerBusy, detail)
    else this.#close({ cause: 'refused', reasonCode: ReasonCode.ServerBusy, detail }, true)
    this.cut()
  }

  /** The last bytes may take seconds to leave: until then nothing is kept of what came in. */
  #forget(): void {
    this.connectPacket = undefined
    this.#requests?.forgetTopics()
  }

  /** Ends the byte stream at once, for a Server that cannot wait any longer. */
  cut(): void {
    this.#transport.destroy()
  }

  lost(error?: Error): void {
    this.#server.turn.work.enter(this.session ?? this)
    this.#server.turn.arm(this, Infinity)
    if (allows(this.#state, Event.lost)) this.#lose(error)
    this.#hold('output', 0)
    this.#server.departures.gone(this)
  }

  #lose(error: Error | undefined): void {
    const isSilent = this.#state === State.AwaitingConnect && this.#incompleteBytes === 0
    this.#state = State.Closed
    this.#sender.discard()
    this.#discharge()
    this.session?.disconnect()
    const detail = error === undefined ? 'closed without DISCONNECT' : error.message
    this.#server.departures.closed(this, {
      cause: 'connection lost',
      reasonCode: ReasonCode.UnspecifiedError,
      detail,
      isSilent,
    })
    this.#forget()
  }
}

function endCauseOf(error: ProtocolError, isOverLimit: boolean): EndCause {
  if (error instanceof MessageNotAcceptedError) return error.endCause
  return isOverLimit ? 'limit exceeded' : 'protocol error'
}
