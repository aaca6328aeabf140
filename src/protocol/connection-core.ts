/**
 * What a Connection is made of: the lowest of its layers. Each layer is a noun of its own and knows only those below
 * it.
 *
 *   connection.ts              bytes in, packets handled, output
 *   connection-login.ts        from CONNECT to CONNACK, and AUTH
 *   connection-deadlines.ts    Keep Alive, the pace of a packet, rates, a network that takes nothing
 *   connection-output.ts       what its Session sends
 *   connection-ending.ts       how it ends, and what the peer reads of it
 *   connection-core.ts         fields, state, memory
 *
 * They form one object, because each packet passes through most of them.
 *
 * @module
 */
import type { Expiring } from '../base/timer-wheel.ts'
import { Decoder } from '../codec/decoder.ts'
import type { ReceivedConnect, SubscribePacket, UnsubscribePacket } from '../codec/packets.ts'
import type { ProtocolVersion } from '../codec/packet-types.ts'
import type { Properties } from '../codec/properties.ts'
import type { ReasonCode } from '../codec/reason-code.ts'
import type { Client } from './client.ts'
import type { ClientRecord } from './client-record.ts'
import type { ConnectionLimits } from './connection-limits.ts'
import { ConnectionMemory, connectionMemoryLimit, type HeldKind } from './connection-memory.ts'
import { after, allows, Event, isBehindConnack, State, takesPackets } from './connection-state.ts'
import type { RateLimit } from './rate-limit.ts'
import type { Requests } from './requests.ts'
import { Sender } from './sender.ts'
import type { Acceptance, ServedConnection } from './served-connection.ts'
import type { ServerSide } from './server-side.ts'
import type { Session } from './session.ts'
import type { Peer, Transport } from './transport.ts'

export abstract class ConnectionCore implements ServedConnection, Expiring {
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
  /** Set by the Server before `accept`. */
  record: ClientRecord | undefined = undefined
  /** The Server's own notes on this Connection. */
  notes: unknown = undefined
  readonly connectedAtMs: number
  protected readonly server: ServerSide
  protected readonly transport: Transport
  protected readonly decoder: Decoder
  protected readonly sender: Sender
  /** From CONNACK on. */
  protected requests: Requests | undefined = undefined
  /** Where it is in the table of `connection-state.ts`. */
  state: State = State.AwaitingConnect
  protected isReading = true
  protected wantsTurn = false
  protected keepAliveMs = 0
  /** When the last packet came, or the last bytes of an incomplete one. */
  protected lastSignMs: number
  /** When the last complete packet came, and when output was last handed to the Transport; -1 before the first. */
  protected lastReceivedMs = -1
  protected lastSentMs = -1
  /** All bytes ever received. */
  receivedBytes = 0
  /** When the incomplete packet began to arrive; `undefined` if there is none, or while nothing is read. */
  protected begunAtMs: number | undefined = undefined
  /** Size of what waits for an answer: the CONNECT that opened it, or the current packet. */
  protected waitingBytes = 0
  /** Bytes that the Transport cannot pass on yet. */
  protected arrivingBytes = 0
  /** Set if its byte stream is gone and its end waits for a later turn. */
  protected loss: { readonly error: Error | undefined } | undefined = undefined
  /** Present while it makes the broker hold anything. */
  protected memory: ConnectionMemory | undefined = undefined
  /**
   * Deadlines that few Connections have. `undefined` is free, whereas `Infinity` is a number that each would keep in
   * memory of its own.
   */
  protected loginExpiresAtMs: number | undefined = undefined
  /** Between CONNECT and CONNACK. */
  protected loginDeadlineMs: number | undefined = undefined
  protected receiveMaximum = 65_535
  /** Bytes that the peer had not taken at the last look; -1 while nothing is stuck. */
  protected stuckBytes = -1
  /** Of all bytes ever written, how many the network had taken when the drain watch began. */
  protected takenBytes = 0
  protected drainDeadlineMs: number | undefined = undefined
  protected resumeAtMs = 0
  /** It is not read for the benefit of others: it gives way. */
  protected givesWay = false
  protected publishRate: RateLimit | undefined = undefined
  protected byteRate: RateLimit | undefined = undefined

  /**
   * @param arrivedAtMs when its byte stream was accepted, if something came before MQTT: `connectTimeout` counts from
   *   then
   */
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
    this.server = server
    this.transport = transport
    this.decoder = new Decoder(limits.maxConnectPacketSize)
    this.sender = new Sender(server, this, transport)
    this.lastSignMs = arrivedAtMs
    server.turn.arm(this, arrivedAtMs + limits.connectTimeout * 1000)
  }

  get isConnected(): boolean {
    return isBehindConnack(this.state)
  }

  /** Between CONNECT and CONNACK 0x00. */
  protected get isLoggingIn(): boolean {
    return this.state !== State.AwaitingConnect && allows(this.state, Event.refuse)
  }

  get isClosed(): boolean {
    return this.state === State.Closed
  }

  get protocolVersion(): ProtocolVersion {
    return this.sender.version
  }

  /**
   * True while more than `maxOutgoingBytes` of output waits, or any output at all (in the network or for a commit) if
   * this Connection, its user or the broker has no memory left.
   */
  get congested(): boolean {
    return (this.stuckBytes > 0 || this.sender.isHolding) && this.isPiledUp()
  }

  protected isPiledUp(): boolean {
    return this.stuckBytes >= this.limits.maxOutgoingBytes || this.memory?.isFull === true
  }

  get takesMore(): boolean {
    return !this.congested && this.transport.unsentBytes * 2 < this.limits.maxOutgoingBytes
  }

  /** The Change that its output waits for; 0 if none does. */
  get heldUntilChange(): number {
    return this.sender.heldUntilChange
  }

  /** Bytes of its input that the broker holds, as the input budget counts them. */
  get heldBytes(): number {
    return this.memory?.bytes('input') ?? 0
  }

  /** Bytes passed to the Transport that the network has not taken. */
  get unsentBytes(): number {
    return this.transport.unsentBytes
  }

  /** All bytes ever passed to the Transport. */
  get sentBytes(): number {
    return this.sender.writtenBytes
  }

  /** The Keep Alive in force, in seconds; 0 for none. */
  get keepAlive(): number {
    return this.keepAliveMs / 1000
  }

  /** Whether its input is read at present; `mayWork` says what stops that. */
  get isRead(): boolean {
    return this.isReading
  }

  /**
   * Bytes that it is charged with: unfinished input, output that has not been taken, packets that wait for the Store.
   */
  get memoryBytes(): number {
    return this.memory?.account.bytes ?? 0
  }

  /** When the last packet was received and sent, in monotonic milliseconds; -1 if none was. */
  get lastPacketMs(): { readonly received: number; readonly sent: number } {
    return { received: this.lastReceivedMs, sent: this.lastSentMs }
  }

  /** PUBLISH packets received and sent. */
  get messageCounts(): { readonly received: number; readonly sent: number } {
    return { received: this.requests?.publishCount ?? 0, sent: this.sender.messages.count }
  }

  /** Bytes received of an incomplete packet. */
  protected get incompleteBytes(): number {
    return this.decoder.bufferedBytes + this.arrivingBytes
  }

  /** Sets how many bytes of that kind are held now. */
  protected hold(kind: HeldKind, bytes: number): void {
    if (this.memory === undefined && bytes === 0) return
    const memory = (this.memory ??= this.noMemory())
    memory.set(kind, bytes)
    if (memory.isEmpty) this.memory = undefined
  }

  protected noMemory(): ConnectionMemory {
    const { clientId, address } = this.client
    const payer = this.session?.memory.parent ?? this.server.memory.of(this.client)
    return new ConnectionMemory(clientId === '' ? address : clientId, connectionMemoryLimit(this.limits), payer)
  }

  /** Changes how many bytes the Sender keeps that are not passed to the Transport. */
  keeps(change: number): void {
    this.hold('kept', (this.memory?.bytes('kept') ?? 0) + change)
  }

  /** Nothing is held any more, except for output that is on its way. */
  protected discharge(): void {
    this.decoder.release()
    const { heldBytes } = this
    this.hold('input', 0)
    this.hold('kept', 0)
    if (heldBytes !== 0) this.server.inputBudget.change(-heldBytes)
  }

  /** Bytes of the current packet. */
  protected get packetBytes(): number {
    return this.decoder.end - this.decoder.start
  }

  /** Does what the table says. @returns whether the event does anything in this state */
  protected enter(event: Event): boolean {
    if (!allows(this.state, event)) return false
    this.state = after(this.state, event)
    return true
  }

  protected askForTurn(): void {
    if (this.wantsTurn) return
    this.wantsTurn = true
    this.server.turn.wantsTurn(this)
  }

  protected mayWork(): boolean {
    if (!takesPackets(this.state) || this.congested) return false
    if (this.resumeAtMs !== 0 && this.resumeAtMs > this.server.turn.now()) return false
    if (!this.server.turn.work.isSpent) return true
    this.askForTurn()
    return false
  }

  // What the layers above add, as its parts and the Server see it.

  abstract settleLoss(): boolean
  abstract accept(acceptance: Acceptance): void
  abstract challenge(authenticationData: Uint8Array | undefined): void
  abstract reAuthenticated(authenticationData: Uint8Array | undefined, loginExpiresAtMs: number | undefined): void
  abstract refuse(reasonCode: ReasonCode, detail: string, properties?: Properties): void
  abstract publishAnswered(reasonCode: number): void
  abstract subscribeAnswered(packet: SubscribePacket, reasonCodes: readonly number[]): void
  abstract unsubscribeAnswered(packet: UnsubscribePacket, reasonCodes: readonly number[]): void
  abstract expire(nowMs: number): void
}
