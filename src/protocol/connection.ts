/**
 * The machine of one Network Connection: bytes in, packets out, and a deadline. It knows no socket, clock or
 * randomness, and asks its `ServerSide` for every decision that it cannot make. The table in `connection-state.ts` says
 * what may happen when; `connection-core.ts` shows the layers below.
 *
 * Packets are processed in order. The machine stops in the middle of a chunk, and the Transport is not read, while an
 * answer is pending, the budget of the turn is spent, its output is congested or a rate is exceeded.
 *
 * Input that has to be held (an incomplete packet, one that waits for an answer, the topics behind its aliases) is
 * charged to it.
 *
 * @module
 */
import { copied, scanned, Work } from '../base/work.ts'
import { connectPacketOf, decodeConnect } from '../codec/decode-connect.ts'
import { decodePacket } from '../codec/decode.ts'
import type { DisconnectPacket, Packet, ReceivedConnect, SubscribePacket, UnsubscribePacket } from '../codec/packets.ts'
import { PacketType, type QoS } from '../codec/packet-types.ts'
import { forbidden, ProtocolError } from '../codec/protocol-error.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { workOfStrings } from '../codec/utf8.ts'
import { LoginConnection } from './connection-login.ts'
import { connectionMemoryLimit } from './connection-memory.ts'
import { Event, isFault, State } from './connection-state.ts'
import type { ClientRecord } from './client-record.ts'
import { NOT_TAKEN, TAKEN } from './requests.ts'
import type { Incoming } from './transport.ts'

/** One read of a socket. A Connection that holds this much of an incomplete packet is in the middle of a large one. */
const BULK_BYTES = 65_536

export class Connection extends LoginConnection implements Incoming {
  #transportStep: (() => number) | undefined = undefined

  arriving(heldBytes: number): void {
    if (this.state === State.Closed) return
    this.arrivingBytes = heldBytes
    this.watchPace(false)
    this.charge()
  }

  atTurn(step: () => number): void {
    this.#transportStep = step
    this.askForTurn()
  }

  receive(chunk: Uint8Array): void {
    if (this.state === State.Closed) return
    this.server.metrics.readsReceived++
    this.server.metrics.bytesReceived += chunk.length
    this.receivedBytes += chunk.length
    if (this.byteRate !== undefined)
      this.throttle(this.byteRate.take(chunk.length, this.server.turn.now()), 'max-byte-rate')
    this.arrivingBytes = 0
    this.decoder.push(chunk)
    this.server.turn.work.enter(this.session ?? this)
    this.server.turn.work.spend(copied(chunk.length))
    // A Connection that waits in the line is not served out of its turn.
    if (!this.wantsTurn) this.work()
    else {
      this.decoder.detach()
      this.charge()
    }
  }

  /**
   * Processes what waits inside, or ends the Connection if it was lost. The Server calls it at this Connection's turn,
   * after `wantsTurn`.
   */
  resume(): boolean {
    this.wantsTurn = false
    if (this.settleLoss()) return true
    if (this.#transportStep !== undefined) this.#workForTransport(this.#transportStep)
    if (this.state !== State.Closed) this.work()
    return true
  }

  /** Also when it has ended: the peer's answer to a close frame may be among what is parsed. */
  #workForTransport(step: () => number): void {
    const { work } = this.server.turn
    this.#transportStep = undefined
    while (!work.isSpent) {
      const units = step()
      if (units === 0) return
      work.spend(units)
    }
    this.atTurn(this.#transportStep ?? step)
  }

  protected work(): void {
    let handled = 0
    try {
      while (this.mayWork() && this.decoder.next()) {
        handled++
        this.handle()
      }
    } catch (error) {
      this.fail(error)
    }
    if (handled > 0) {
      this.server.metrics.packetsReceived += handled
      this.lastReceivedMs = this.server.turn.now()
    }
    if (this.state !== State.Closed) {
      this.decoder.detach()
      this.adjustReading()
      this.watchPace(handled > 0)
      this.charge()
    }
  }

  /** Reports to the Server how much of its input is held. Call it last, because it may end this Connection. */
  protected charge(): void {
    const held = this.decoder.heldBytes + this.arrivingBytes + this.waitingBytes + (this.requests?.aliasBytes ?? 0)
    const change = held - this.heldBytes
    if (change === 0) return
    this.hold('input', held)
    this.server.inputBudget.change(change)
    if (change > 0) this.checkInput(held)
  }

  /** Any further input would only add to it. */
  protected checkInput(held: number): void {
    const limit = connectionMemoryLimit(this.limits)
    if (limit === 0 || held <= limit || this.state === State.Closed) return
    this.server.metrics.packetsOverLimit++
    this.server.memoryRefusals.refused(this.memory!.account, held)
    const detail = `its incomplete and waiting packets take ${held} bytes (max-memory-per-connection ${limit})`
    this.turnAway(ReasonCode.QuotaExceeded, 'limit exceeded', detail)
  }

  protected adjustReading(): void {
    const reads = this.mayWork()
    if (reads === this.isReading) return
    this.isReading = reads
    if (reads) {
      this.lastSignMs = this.server.turn.now()
      // Its bytes are copied into fresh memory, however little is left of the turn by then.
      if (this.decoder.heldBytes >= BULK_BYTES) this.server.turn.work.spend(scanned(BULK_BYTES))
      this.transport.resumeReading()
    } else {
      this.server.metrics.readingPaused++
      this.transport.pauseReading()
    }
  }

  protected handle(): void {
    const decoder = this.decoder
    this.lastSignMs = this.server.turn.now()
    this.server.turn.work.spend(Work.packet + copied(decoder.end - decoder.start))
    this.sender.beginAnswer()
    if (this.state === State.Connected && this.handleInPlace()) return
    if (this.record !== undefined) this.recordHead(this.record)
    this.checkOrder((decoder.firstByte >> 4) as PacketType)
    if (this.state === State.AwaitingConnect) this.connect(this.decodeConnect())
    else this.handleDecoded(this.decode())
  }

  /** Records a packet that has to be decoded. A PUBLISH is recorded once its topic is known. */
  protected recordHead(record: ClientRecord): void {
    const { bytes, firstByte, bodyStart, end, start } = this.decoder
    const type = firstByte >> 4
    if (type === PacketType.PUBLISH) return
    const has = hasPacketIdentifier(type) && end - bodyStart >= 2
    const identifier = has ? (bytes[bodyStart]! << 8) | bytes[bodyStart + 1]! : 0
    const codeAt = has ? bodyStart + 2 : bodyStart
    const hasCode = type !== PacketType.SUBSCRIBE && type !== PacketType.UNSUBSCRIBE && codeAt < end
    record.received(firstByte, identifier, end - start, hasCode ? bytes[codeAt]! : 0, undefined)
  }

  /** @returns whether the packet needed no decoding */
  protected handleInPlace(): boolean {
    const waiting = this.requests!.takeInPlace(this.decoder)
    if (waiting === NOT_TAKEN) return false
    if (waiting !== TAKEN) this.wait(waiting)
    if (this.publishRate !== undefined && this.decoder.firstByte >> 4 === PacketType.PUBLISH)
      this.throttle(this.publishRate.take(1, this.server.turn.now()), 'max-publish-rate')
    return true
  }

  protected handleDecoded(packet: Packet): void {
    if (packet.type === PacketType.DISCONNECT) this.disconnected(packet)
    else if (packet.type === PacketType.AUTH) this.auth(packet)
    else {
      const waiting = this.requests!.take(packet, this.packetBytes)
      if (waiting !== TAKEN) this.wait(waiting)
    }
  }

  /** The current packet waits for an answer, and takes this much memory meanwhile. */
  protected wait(bytes: number): void {
    this.enter(Event.pending)
    this.waitingBytes = bytes
  }

  protected decodeConnect(): ReceivedConnect {
    const { bytes, firstByte, bodyStart, end } = this.decoder
    this.server.turn.work.spend(scanned(end - bodyStart))
    const isWatched = this.server.packets.watches(this)
    const packet = decodeConnect(bytes, bodyStart, end, firstByte, this.limits, isWatched)
    if (isWatched) this.server.packets.received(this, connectPacketOf(packet))
    return packet
  }

  /** User Properties are decoded only for listeners to packets. */
  protected decode(): Packet {
    const { bytes, firstByte, bodyStart, end } = this.decoder
    const { work } = this.server.turn
    const isWatched = this.server.packets.watches(this)
    const { limits } = this
    const isLarge = end - bodyStart > BULK_BYTES
    if (!isLarge) work.spend(scanned(end - bodyStart))
    const packet = decodePacket(bytes, firstByte, bodyStart, end, this.sender.version, 'client', limits, isWatched)
    if (isLarge) work.spend(workOfStrings(end - bodyStart, 2 * limits.maxUserProperties + filtersOf(packet)))
    if (isWatched) this.server.packets.received(this, packet)
    return packet
  }

  /**
   * Checks whether that type may come now. This happens before the packet is decoded, because faults inside it have
   * codes that this answer does not.
   */
  protected checkOrder(type: PacketType): void {
    if (!isFault(this.state, type)) return
    if (this.state === State.AwaitingConnect) throw forbidden(`first packet is type ${type}, not CONNECT`)
    if (type === PacketType.CONNECT) throw forbidden('a second CONNECT') // [5.0 MQTT-3.1.0-2] [3.1.1 MQTT-3.1.0-2]
    if (this.state === State.AwaitingAuth) throw forbidden(`packet type ${type} during authentication`) // [5.0 MQTT-3.1.2-30]
    throw forbidden(`packet type ${type} from a Client`)
  }

  /** Answers a PUBLISH for which a plugin was asked. */
  publishAnswered(reasonCode: number): void {
    if (!this.enter(Event.answered)) return
    this.requests!.publishAnswered(reasonCode)
    this.answered()
  }

  /** The QoS of the PUBLISH exchange for which a plugin's answer is pending; 0 if none is. */
  get pendingPublishQos(): QoS {
    return this.requests?.pendingPublishQos ?? 0
  }

  /** The Packet Identifier of that exchange, at QoS 1 and 2. */
  get pendingPublishIdentifier(): number {
    return this.requests?.pendingPublishIdentifier ?? 0
  }

  /** Resumes with the packets that waited behind the one that was answered. */
  protected answered(): void {
    this.waitingBytes = 0
    this.askForTurn()
  }

  subscribeAnswered(packet: SubscribePacket, reasonCodes: readonly number[]): void {
    if (!this.enter(Event.answered)) return
    this.requests!.suback(packet, reasonCodes)
    this.answered()
  }

  unsubscribeAnswered(packet: UnsubscribePacket, reasonCodes: readonly number[]): void {
    if (!this.enter(Event.answered)) return
    this.requests!.unsuback(packet, reasonCodes)
    this.answered()
  }

  protected disconnected(packet: DisconnectPacket): void {
    const { sessionExpiryInterval } = packet.properties
    if (sessionExpiryInterval !== undefined && this.session !== undefined) {
      if (this.session.sessionExpiryInterval === 0 && sessionExpiryInterval > 0) {
        // U-3.14.2.2.2-2: this is no valid DISCONNECT, so the Will stays armed.
        throw new ProtocolError(
          ReasonCode.ProtocolError,
          'Session Expiry Interval set at DISCONNECT after 0 at CONNECT',
        )
      }
      this.session.sessionExpiryInterval = Math.min(sessionExpiryInterval, this.limits.maxSessionExpiry)
    }
    const reasonCode = packet.reasonCode as ReasonCode
    const detail = packet.properties.reasonString ?? ''
    this.close({ cause: 'disconnected by client', reasonCode, detail })
  }

  /** Sends all output of the turn in one write. */
  flush(): void {
    this.sender.flush()
    this.lastSentMs = this.server.turn.now()
    const { unsentBytes } = this.transport
    if (this.stuckBytes < 0 && unsentBytes > 0) this.watchDrain()
    else if (this.stuckBytes >= 0) this.stuckBytes = unsentBytes
    this.hold('output', unsentBytes)
  }

  drained(): void {
    if (this.transport.unsentBytes > 0) return
    this.server.turn.work.enter(this.session ?? this)
    this.sender.drained()
    this.hold('output', 0)
    this.stuckBytes = -1
    this.drainDeadlineMs = undefined
    this.flows()
  }

  /** Resumes what waited for room. */
  protected flows(): void {
    if (!this.isConnected) return
    this.session!.flow()
    if (!this.isReading) this.askForTurn()
  }

  /** Sends what waited for that commit. @returns whether more output waits for a later one */
  release(committedChange: number): boolean {
    if (this.state === State.Closed) return false
    const wasCongested = this.congested
    const waits = this.sender.release(committedChange, this.requests?.exchanges)
    if (wasCongested) this.flows()
    if (!waits) this.begin()
    // What the Session sends after CONNACK may have to wait, too.
    return this.sender.isHolding
  }
}

/** Of the packets of a Client other than PUBLISH. */
function hasPacketIdentifier(type: number): boolean {
  return type >= PacketType.PUBACK && type <= PacketType.UNSUBSCRIBE
}

function filtersOf(packet: Packet): number {
  if (packet.type === PacketType.SUBSCRIBE) return packet.subscriptions.length
  return packet.type === PacketType.UNSUBSCRIBE ? packet.topicFilters.length : 0
}
