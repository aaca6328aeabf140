/**
 * One Network Connection of a fuzzed world: what it sends goes to the broker and to `Requests`; what the broker says is
 * held against them. Every packet has to be a valid one of a Server in that version, and one that the standard allows
 * just then.
 *
 * @module
 */
import { decodePacket } from '../../src/codec/decode.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { type ConnackPacket, type Packet, type PublishPacket } from '../../src/codec/packets.ts'
import { PacketType, packetTypes } from '../../src/codec/packet-types.ts'
import type { Options } from '../../src/config/options.ts'
import { packetDeadline } from '../../src/protocol/pace.ts'
import type { ConnectionEnd } from '../../src/protocol/server-side.ts'
import type { Incoming, Transport } from '../../src/protocol/transport.ts'
import { isPoisoned } from '../../src/testing/poison.ts'
import { matches } from '../../src/topics/topic-filter.ts'
import { Phase, Requests } from './requests.ts'

/** What a Client asks of the world around it. */
export interface Surroundings {
  readonly options: Options
  now(): number
  fail(problem: string): void
  /** Every Topic Filter that anybody with that Client Identifier asked for. */
  topicFiltersOf(clientId: string): Set<string>
  /** Somebody published that, if only as a Will. */
  published(topicName: string, payload: Uint8Array): void
  wasPublished(topicName: string, payload: Uint8Array): boolean
  /** Packet Identifiers of what a Client's last Connection got and did not acknowledge. */
  leftInFlight(clientId: string): ReadonlySet<number>
  leaveInFlight(clientId: string, packetIdentifiers: ReadonlySet<number>): void
  /** Whether somebody else came with that Client Identifier. */
  hasRival(client: FuzzClient, clientId: string): boolean
}

export class FuzzClient implements Transport {
  readonly name: string
  readonly requests: Requests
  incoming: Incoming | undefined
  /** The Server has ended the stream. */
  isEnded = false
  /** The far end has been told that the stream is gone. */
  isLost = false
  isFrozen = false
  isPaused = false
  wasFrozen = false
  #wasPaused = false
  unsentBytes = 0
  connack: ConnackPacket | undefined
  /** What it owes the Server: acknowledgements, oldest first. */
  readonly unanswered: { readonly type: PacketType; readonly packetIdentifier: number }[] = []
  /** Called with each PUBLISH. */
  onPublish: (packet: PublishPacket) => void = () => {}
  /** Called with each answer to a request of its own. */
  onAnswer: (type: PacketType, packetIdentifier: number) => void = () => {}
  readonly #world: Surroundings
  readonly #decoder = new Decoder()
  readonly #openedAtMs: number
  /** When the last packet came, or the last bytes of one that is not complete. */
  #lastSignAtMs: number
  /** When the packet that is not complete yet began. */
  #begunAtMs: number | undefined
  /** Held as it was handed over, beside what it held then: its memory belongs to whoever takes it. */
  #frozen: { readonly held: Uint8Array; readonly copy: Uint8Array }[] = []
  #inbox: Uint8Array[] = []
  readonly #topicFilters = new Set<string>()
  #saidGoodbye = false
  /** It goes on with a Session that was there, as far as it can know. */
  #mayResume = false
  /** PUBLISH packets of QoS 1 and 2 by identifier, until they are finished. */
  readonly #inFlight = new Map<number, 1 | 2>()
  /** What earlier Connections left: sent again, it has to say so. */
  #leftInFlight = new Set<number>()
  /** Acknowledged before they came: the broker was not reading yet. */
  readonly #early = new Set<number>()
  readonly #aliases = new Map<number, string>()

  constructor(name: string, world: Surroundings) {
    this.name = name
    this.#world = world
    this.#openedAtMs = world.now()
    this.#lastSignAtMs = this.#openedAtMs
    this.requests = new Requests(world.options)
    this.requests.onMessage = (...message) => world.published(...message)
    this.requests.onAcknowledgement = (...acknowledgement) => this.#acknowledged(...acknowledgement)
  }

  /** Connected, for whoever thinks up what it does next. */
  get isIn(): boolean {
    return this.connack !== undefined && !this.isEnded && this.requests.phase === Phase.Connected
  }

  get clientId(): string {
    return this.requests.connect?.clientId || (this.connack?.properties.assignedClientIdentifier ?? '')
  }

  #fail(problem: string): void {
    this.#world.fail(`${this.name}: ${problem}`)
  }

  // ---- what it does ----

  send(bytes: Uint8Array): void {
    if (this.isLost || this.isEnded) return
    if (this.isPaused || this.#inbox.length > 0) this.#inbox.push(bytes)
    else this.#pass(bytes)
  }

  #pass(bytes: Uint8Array): void {
    const before = this.requests.packets
    this.requests.receive(bytes)
    this.#noteSign(this.requests.packets > before)
    this.#noteFilters()
    // What a pump reads into is used again at once.
    const chunk = Uint8Array.from(bytes)
    this.incoming?.receive(chunk)
    chunk.fill(0xee)
  }

  #noteSign(hasPacket: boolean): void {
    const now = this.#world.now()
    const isInPacket = this.requests.bufferedBytes > 0
    if (hasPacket || isInPacket) this.#lastSignAtMs = now
    if (!isInPacket) this.#begunAtMs = undefined
    else if (hasPacket) this.#begunAtMs = now
    else this.#begunAtMs ??= now
  }

  /** When the packet that is not complete is late. */
  get #packetDeadlineMs(): number {
    if (this.#begunAtMs === undefined) return Infinity
    return packetDeadline(this.#begunAtMs, this.requests.bufferedBytes, this.#world.options)
  }

  /** Hands over what came while the Server did not read. @returns whether there was something */
  deliverInbox(): boolean {
    const waiting = this.#inbox
    if (this.isPaused || waiting.length === 0) return false
    this.#inbox = []
    for (const [at, bytes] of waiting.entries()) {
      if (this.isPaused) {
        this.#inbox = waiting.slice(at)
        break
      }
      if (!this.isLost && !this.isEnded) this.#pass(bytes)
    }
    return true
  }

  lose(): void {
    if (this.isLost) return
    this.isLost = true
    this.isEnded = true
    this.incoming?.lost()
  }

  freeze(): void {
    this.isFrozen = true
    this.wasFrozen = true
  }

  thaw(): void {
    this.isFrozen = false
    const frozen = this.#frozen
    this.#frozen = []
    this.unsentBytes = 0
    for (const { held, copy } of frozen) {
      if (!Buffer.from(held).equals(copy)) this.#fail('bytes that wait to be sent have changed')
      this.#read(held)
    }
    if (!this.isLost) this.incoming?.drained()
  }

  // ---- what the Server does (Transport) ----

  write(bytes: Uint8Array): boolean {
    if (this.isEnded) this.#fail('bytes behind the end of the stream')
    if (isPoisoned(bytes)) this.#fail(`of ${bytes.length} bytes some were never written`)
    if (!this.isFrozen) {
      this.#read(bytes)
      return true
    }
    this.#frozen.push({ held: bytes, copy: Uint8Array.from(bytes) })
    this.unsentBytes += bytes.length
    return false
  }

  pauseReading(): void {
    this.isPaused = true
    this.#wasPaused = true
  }

  resumeReading(): void {
    this.isPaused = false
  }

  end(): void {
    this.isEnded = true
  }

  destroy(): void {
    this.isEnded = true
    this.isFrozen = false
  }

  #read(bytes: Uint8Array): void {
    const decoder = this.#decoder
    try {
      decoder.push(bytes)
      while (decoder.next()) this.#packet()
      decoder.detach()
    } catch (error) {
      this.#fail(`an answer that is no packet of a Server: ${String(error)}: ${Buffer.from(bytes).toString('hex')}`)
    }
  }

  #packet(): void {
    const { bytes, firstByte, bodyStart, start, end } = this.#decoder
    const { version, connect } = this.requests
    if (version === undefined) {
      this.#fail('an answer before CONNECT')
      return
    }
    this.#decoder.shortestLengths = version === 5
    const packet = decodePacket(bytes, firstByte, bodyStart, end, version, 'server')
    if (this.#saidGoodbye) this.#fail(`${nameOf(packet)} behind DISCONNECT or a refusal`)
    const maximum = connect?.properties.maximumPacketSize ?? Infinity
    if (end - start > maximum) this.#fail(`${nameOf(packet)} of ${end - start} bytes, the Client takes ${maximum}`)
    if (packet.type === PacketType.CONNACK) this.#connacked(packet)
    else if (packet.type === PacketType.AUTH) this.#owedOne('owedAuths', packet)
    else if (this.connack === undefined) this.#fail(`${nameOf(packet)} before CONNACK`)
    else this.#afterConnack(packet)
  }

  #afterConnack(packet: Packet): void {
    switch (packet.type) {
      case PacketType.PUBLISH:
        this.#published(packet)
        return
      case PacketType.PINGRESP:
        this.#owedOne('owedPings', packet)
        return
      case PacketType.PUBREL:
        this.#released(packet.packetIdentifier)
        return
      case PacketType.DISCONNECT:
        this.#saidGoodbye = true
        return
      case PacketType.PUBACK:
      case PacketType.PUBREC:
      case PacketType.PUBCOMP:
        this.#owedNext(packet.type, packet.packetIdentifier, 0)
        this.onAnswer(packet.type, packet.packetIdentifier)
        if (packet.type === PacketType.PUBREC && packet.reasonCode < 0x80) {
          this.#owesAnswer(PacketType.PUBREL, packet.packetIdentifier)
        }
        return
      case PacketType.SUBACK:
      case PacketType.UNSUBACK:
        this.#owedNext(packet.type, packet.packetIdentifier, packet.reasonCodes.length)
        this.onAnswer(packet.type, packet.packetIdentifier)
        return
      default:
        this.#fail(`${nameOf(packet)} from a Server`)
    }
  }

  #owedOne(count: 'owedPings' | 'owedAuths', packet: Packet): void {
    if (this.requests[count]-- <= 0) this.#fail(`${nameOf(packet)} that nobody asked for`)
  }

  #owedNext(type: PacketType, packetIdentifier: number, count: number): void {
    const next = this.requests.owed.shift()
    if (next?.type === type && next.packetIdentifier === packetIdentifier && next.count === count) return
    const expected = next === undefined ? 'nothing' : describe(next.type, next.packetIdentifier, next.count)
    this.#fail(`${describe(type, packetIdentifier, count)} where ${expected} is owed`)
  }

  #connacked(packet: ConnackPacket): void {
    if (this.connack !== undefined) this.#fail('a second CONNACK')
    this.connack = packet
    const { connect, breach } = this.requests
    if (packet.reasonCode !== 0) {
      this.#saidGoodbye = true
      return
    }
    if (connect === undefined) {
      this.#fail(`CONNACK 0x00 to a CONNECT that is wrong: ${breach?.what}`)
      return
    }
    const { sessionPresent } = packet
    if (sessionPresent && connect.cleanStart) this.#fail('Session Present 1 after Clean Start 1')
    const isAssigned = packet.properties.assignedClientIdentifier !== undefined
    if (isAssigned !== (connect.clientId === '' && connect.protocolVersion === 5)) {
      this.#fail(`Assigned Client Identifier is ${packet.properties.assignedClientIdentifier}`)
    }
    // 3.1 has no Session Present.
    this.#mayResume = sessionPresent || (connect.protocolVersion === 3 && !connect.cleanStart)
    this.#leftInFlight = new Set(sessionPresent ? this.#world.leftInFlight(this.clientId) : [])
  }

  // ---- what the Server sends on its own ----

  #published(packet: PublishPacket): void {
    const topicName = this.#topicOf(packet)
    if (!this.#isSubscribed(topicName)) this.#fail(`PUBLISH to ${topicName}, which it has not subscribed to`)
    if (!this.#world.wasPublished(topicName, packet.payload)) {
      this.#fail(`PUBLISH to ${topicName} of what nobody published: ${Buffer.from(packet.payload).toString('hex')}`)
    }
    if (packet.qos > 0) this.#opened(packet, packet.qos as 1 | 2)
    if (packet.properties.subscriptionIdentifiers !== undefined && this.requests.version !== 5) {
      this.#fail('Subscription Identifier before 5.0')
    }
    this.onPublish(packet)
  }

  #topicOf({ topicName, properties }: PublishPacket): string {
    const { topicAlias } = properties
    if (topicAlias === undefined) return topicName
    const maximum = this.requests.connect?.properties.topicAliasMaximum ?? 0
    if (topicAlias > maximum) this.#fail(`Topic Alias ${topicAlias} exceeds the Client's maximum of ${maximum}`)
    if (topicName !== '') this.#aliases.set(topicAlias, topicName)
    const known = this.#aliases.get(topicAlias)
    if (known === undefined) this.#fail(`Topic Alias ${topicAlias} was never announced`)
    return known ?? ''
  }

  /** What it asked for counts for itself, and for whoever resumes its Session. */
  #noteFilters(): void {
    const { topicFilters, connect } = this.requests
    for (const topicFilter of topicFilters.splice(0)) {
      this.#topicFilters.add(topicFilter)
      if (connect!.clientId !== '') this.#world.topicFiltersOf(connect!.clientId).add(topicFilter)
    }
  }

  #isSubscribed(topicName: string): boolean {
    const earlier = this.#mayResume ? this.#world.topicFiltersOf(this.clientId) : []
    return [...this.#topicFilters, ...earlier].some((topicFilter) => matches(topicFilter, topicName))
  }

  #opened({ packetIdentifier, dup }: PublishPacket, qos: 1 | 2): void {
    if (!dup && this.#leftInFlight.has(packetIdentifier)) this.#fail(`DUP 0 though ${packetIdentifier} is sent again`)
    this.#leftInFlight.delete(packetIdentifier)
    if (dup && !this.#mayResume) this.#fail(`DUP 1 at the first sending of ${packetIdentifier}`)
    if (this.#inFlight.has(packetIdentifier)) this.#fail(`Packet Identifier ${packetIdentifier} is in use`)
    this.#owesAnswer(qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, packetIdentifier)
    if (this.#early.delete(packetIdentifier)) return
    this.#inFlight.set(packetIdentifier, qos)
    const maximum = this.requests.connect?.properties.receiveMaximum ?? 65_535
    if (this.requests.version === 5 && this.#inFlight.size > maximum) {
      this.#fail(`${this.#inFlight.size} in flight, the Client's Receive Maximum is ${maximum}`)
    }
  }

  /** PUBREL: the answer to a PUBREC, or sent again after a resumption. */
  #released(packetIdentifier: number): void {
    const next = this.requests.owed[0]
    if (next?.type === PacketType.PUBREL && next.packetIdentifier === packetIdentifier) this.requests.owed.shift()
    else if (!this.#mayResume) this.#fail(`PUBREL ${packetIdentifier} that nobody asked for`)
    this.#owesAnswer(PacketType.PUBCOMP, packetIdentifier)
  }

  #owesAnswer(type: PacketType, packetIdentifier: number): void {
    if (this.unanswered.length < MAX_UNANSWERED) this.unanswered.push({ type, packetIdentifier })
  }

  #acknowledged(type: PacketType, packetIdentifier: number, reasonCode: number): void {
    this.#leftInFlight.delete(packetIdentifier)
    const qos = this.#inFlight.get(packetIdentifier)
    if (qos === undefined) this.#early.add(packetIdentifier)
    const ends = qos === 1 ? type === PacketType.PUBACK : type !== PacketType.PUBREC || reasonCode >= 0x80
    if (ends) this.#inFlight.delete(packetIdentifier)
  }

  // ---- the end ----

  /** The broker says how the Connection ended: there has to be a reason for it. */
  ended({ cause, reasonCode, detail }: ConnectionEnd): void {
    const { breach, saidDisconnect, connect } = this.requests
    if (this.connack?.reasonCode === 0) this.#leave()
    else if (this.connack === undefined && connect !== undefined) this.#world.leaveInFlight(connect.clientId, new Set())
    const silentMs = this.#world.now() - this.#lastSignAtMs
    const isExplained = {
      'protocol error': this.#isBreach(reasonCode),
      'packet timeout': this.#world.now() >= this.#packetDeadlineMs,
      // The limits of a world are wider than what its Clients say.
      'limit exceeded': false,
      'not stored': false,
      refused: this.connack?.reasonCode !== 0 && (connect !== undefined || this.#isBreach(reasonCode)),
      'disconnected by client': saidDisconnect,
      'connection lost': this.isLost,
      'session taken over': this.#world.hasRival(this, this.clientId),
      'keep alive timeout': connect !== undefined && connect.keepAlive > 0 && silentMs >= connect.keepAlive * 1500,
      'connect timeout': this.connack?.reasonCode !== 0 && this.#world.now() - this.#openedAtMs >= 10_000,
      'slow receiver': this.wasFrozen,
      'authentication failed':
        this.requests.phase === Phase.Over && connect?.properties.authenticationMethod !== undefined,
      'login expired': false,
      'login revoked': false,
      'disconnected by server': false,
      'server shutting down': false,
      'internal error': false,
    }[cause]
    if (isExplained) return
    const known = breach === undefined ? 'it broke no rule' : `it broke: ${breach.what} (${breach.reasonCode})`
    this.#fail(`ended by ${cause} 0x${reasonCode.toString(16)} (${detail}), though ${known}`)
  }

  #leave(): void {
    this.#world.leaveInFlight(this.clientId, new Set([...this.#leftInFlight, ...this.#inFlight.keys()]))
  }

  #isBreach(reasonCode: number): boolean {
    const { breach, mayBreak } = this.requests
    if (breach === undefined) return mayBreak
    return mayBreak || breach.reasonCode === undefined || breach.reasonCode === reasonCode
  }

  /**
   * Time has passed: who was silent for too long is gone, unless there was a while in which the Server did not read.
   */
  checkKeepAlive(): void {
    if (this.isEnded || this.#wasPaused || this.connack === undefined) return
    const keepAlive = this.connack.properties.serverKeepAlive ?? this.requests.connect!.keepAlive
    const silentMs = this.#world.now() - this.#lastSignAtMs
    if (keepAlive > 0 && silentMs > keepAlive * 1500 + LATENESS_MS) {
      this.#fail(`still open after a silence of ${silentMs} ms, its Keep Alive is ${keepAlive} s`)
    }
  }

  /**
   * Time has passed: who lets a packet come in too slowly is gone, unless there was a while in which the Server did not
   * read.
   */
  checkPace(): void {
    if (this.isEnded || this.#wasPaused || this.connack === undefined) return
    if (this.#world.now() > this.#packetDeadlineMs + LATENESS_MS) {
      this.#fail(
        `still open though its packet began at ${this.#begunAtMs} ms and has ${this.requests.bufferedBytes} bytes`,
      )
    }
  }

  /** Everything that could happen has happened: nothing may be owed any more, and who broke a rule is gone. */
  checkSettled(): void {
    if (this.isEnded || this.isFrozen) return
    const { breach, mayBreak, saidDisconnect, owed, owedPings } = this.requests
    // While a login waits, as behind wrong ones from its address, nothing that follows it is read.
    const isLoginPending = this.requests.connect !== undefined && this.connack === undefined
    if (breach !== undefined && !isLoginPending) this.#fail(`still open, though it broke: ${breach.what}`)
    if (saidDisconnect) this.#fail('still open after DISCONNECT')
    if (this.connack === undefined || mayBreak) return
    if (owedPings > 0) this.#fail(`${owedPings} PINGRESP are missing`)
    const [next] = owed
    // An answer that exceeds the Client's Maximum Packet Size is not sent.
    if (next === undefined || this.requests.connect?.properties.maximumPacketSize !== undefined) return
    this.#fail(`${describe(next.type, next.packetIdentifier, next.count)} is missing`)
  }
}

/** By which a deadline may be missed. */
const LATENESS_MS = 1000
/** Whoever thinks up answers needs no more to choose from. */
const MAX_UNANSWERED = 64

function nameOf({ type }: Packet): string {
  return packetTypes[type - 1]!.name
}

function describe(type: PacketType, packetIdentifier: number, count: number): string {
  return `${packetTypes[type - 1]!.name} ${packetIdentifier}${count > 0 ? ` with ${count} codes` : ''}`
}
