/**
 * A simulated Client that behaves by the standard: it keeps its Session State, resends what it owes in its order,
 * acknowledges in the order of receipt, keeps quotas, pings, and comes back.
 *
 * @module
 */
import { decodePacket } from '../../src/codec/decode.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { type AcknowledgementPacket, type Packet, type PublishPacket } from '../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion, type QoS } from '../../src/codec/packet-types.ts'
import { noProperties, type Properties } from '../../src/codec/properties.ts'
import { SeededRandom } from '../../src/testing/random.ts'
import type { Link, LinkClient } from '../../src/testing/link.ts'
import { WILL_MARK } from './oracles.ts'
import { passwordOf, randomFilter, randomTopic, USERS } from './rules.ts'
import type { Wire } from './wire.ts'

/** How long a Client waits for CONNACK and PINGRESP. */
const PATIENCE_MS = 8000
const NEVER = 0xffff_ffff
/** Packet Identifiers are taken from a small range, so that they come again. */
const IDENTIFIERS = 40

/** What a Client needs of its world. */
export interface ClientSide {
  /** Messages of QoS 1 and 2 that it may have open towards the broker. */
  readonly receiveMaximum: number
  readonly topicAliasMaximum: number
  now(): number
  after(milliseconds: number, run: () => void): void
  open(client: LinkClient, name: string): Wire
  applied(wire: Wire, topicName: string, payload: Uint8Array): void
  note(who: string, ...words: (string | number)[]): void
}

/** A PUBLISH of QoS 1 or 2 that is not finished. */
interface Outgoing {
  readonly packet: PublishPacket
  isReleased: boolean
}

export class SimulatedClient {
  readonly clientId: string
  readonly version: ProtocolVersion
  readonly userName: string
  wire: Wire | undefined
  isConnected = false
  hasBeenConnected = false
  /** The broker has no room for its Session, as far as it knows. */
  isRefused = false
  /** It will not come back by itself. */
  isResting = false
  readonly #side: ClientSide
  readonly #random: SeededRandom
  readonly #keepAlive: number
  readonly #cleanStartChance: number
  readonly #sessionExpiry: number
  readonly #receiveMaximum: number
  readonly #maximumPacketSize: number
  readonly #aliasMaximum: number
  readonly #ackDelayMs: number
  readonly #pauseMs: number
  readonly #isCollector: boolean
  readonly #outgoing = new Map<number, Outgoing>()
  readonly #received = new Set<number>()
  readonly #asked = new Set<number>()
  readonly #filters = new Set<string>()
  readonly #aliasesUp = new Map<string, number>()
  readonly #aliasesDown = new Map<number, string>()
  #decoder = new Decoder()
  #connects = 0
  #messages = 0
  #lastIdentifier = 0
  #awaitsPing = false
  #isQuiet = false

  /** @param isCollector whether it keeps its Session, reads slowly, and does only what it is asked to (`collect`) */
  constructor(index: number, seed: number, side: ClientSide, isCollector = false) {
    const random = new SeededRandom(seed)
    this.#isCollector = isCollector
    this.clientId = `c${index}`
    this.#side = side
    this.#random = random
    this.version = random.pick([3, 4, 4, 4, 5, 5, 5, 5, 5, 5])
    if (isCollector && this.version === 3) this.version = 4
    this.userName = random.pick(USERS)
    this.#keepAlive = random.pick([0, 5, 20, 60])
    this.#cleanStartChance = random.pick([0, 0, 0.1, 1]) * (isCollector ? 0 : 1)
    this.#sessionExpiry = Math.max(random.pick([0, 5, 30, 120, 600, NEVER]), isCollector ? 600 : 0)
    this.#receiveMaximum = random.pick([1, 2, 5, 65_535])
    this.#maximumPacketSize = random.pick([0, 0, 0, 300])
    this.#aliasMaximum = random.pick([0, 2, 10])
    this.#ackDelayMs = random.pick(isCollector ? [50, 500] : [0, 0, 0, 50, 2000])
    this.#pauseMs = random.pick([6000, 25_000, 60_000])
  }

  // ---- the Connection ----

  connect(cleanStart = this.#random.chance(this.#cleanStartChance)): void {
    this.isResting = false
    this.#decoder = new Decoder()
    this.isConnected = false
    let wire: Wire | undefined = undefined
    const isMine = (): boolean => this.wire === wire
    wire = this.#side.open(
      {
        received: (bytes) => void (isMine() && this.#read(bytes)),
        closed: () => void (isMine() && this.#lost()),
      },
      this.clientId,
    )
    this.#leaveWire()
    this.wire = wire
    this.#connects++
    this.#send(this.#connectPacket(cleanStart))
    this.#side.after(PATIENCE_MS, () => void (isMine() && !this.isConnected && this.abandon()))
  }

  #connectPacket(cleanStart: boolean): Packet {
    const random = this.#random
    const is5 = this.version === 5
    const properties: Properties = is5
      ? {
          sessionExpiryInterval: this.#sessionExpiry,
          ...(this.#receiveMaximum < 65_535 && { receiveMaximum: this.#receiveMaximum }),
          ...(this.#maximumPacketSize > 0 && { maximumPacketSize: this.#maximumPacketSize }),
          ...(this.#aliasMaximum > 0 && { topicAliasMaximum: this.#aliasMaximum }),
          ...(random.chance(0.2) && { requestProblemInformation: 0 }),
        }
      : noProperties
    const will = random.chance(0.4)
      ? {
          topicName: `t/${random.integer(6)}/x`,
          payload: Buffer.from(`${WILL_MARK}${this.clientId} ${this.#connects}`),
          qos: random.integer(3) as QoS,
          retain: random.chance(0.2),
          properties: is5 ? { willDelayInterval: random.pick([0, 0, 1, 10, 60]) } : noProperties,
        }
      : undefined
    return {
      type: PacketType.CONNECT,
      protocolVersion: this.version,
      cleanStart,
      keepAlive: this.#keepAlive,
      clientId: this.clientId,
      will,
      userName: this.userName,
      password: Buffer.from(passwordOf(this.userName)),
      properties,
    }
  }

  #send(packet: Packet): void {
    this.wire!.link.send(encodePacket(packet, this.version))
  }

  /** The Client gives this Connection up, and tells nobody. */
  abandon(): void {
    this.#side.note(this.clientId, 'gives up')
    const link = this.wire?.link
    this.#lost()
    link?.reset()
  }

  /** Whatever the broker writes there from now on is read by nobody, and the broker may never know. */
  #leaveWire(): void {
    if (this.wire !== undefined) this.wire.facts.isAbandoned = true
    this.wire = undefined
  }

  #lost(): void {
    this.#leaveWire()
    this.isConnected = false
    const random = this.#random
    const awayMs = random.chance(0.25) ? random.between(10_000, 150_000) : random.between(100, 5000)
    this.#comeBack(awayMs)
  }

  #comeBack(awayMs: number): void {
    if (this.#isQuiet) return
    this.isResting = true
    const connects = this.#connects
    this.#side.after(awayMs, () => void (this.isResting && this.#connects === connects && this.connect()))
  }

  // ---- what the broker says ----

  #read(bytes: Uint8Array): void {
    const { wire } = this
    this.#decoder.push(bytes)
    while (this.wire === wire && this.#decoder.next()) {
      const { bytes: all, firstByte, bodyStart, end } = this.#decoder
      this.#handle(decodePacket(all, firstByte, bodyStart, end, this.version, 'server'))
    }
    this.#decoder.detach()
  }

  #handle(packet: Packet): void {
    switch (packet.type) {
      case PacketType.CONNACK:
        this.isRefused = packet.reasonCode === (this.version === 5 ? 0x97 : 3)
        if (packet.reasonCode === 0) this.#accepted(packet.sessionPresent)
        else this.abandon()
        return
      case PacketType.PUBLISH:
        this.#published(packet)
        return
      case PacketType.PUBREL:
        this.#received.delete(packet.packetIdentifier)
        this.#answer(PacketType.PUBCOMP, packet.packetIdentifier)
        return
      case PacketType.PUBACK:
      case PacketType.PUBCOMP:
        this.#outgoing.delete(packet.packetIdentifier)
        return
      case PacketType.PUBREC:
        this.#pubrec(packet)
        return
      case PacketType.SUBACK:
      case PacketType.UNSUBACK:
        this.#asked.delete(packet.packetIdentifier)
        return
      case PacketType.PINGRESP:
        this.#awaitsPing = false
        return
      case PacketType.DISCONNECT:
        this.#side.note(this.clientId, 'is told to go', packet.reasonCode)
        this.wire!.link.hangUp()
        this.#lost()
        return
      default:
    }
  }

  #accepted(sessionPresent: boolean): void {
    this.isConnected = true
    this.hasBeenConnected = true
    this.#asked.clear()
    this.#aliasesUp.clear()
    this.#aliasesDown.clear()
    this.#awaitsPing = false
    // 3.1 has no Session Present: its Clients know it by other means, or nothing could be said of QoS 2.
    const keeps = this.version === 3 ? this.wire!.facts.sessionPresent : sessionPresent
    if (!keeps) {
      this.#outgoing.clear()
      this.#filters.clear()
      this.#received.clear()
    }
    for (const [packetIdentifier, { packet, isReleased }] of this.#outgoing) {
      if (isReleased) this.#acknowledge(PacketType.PUBREL, packetIdentifier)
      else this.#send({ ...packet, dup: true })
    }
    if (this.#keepAlive > 0) this.#pingLater(this.wire!)
    if (!this.#isQuiet && !this.#isCollector) this.#actLater(this.wire!)
  }

  #published(packet: PublishPacket): void {
    const { qos, packetIdentifier, properties } = packet
    let { topicName } = packet
    if (properties.topicAlias !== undefined) {
      if (topicName === '') topicName = this.#aliasesDown.get(properties.topicAlias) ?? ''
      else this.#aliasesDown.set(properties.topicAlias, topicName)
    }
    if (qos === 0) return
    const refuses = this.version === 5 && !this.#isQuiet && this.#random.chance(0.01)
    if (qos === 1) {
      this.#answer(PacketType.PUBACK, packetIdentifier, refuses ? 0x83 : 0)
      return
    }
    if (!this.#received.has(packetIdentifier)) {
      if (refuses) {
        this.#answer(PacketType.PUBREC, packetIdentifier, 0x83)
        return
      }
      this.#side.applied(this.wire!, topicName, packet.payload)
      this.#received.add(packetIdentifier)
    }
    this.#answer(PacketType.PUBREC, packetIdentifier)
  }

  /** Answers in the order of receipt, some Clients a while later. */
  #answer(type: AcknowledgementPacket['type'], packetIdentifier: number, reasonCode = 0): void {
    if (this.#ackDelayMs === 0 || this.#isQuiet) {
      this.#acknowledge(type, packetIdentifier, reasonCode)
      return
    }
    const { wire } = this
    this.#side.after(this.#ackDelayMs, () => {
      if (this.wire === wire) this.#acknowledge(type, packetIdentifier, reasonCode)
    })
  }

  #acknowledge(type: AcknowledgementPacket['type'], packetIdentifier: number, reasonCode = 0): void {
    this.#send({ type, packetIdentifier, reasonCode, properties: noProperties })
  }

  #pubrec({ packetIdentifier, reasonCode }: AcknowledgementPacket): void {
    const outgoing = this.#outgoing.get(packetIdentifier)
    if (outgoing === undefined) {
      this.#acknowledge(PacketType.PUBREL, packetIdentifier, this.version === 5 ? 0x92 : 0)
      return
    }
    if (reasonCode >= 0x80) {
      this.#outgoing.delete(packetIdentifier)
      return
    }
    outgoing.isReleased = true
    this.#acknowledge(PacketType.PUBREL, packetIdentifier)
  }

  // ---- what it does of itself ----

  #pingLater(wire: Wire): void {
    this.#side.after(this.#keepAlive * 700, () => {
      if (this.wire !== wire || !this.isConnected) return
      if (this.#awaitsPing) {
        this.abandon()
        return
      }
      this.#awaitsPing = true
      this.#send({ type: PacketType.PINGREQ })
      this.#pingLater(wire)
    })
  }

  #actLater(wire: Wire): void {
    this.#side.after(this.#random.between(1, 2 * this.#pauseMs), () => {
      if (this.wire !== wire || !this.isConnected || this.#isQuiet) return
      this.#act()
      if (this.wire === wire) this.#actLater(wire)
    })
  }

  #act(): void {
    const kind = this.#random.integer(40)
    if (kind < 25) for (let left = this.#random.pick([1, 1, 1, 2, 6]); left > 0; left--) this.#publish()
    else if (this.#filters.size < 2 || (kind < 32 && this.#filters.size < 6)) this.#subscribe()
    else if (kind < 37) this.#unsubscribe()
    else if (kind < 39) this.#disconnect()
  }

  #nextIdentifier(): number {
    do this.#lastIdentifier = (this.#lastIdentifier % IDENTIFIERS) + 1
    while (this.#outgoing.has(this.#lastIdentifier) || this.#asked.has(this.#lastIdentifier))
    return this.#lastIdentifier
  }

  #publish(): void {
    const random = this.#random
    const isFull = this.#outgoing.size >= Math.min(this.#side.receiveMaximum, IDENTIFIERS / 2)
    const qos = (isFull ? 0 : random.integer(3)) as QoS
    const retain = random.chance(0.15)
    const clears = retain && qos === 0 && random.chance(0.2)
    const topicName = randomTopic(random, this.userName)
    const packet: PublishPacket = {
      type: PacketType.PUBLISH,
      dup: false,
      qos,
      retain,
      topicName,
      packetIdentifier: qos === 0 ? 0 : this.#nextIdentifier(),
      properties: this.version === 5 && !clears ? this.#properties() : noProperties,
      payload: Buffer.from(clears ? '' : this.#payload()),
    }
    if (qos > 0) this.#outgoing.set(packet.packetIdentifier, { packet, isReleased: false })
    this.#send(this.#withAlias(packet))
  }

  #payload(): string {
    const size = this.#random.pick([0, 0, 0, 0, 100, 700, 20_000])
    return `${this.clientId} ${++this.#messages} ${'x'.repeat(size)}`
  }

  #properties(): Properties {
    const random = this.#random
    return {
      ...(random.chance(0.15) && { messageExpiryInterval: random.pick([0, 1, 5, 30]) }),
      ...(random.chance(0.1) && { contentType: 'text/plain', payloadFormatIndicator: 1 }),
      ...(random.chance(0.1) && { responseTopic: 'answers', correlationData: random.bytes(4) }),
      ...(random.chance(0.1) && { userProperties: [['a', '1'] as const, ['a', '2'] as const] }),
    }
  }

  #withAlias(packet: PublishPacket): PublishPacket {
    if (this.version < 5 || this.#side.topicAliasMaximum === 0 || this.#random.chance(0.5)) return packet
    const { topicName, properties } = packet
    const known = this.#aliasesUp.get(topicName)
    if (known !== undefined) return { ...packet, topicName: '', properties: { ...properties, topicAlias: known } }
    const topicAlias = this.#random.between(1, this.#side.topicAliasMaximum)
    for (const [other, alias] of this.#aliasesUp) if (alias === topicAlias) this.#aliasesUp.delete(other)
    this.#aliasesUp.set(topicName, topicAlias)
    return { ...packet, properties: { ...properties, topicAlias } }
  }

  #subscribe(): void {
    const random = this.#random
    const count = random.pick([1, 1, 1, 1, 3])
    const filters = new Set(Array.from({ length: count }, () => randomFilter(random, this.userName)))
    const is5 = this.version === 5
    const subscriptions = Array.from(filters, (topicFilter) => ({
      topicFilter,
      qos: random.pick([0, 1, 1, 2, 2]) as QoS,
      noLocal: is5 && !topicFilter.startsWith('$share/') && random.chance(0.2),
      retainAsPublished: is5 && random.chance(0.3),
      retainHandling: (is5 ? random.integer(3) : 0) as 0 | 1 | 2,
    }))
    for (const filter of filters) this.#filters.add(filter)
    const properties = is5 && random.chance(0.3) ? { subscriptionIdentifiers: [random.between(1, 300)] } : noProperties
    const packetIdentifier = this.#nextIdentifier()
    this.#asked.add(packetIdentifier)
    this.#send({ type: PacketType.SUBSCRIBE, packetIdentifier, subscriptions, properties })
  }

  #unsubscribe(): void {
    const topicFilters = [this.#random.pick([...this.#filters])]
    this.#filters.delete(topicFilters[0]!)
    const packetIdentifier = this.#nextIdentifier()
    this.#asked.add(packetIdentifier)
    this.#send({ type: PacketType.UNSUBSCRIBE, packetIdentifier, topicFilters, properties: noProperties })
  }

  #disconnect(): void {
    const random = this.#random
    const is5 = this.version === 5
    const changes = is5 && this.#sessionExpiry > 0 && random.chance(0.3)
    this.#send({
      type: PacketType.DISCONNECT,
      reasonCode: is5 && random.chance(0.3) ? 4 : 0,
      properties: changes ? { sessionExpiryInterval: random.pick([0, 3, 40]) } : noProperties,
    })
    this.wire!.link.hangUp()
    this.#lost()
  }

  // ---- what is done to it ----

  get link(): Link | undefined {
    return this.wire?.link
  }

  /** It publishes and subscribes no more, and stays connected: everything owed has to come to its end. */
  becomeQuiet(): void {
    this.#isQuiet = true
    const link = this.wire?.link
    this.#leaveWire()
    link?.reset()
    this.connect(false)
  }

  hangUp(): void {
    this.wire?.link.hangUp()
    this.#lost()
  }

  /** Asks for what is retained, and is cut off while it comes. */
  collect(topicFilter: string, qos: QoS, cutAfterMs: number): void {
    const { wire } = this
    if (wire === undefined || !this.isConnected || this.#isQuiet) return
    this.subscribeTo([topicFilter], qos)
    this.#side.after(cutAfterMs, () => void (this.wire === wire && !this.#isQuiet && this.abandon()))
  }

  subscribeTo(topicFilters: readonly string[], qos: QoS = 2): void {
    const options = { qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    const subscriptions = topicFilters.map((topicFilter) => ({ topicFilter, ...options }))
    const packetIdentifier = this.#nextIdentifier()
    this.#asked.add(packetIdentifier)
    this.#send({ type: PacketType.SUBSCRIBE, packetIdentifier, subscriptions, properties: noProperties })
  }

  /** PUBLISH packets of QoS 1 and 2 without their last acknowledgement. */
  get unfinished(): number {
    return this.#outgoing.size
  }
}
