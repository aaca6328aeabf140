/**
 * The messages of a bridge while both its ends are connected.
 *
 *   Session at this broker (stored) <── local client ──── relay ──── remote client ──> Session at the other broker
 *
 *   PUBLISH 7 (QoS 2) ────────────────────────────────────────────────> PUBLISH 7
 *   stored <──────────────────────── PUBREC 7 <───────────────────────── PUBREC 7
 *   PUBREL 7 ─────────────────────────────────────────────────────────> PUBREL 7
 *   done   <──────────────────────── PUBCOMP 7 <──────────────────────── PUBCOMP 7
 *
 * The relay keeps no Session. Each packet of an exchange passes through with its Packet Identifier, so the stored
 * Session at this broker is the state of the bridge at the other one as well: after a crash of either side, each
 * exchange continues where it was. In the other direction it is the same, with the Session here as the receiver.
 *
 * @module
 */
import type { Client } from '../client/client.ts'
import type { Receipt } from '../client/client-side.ts'
import type { RelayedFlow } from '../client/relayed-flow.ts'
import type { AcknowledgementPacket } from '../codec/packets.ts'
import { PacketType, type QoS } from '../codec/packet-types.ts'
import { noPropertyList, PropertyList } from '../codec/property-list.ts'
import type { Properties } from '../codec/properties.ts'
import { forbidden } from '../codec/protocol-error.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { ApplicationMessage } from '../protocol/application-message.ts'
import { hopProblem, VIA } from './hops.ts'
import { mapResponseTopic, type TopicMapping } from './topic-mapping.ts'
import type { BridgeDropCause, Traffic } from './traffic.ts'

type Acknowledgement = AcknowledgementPacket['type']

/** What a relay works with. */
export interface RelayParts {
  readonly local: Client
  readonly remote: Client
  readonly out: TopicMapping
  readonly in: TopicMapping
  readonly outTraffic: Traffic
  readonly inTraffic: Traffic
  readonly maxHops: number
  readonly keepsRetain: boolean
  /** The client identifiers of all bridges of this broker, at other brokers. */
  readonly ownIds: ReadonlySet<string>
  now(): number
}

/** What the other broker may answer to a Packet Identifier. */
const Sent = { Nothing: 0, AtLeastOnce: 1, ExactlyOnce: 2, Lowered: 3, Released: 4 } as const

export class Relay {
  readonly #parts: RelayParts
  /** By Packet Identifier: what was sent to the other broker on this connection. */
  readonly #sent = new Uint8Array(0x1_0000)
  /** Identifiers of an earlier Session at the other broker, which this one is to forget. */
  readonly #stale = new Set<number>()
  readonly #onlyVia: PropertyList
  readonly #via: readonly [string, string]

  constructor(parts: RelayParts) {
    this.#parts = parts
    this.#via = [VIA, parts.remote.options.clientId]
    this.#onlyVia = parts.maxHops === 0 ? noPropertyList : PropertyList.of({ userProperties: [this.#via] })
  }

  get #local(): RelayedFlow | undefined {
    return this.#parts.local.relayed
  }

  get #remote(): RelayedFlow | undefined {
    return this.#parts.remote.relayed
  }

  /** The other broker has lost the Session: what it had sent will not be continued (§4.1). */
  forget(packetIdentifiers: Iterable<number>): void {
    for (const packetIdentifier of packetIdentifiers) {
      this.#stale.add(packetIdentifier)
      this.#local?.acknowledge(PacketType.PUBREL, packetIdentifier, ReasonCode.Success)
    }
  }

  // ---- to the other broker ----

  /** A message of the Session here. Hot: runs for every message that leaves. */
  fromLocal(message: ApplicationMessage, { qos, packetIdentifier, dup }: Receipt): void {
    const { out, remote, outTraffic, keepsRetain } = this.#parts
    const made = this.#crossing(message, out, this.#parts.in, remote.options.protocolVersion === 5)
    if (typeof made === 'string') return this.#dropOutgoing(made, qos, packetIdentifier)
    const { maximumQoS, retainAvailable } = remote.limits
    const lowered = Math.min(qos, maximumQoS) as QoS
    const retain = message.retain && keepsRetain && retainAvailable
    const error = this.#remote?.publish(made, lowered, retain, dup && lowered > 0, lowered === 0 ? 0 : packetIdentifier)
    if (error !== undefined) {
      const isLarge = error.code === 'ERR_CLIENT_TOO_LARGE'
      return this.#dropOutgoing(isLarge ? 'too large' : 'not encodable', qos, packetIdentifier)
    }
    outTraffic.passed(message.payloadLength)
    if (qos === 0) return
    if (lowered === 0) this.#answerLocal(qos, packetIdentifier, ReasonCode.Success)
    else this.#sent[packetIdentifier] = qos === 1 ? Sent.AtLeastOnce : lowered === 2 ? Sent.ExactlyOnce : Sent.Lowered
  }

  #dropOutgoing(cause: BridgeDropCause, qos: QoS, packetIdentifier: number): void {
    this.#parts.outTraffic.drop(cause)
    if (qos > 0) this.#answerLocal(qos, packetIdentifier, ReasonCode.ImplementationSpecificError)
  }

  #answerLocal(qos: QoS, packetIdentifier: number, reasonCode: ReasonCode): void {
    this.#local?.acknowledge(qos === 2 ? PacketType.PUBREC : PacketType.PUBACK, packetIdentifier, reasonCode)
  }

  /** PUBACK, PUBREC, PUBREL or PUBCOMP of this broker. */
  acknowledgedByLocal(type: Acknowledgement, packetIdentifier: number, reasonCode: number): void {
    if (type === PacketType.PUBCOMP && this.#stale.delete(packetIdentifier)) return
    if (type === PacketType.PUBREL) this.#release(packetIdentifier, reasonCode)
    else {
      if (reasonCode >= 0x80 && type !== PacketType.PUBCOMP) this.#parts.inTraffic.refused()
      this.#remote?.acknowledge(type, packetIdentifier, ofClient(reasonCode))
    }
  }

  #release(packetIdentifier: number, reasonCode: number): void {
    if (this.#parts.remote.limits.maximumQoS < 2) {
      // It went with a lower QoS, where the exchange is over.
      this.#local?.acknowledge(PacketType.PUBCOMP, packetIdentifier, ReasonCode.Success)
      return
    }
    this.#sent[packetIdentifier] = Sent.Released
    this.#remote?.acknowledge(PacketType.PUBREL, packetIdentifier, reasonCode)
  }

  // ---- from the other broker ----

  /** PUBACK, PUBREC, PUBREL or PUBCOMP of the other broker. @throws {ProtocolError} if it does not fit what was sent */
  acknowledgedByRemote(type: Acknowledgement, packetIdentifier: number, reasonCode: number): void {
    if (type === PacketType.PUBREL) {
      this.#local?.acknowledge(type, packetIdentifier, reasonCode)
      return
    }
    const sent = this.#sent[packetIdentifier]!
    // As after a connection that was lost: it answers nothing.
    if (sent === Sent.Nothing) return
    if (!fits(type, sent)) {
      throw forbidden(`Packet Identifier ${packetIdentifier} was answered with a packet that does not fit its own`)
    }
    const isRefused = reasonCode >= 0x80 && type !== PacketType.PUBCOMP
    if (isRefused) this.#parts.outTraffic.refused()
    if (isRefused || type !== PacketType.PUBREC) this.#sent[packetIdentifier] = Sent.Nothing
    const answer = sent === Sent.Lowered ? PacketType.PUBREC : type
    this.#local?.acknowledge(answer, packetIdentifier, ofClient(reasonCode))
  }

  /** A message of the other broker. Hot: runs for every message that comes. */
  fromRemote(message: ApplicationMessage, { qos, packetIdentifier, dup }: Receipt): void {
    const { local, inTraffic, keepsRetain } = this.#parts
    const made = this.#crossing(message, this.#parts.in, this.#parts.out, true)
    if (typeof made === 'string') return this.#dropIncoming(made, qos, packetIdentifier)
    const retain = message.retain && keepsRetain && local.limits.retainAvailable
    const error = this.#local?.publish(made, qos, retain, dup, packetIdentifier)
    if (error !== undefined) {
      const isLarge = error.code === 'ERR_CLIENT_TOO_LARGE'
      return this.#dropIncoming(isLarge ? 'too large' : 'not encodable', qos, packetIdentifier)
    }
    inTraffic.passed(message.payloadLength)
  }

  /** A message of the other broker that this client did not keep. */
  tooLarge({ qos, packetIdentifier }: Receipt): void {
    this.#dropIncoming('too large', qos, packetIdentifier)
  }

  /** It is answered as if it had been taken: the other broker could only send it again. */
  #dropIncoming(cause: BridgeDropCause, qos: QoS, packetIdentifier: number): void {
    this.#parts.inTraffic.drop(cause)
    if (qos === 0) return
    const answer = qos === 1 ? PacketType.PUBACK : PacketType.PUBREC
    this.#remote?.acknowledge(answer, packetIdentifier, ReasonCode.Success)
  }

  // ---- both ----

  /** The message as it is on the other side. @returns why it does not cross */
  #crossing(
    message: ApplicationMessage,
    there: TopicMapping,
    back: TopicMapping,
    withProperties: boolean,
  ): ApplicationMessage | BridgeDropCause {
    const topicName = there.map(message.topicName)
    if (topicName === undefined || topicName === '') return 'no rule'
    const { qos, retain, payload } = message
    const list = this.#properties(message, there, back, withProperties)
    if (typeof list === 'string') return list
    const { length } = payload
    return new ApplicationMessage(topicName, qos, retain, list, '', this.#parts.now(), payload, 0, length)
  }

  #properties(
    message: ApplicationMessage,
    there: TopicMapping,
    back: TopicMapping,
    withProperties: boolean,
  ): PropertyList | BridgeDropCause {
    if (message.propertyList === noPropertyList) return withProperties ? this.#onlyVia : noPropertyList
    const { ownIds, maxHops } = this.#parts
    const { properties } = message
    const problem = maxHops === 0 ? undefined : hopProblem(properties, ownIds, maxHops)
    if (problem !== undefined) return problem
    return withProperties ? PropertyList.of(this.#crossed(properties, there, back)) : noPropertyList
  }

  #crossed(properties: Properties, there: TopicMapping, back: TopicMapping): Properties {
    const { responseTopic, userProperties = [] } = properties
    return {
      ...properties,
      ...(responseTopic !== undefined && { responseTopic: mapResponseTopic(responseTopic, there, back) }),
      ...(this.#parts.maxHops > 0 && { userProperties: [...userProperties, this.#via] }),
    }
  }
}

/** Codes below 0x80 other than 0x00 are the server's alone (§3.4.2.1). */
function ofClient(reasonCode: number): number {
  return reasonCode < 0x80 ? ReasonCode.Success : reasonCode
}

function fits(type: Acknowledgement, sent: number): boolean {
  if (type === PacketType.PUBACK) return sent === Sent.AtLeastOnce || sent === Sent.Lowered
  if (type === PacketType.PUBREC) return sent === Sent.ExactlyOnce || sent === Sent.Released
  return sent === Sent.Released
}
