/**
 * One Network Connection's input as the standard reads it: which packets it holds, which answers they are owed, and the
 * first rule that it breaks. It shares the decoder with the broker (`decoding.ts` and the unit tests watch that one),
 * but none of its decisions.
 *
 * @module
 */
import type { Options } from '../../src/config/options.ts'
import { decodeConnect } from '../../src/codec/decode-connect.ts'
import { decodePacket } from '../../src/codec/decode.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import {
  type AuthPacket,
  type ConnectPacket,
  type DisconnectPacket,
  type Packet,
  type PublishPacket,
  type SubscribePacket,
} from '../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion } from '../../src/codec/packet-types.ts'
import { ConnectError, ProtocolError } from '../../src/codec/protocol-error.ts'
import { ReasonCode } from '../../src/codec/reason-code.ts'
import { parseSharedFilter, topicFilterProblem } from '../../src/topics/topic-filter.ts'
import { countTopicLevels } from '../../src/topics/topic-name.ts'
import { DENIED, failsExchange, METHOD } from './login.ts'

/** The first rule that a Client broke. */
export interface Breach {
  /** What a 5.0 Client has to be told; `undefined` where several rules are broken at once and either will do. */
  readonly reasonCode: number | undefined
  readonly what: string
}

/** An answer that is owed, in the order of the requests. */
export interface Owed {
  readonly type: PacketType
  readonly packetIdentifier: number
  /** Reason Codes in it. */
  readonly count: number
}

/** Where the Connection is, as far as its own packets say. */
export const Phase = { BeforeConnect: 0, Exchanging: 1, Connected: 2, Over: 3 } as const
export type Phase = (typeof Phase)[keyof typeof Phase]

/** A second breach, for what is not sure to be one: see `Requests.mayBreak`. */
class Broken extends Error {
  readonly breach: Breach

  constructor(reasonCode: number | undefined, what: string) {
    super(what)
    this.breach = { reasonCode, what }
  }
}

export class Requests {
  phase: Phase = Phase.BeforeConnect
  connect: ConnectPacket | undefined
  /** The version in which answers come; `undefined` while no CONNECT says so. */
  version: ProtocolVersion | undefined
  breach: Breach | undefined
  /** True where only the broker's own state says whether a rule is broken. */
  mayBreak = false
  saidDisconnect = false
  /** Whole packets that came: what Keep Alive counts. */
  packets = 0
  readonly owed: Owed[] = []
  owedPings = 0
  owedAuths = 0
  /** PUBACK, PUBREC and PUBCOMP for what the Server sends, handed on as they come. */
  onAcknowledgement: (type: PacketType, packetIdentifier: number, reasonCode: number) => void = () => {}
  /** Messages, and the Will, as they come. */
  onMessage: (topicName: string, payload: Uint8Array) => void = () => {}
  readonly topicFilters: string[] = []
  readonly #options: Options
  readonly #decoder: Decoder
  readonly #aliases = new Map<number, string>()
  /** QoS 2 identifiers that are open: for sure, and at most. */
  readonly #open = new Set<number>()
  readonly #openAtMost = new Set<number>()
  #isReAuthenticating = false

  constructor(options: Options) {
    this.#options = options
    this.#decoder = new Decoder(options.maxConnectPacketSize)
  }

  /** Bytes of a packet that is not complete yet. */
  get bufferedBytes(): number {
    return this.#decoder.bufferedBytes
  }

  receive(chunk: Uint8Array): void {
    if (this.phase === Phase.Over) return
    const decoder = this.#decoder
    try {
      decoder.push(chunk)
      while (decoder.next()) {
        this.packets++
        this.#judge()
        if (this.#isOver) break
      }
    } catch (error) {
      this.#broken(error)
    }
    if (this.#isOver) decoder.release()
    else decoder.detach()
  }

  get #isOver(): boolean {
    return this.phase === Phase.Over
  }

  #broken(error: unknown): void {
    if (error instanceof Broken) this.breach = error.breach
    else if (error instanceof ConnectError) {
      this.version = error.protocolVersion
      this.breach = { reasonCode: error.reasonCode, what: error.message }
    } else if (error instanceof ProtocolError) {
      // Of a PUBLISH with several faults, either may be found first.
      const isPublish = this.#decoder.firstByte >> 4 === PacketType.PUBLISH
      this.breach = { reasonCode: isPublish ? undefined : error.reasonCode, what: error.message }
    } else throw error
    this.phase = Phase.Over
  }

  #judge(): void {
    const { bytes, firstByte, bodyStart, end } = this.#decoder
    if (this.phase === Phase.BeforeConnect) {
      if (firstByte >> 4 !== PacketType.CONNECT) throw new Broken(undefined, 'the first packet is not CONNECT')
      this.#judgeConnect(decodeConnect(bytes, bodyStart, end, firstByte))
      return
    }
    if (firstByte >> 4 === PacketType.CONNECT) throw new Broken(ReasonCode.ProtocolError, 'a second CONNECT')
    const mayComeNow = [PacketType.AUTH, PacketType.DISCONNECT] as readonly number[]
    if (this.phase === Phase.Exchanging && !mayComeNow.includes(firstByte >> 4)) {
      throw new Broken(ReasonCode.ProtocolError, 'no AUTH in an exchange')
    }
    const packet = decodePacket(bytes, firstByte, bodyStart, end, this.version!, 'client')
    if (this.phase === Phase.Exchanging) this.#judgeExchange(packet)
    else this.#judgeConnected(packet)
  }

  #judgeConnect(connect: ConnectPacket): void {
    this.connect = connect
    this.version = connect.protocolVersion
    this.#decoder.shortestLengths = this.version === 5
    if (connect.will !== undefined) this.onMessage(connect.will.topicName, connect.will.payload)
    if (connect.properties.authenticationMethod !== METHOD) this.#isIn()
    else {
      this.phase = Phase.Exchanging
      this.owedAuths++
    }
  }

  /** Whether or not it is: if CONNACK refuses it, nothing behind CONNECT counts. */
  #isIn(): void {
    this.phase = Phase.Connected
    this.#decoder.maxPacketSize = this.#options.maxPacketSize
  }

  #judgeExchange(packet: Packet): void {
    if (packet.type === PacketType.DISCONNECT) this.#leave()
    else if (packet.type === PacketType.AUTH) {
      this.#checkMethod(packet)
      if (packet.reasonCode !== ReasonCode.ContinueAuthentication) throw outOfOrder
      if (failsExchange(packet.properties.authenticationData)) this.phase = Phase.Over
      else this.#isIn()
    }
  }

  #checkMethod({ properties }: AuthPacket): void {
    if (properties.authenticationMethod !== this.connect!.properties.authenticationMethod) {
      throw new Broken(ReasonCode.ProtocolError, 'AUTH with another method than CONNECT')
    }
  }

  #judgeConnected(packet: Packet): void {
    switch (packet.type) {
      case PacketType.PUBLISH:
        this.#judgePublish(packet)
        return
      case PacketType.PUBREC:
        if (packet.reasonCode < 0x80) this.#owe(PacketType.PUBREL, packet.packetIdentifier)
        this.onAcknowledgement(packet.type, packet.packetIdentifier, packet.reasonCode)
        return
      case PacketType.PUBACK:
      case PacketType.PUBCOMP:
        this.onAcknowledgement(packet.type, packet.packetIdentifier, packet.reasonCode)
        return
      case PacketType.PUBREL:
        this.#open.delete(packet.packetIdentifier)
        this.#openAtMost.delete(packet.packetIdentifier)
        this.#owe(PacketType.PUBCOMP, packet.packetIdentifier)
        return
      case PacketType.SUBSCRIBE:
        this.#judgeSubscribe(packet)
        return
      case PacketType.UNSUBSCRIBE:
        for (const topicFilter of packet.topicFilters) checkFilter(topicFilter)
        this.#owe(PacketType.UNSUBACK, packet.packetIdentifier, this.version === 5 ? packet.topicFilters.length : 0)
        return
      case PacketType.PINGREQ:
        this.owedPings++
        return
      case PacketType.DISCONNECT:
        this.#judgeDisconnect(packet)
        return
      case PacketType.AUTH:
        this.#judgeAuth(packet)
        return
      default:
        throw new Broken(ReasonCode.ProtocolError, `packet type ${packet.type} from a connected Client`)
    }
  }

  #owe(type: PacketType, packetIdentifier: number, count = 0): void {
    this.owed.push({ type, packetIdentifier, count })
  }

  // ---- PUBLISH ----

  #judgePublish(packet: PublishPacket): void {
    const { qos, packetIdentifier } = packet
    // Only 5.0 can announce the limits; older Clients are served with less.
    const isAnnounced = this.version === 5
    if (isAnnounced && qos > this.#options.maxQos) throw new Broken(undefined, 'QoS above the maximum')
    const topicName = this.#topicOf(packet)
    this.onMessage(topicName, packet.payload)
    const isRefused = this.#isRefused(topicName)
    if (qos === 2) this.#open2(packetIdentifier)
    else if (qos === 1) this.#checkQuota(1)
    if (isAnnounced && packet.retain && !this.#options.retain && !topicName.startsWith('$SYS/')) {
      // A repeated message of QoS 2 is answered before anybody looks at its flags.
      if (qos < 2) throw new Broken(ReasonCode.RetainNotSupported, 'RETAIN 1')
      this.mayBreak = true
    }
    if (qos === 1) this.#owe(PacketType.PUBACK, packetIdentifier)
    if (qos < 2) return
    this.#owe(PacketType.PUBREC, packetIdentifier)
    // Refused and answered; unless it is a repeat, which only the Session knows.
    if (isRefused) this.#open.delete(packetIdentifier)
  }

  #topicOf({ topicName, properties }: PublishPacket): string {
    const alias = properties.topicAlias
    if (alias === undefined) return topicName
    if (alias > this.#options.topicAliasMaximum) throw new Broken(undefined, 'Topic Alias above the maximum')
    if (topicName !== '') this.#aliases.set(alias, topicName)
    const known = this.#aliases.get(alias)
    if (known === undefined) throw new Broken(ReasonCode.ProtocolError, 'Topic Alias without a Topic Name')
    return known
  }

  #isRefused(topicName: string): boolean {
    const { topicCheck, maxTopicLevels } = this.#options
    if (topicName.startsWith('$SYS/') || countTopicLevels(topicName) > maxTopicLevels) return true
    return topicCheck !== undefined && topicName.startsWith(DENIED)
  }

  #open2(packetIdentifier: number): void {
    this.#open.add(packetIdentifier)
    this.#openAtMost.add(packetIdentifier)
    this.#checkQuota(0)
  }

  #checkQuota(more: number): void {
    const { receiveMaximum } = this.#options
    if (this.version !== 5) return
    if (this.#open.size + more > receiveMaximum) throw new Broken(ReasonCode.ReceiveMaximumExceeded, 'Receive Maximum')
    if (this.#unansweredAtMost + more > receiveMaximum) this.mayBreak = true
  }

  /** What is answered at last counts no more; the Client has none of the answers that are still owed. */
  get #unansweredAtMost(): number {
    const unanswered = new Set(this.#openAtMost)
    for (const { type, packetIdentifier } of this.owed) if (endsPublish.has(type)) unanswered.add(packetIdentifier)
    return unanswered.size
  }

  // ---- the others ----

  #judgeSubscribe({ packetIdentifier, subscriptions, properties }: SubscribePacket): void {
    const { subscriptionIdentifiers, sharedSubscriptions, wildcardSubscriptions } = this.#options
    if (properties.subscriptionIdentifiers !== undefined && !subscriptionIdentifiers) {
      throw new Broken(ReasonCode.SubscriptionIdentifiersNotSupported, 'Subscription Identifier')
    }
    for (const { topicFilter } of subscriptions) {
      const filter = checkFilter(topicFilter)
      const isMissing =
        (!sharedSubscriptions && filter !== topicFilter) || (!wildcardSubscriptions && /[+#]/.test(filter))
      if (isMissing && this.version === 5) throw new Broken(undefined, `${topicFilter} is not served`)
    }
    for (const { topicFilter } of subscriptions) this.topicFilters.push(checkFilter(topicFilter))
    this.#owe(PacketType.SUBACK, packetIdentifier, subscriptions.length)
  }

  #judgeDisconnect({ properties }: DisconnectPacket): void {
    const { sessionExpiryInterval: wanted } = properties
    const held = Math.min(this.connect!.properties.sessionExpiryInterval ?? 0, this.#options.maxSessionExpiry)
    if (wanted !== undefined && wanted > 0 && held === 0) {
      throw new Broken(ReasonCode.ProtocolError, 'Session Expiry Interval at DISCONNECT after 0 at CONNECT')
    }
    this.#leave()
  }

  #leave(): void {
    this.saidDisconnect = true
    this.phase = Phase.Over
  }

  #judgeAuth(packet: AuthPacket): void {
    if (this.connect!.properties.authenticationMethod === undefined) {
      throw new Broken(ReasonCode.ProtocolError, 'AUTH without a method in CONNECT')
    }
    this.#checkMethod(packet)
    const begins = packet.reasonCode === ReasonCode.ReAuthenticate
    if (begins === this.#isReAuthenticating) throw outOfOrder
    if (!begins && failsExchange(packet.properties.authenticationData)) this.phase = Phase.Over
    else this.owedAuths++
    this.#isReAuthenticating = begins
  }
}

const endsPublish: ReadonlySet<PacketType> = new Set([PacketType.PUBACK, PacketType.PUBREC, PacketType.PUBCOMP])

const outOfOrder = new Broken(ReasonCode.ProtocolError, 'AUTH out of order')

/** @returns the filter without `$share/Name/` */
function checkFilter(topicFilter: string): string {
  const shared = parseSharedFilter(topicFilter)
  const inner = typeof shared === 'object' ? shared.topicFilter : topicFilter
  const problem = typeof shared === 'string' ? shared : topicFilterProblem(inner)
  if (problem !== undefined) throw new Broken(ReasonCode.ProtocolError, `${topicFilter}: ${problem}`)
  return inner
}
