/**
 * The receiving half of a client's connection for PUBLISH: Topic Alias, Receive Maximum, duplicates (QoS 2), and the
 * answers, in the order of the messages [5.0 MQTT-4.6.0-2] [5.0 MQTT-4.6.0-3].
 *
 *   PUBLISH ──> topic (bytes or alias) ──> Receive Maximum ──> seen before? ──> side.received ──> PUBACK, PUBREC
 *                                                                                   └── later ──> acknowledge ──┘
 *
 * @module
 */
import { equalBytes } from '../base/bytes.ts'
import { Ring } from '../base/ring.ts'
import type { Decoder } from '../codec/decoder.ts'
import { PacketType, type ProtocolVersion, type QoS } from '../codec/packet-types.ts'
import { checkProperties, FoundProperties } from '../codec/property-check.ts'
import { noPropertyList, PropertyList } from '../codec/property-list.ts'
import { decodeProperties } from '../codec/property-reader.ts'
import { forbidden, ProtocolError } from '../codec/protocol-error.ts'
import { PublishView, readPublish, readTopicName } from '../codec/publish-view.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { ApplicationMessage } from '../protocol/application-message.ts'
import { IdentifierSet } from '../protocol/identifier-set.ts'
import type { ClientSender } from './client-sender.ts'
import type { ClientSession } from './client-session.ts'
import type { ClientSide, Receipt } from './client-side.ts'
import { ReceivedPublish } from './received-publish.ts'
import type { RelayedFlow } from './relayed-flow.ts'

/** What a client allows its server. */
export interface ReceiveLimits {
  readonly receiveMaximum: number
  readonly topicAliasMaximum: number
}

/** One serves all: it is read before the next packet is parsed. */
const view = new PublishView()
const found = new FoundProperties()
const NONE: readonly number[] = []
const atMostOnce: Receipt = { qos: 0, packetIdentifier: 0, dup: false, subscriptionIdentifiers: NONE }
/** Topics up to this size are compared with the last one. */
const MAX_KEPT_BYTES = 1024

export class ReceivedPublishes {
  readonly #side: ClientSide
  readonly #session: ClientSession
  readonly #sender: ClientSender
  readonly #version: ProtocolVersion
  readonly #limits: ReceiveLimits
  readonly #now: () => number
  readonly #relayed: RelayedFlow | undefined
  #lastTopicBytes: Uint8Array = new Uint8Array(0)
  #lastTopic = ''
  #aliases: (string | undefined)[] = []
  /** Packet Identifiers of QoS 2 that Receive Maximum counts: from PUBLISH to PUBCOMP. */
  readonly #open = new IdentifierSet()
  /** What waits for `acknowledge`, oldest first, together with answers that wait behind it. */
  readonly #unanswered = new Ring<ReceivedPublish>()

  constructor(
    side: ClientSide,
    session: ClientSession,
    sender: ClientSender,
    version: ProtocolVersion,
    limits: ReceiveLimits,
    now: () => number,
    relayed?: RelayedFlow,
  ) {
    this.#side = side
    this.#session = session
    this.#sender = sender
    this.#version = version
    this.#limits = limits
    this.#now = now
    this.#relayed = relayed
  }

  /** Takes the PUBLISH that the decoder is at. Hot: runs for every message received. */
  receive(decoder: Decoder): void {
    const { bytes, start, end } = decoder
    readPublish(bytes, decoder.firstByte, decoder.bodyStart, end, this.#version, view)
    const { qos, dup, packetIdentifier } = view
    const hasProperties = view.propertiesStart !== view.propertiesEnd
    if (hasProperties) checkProperties(bytes, view.propertiesStart, view.propertiesEnd, 'PUBLISH', 'server', found)
    const aliasAt = hasProperties ? found.at('topicAlias') : -1
    const topicName =
      aliasAt < 0 ? this.#topic(bytes) : this.#aliased(bytes, (bytes[aliasAt]! << 8) | bytes[aliasAt + 1]!)
    const identifiers = hasProperties && found.has('subscriptionIdentifiers') ? identifiersIn(bytes) : NONE
    const message = this.#messageOf(decoder, topicName, hasProperties, identifiers !== NONE)
    if (aliasAt < 0 && identifiers === NONE) message.adoptFrame(this.#version, start, qos === 0 ? 0 : view.topicEnd)
    this.#side.watch?.received(packetOf(message, dup, packetIdentifier))
    if (qos !== 0) this.#receiveAcknowledged(message, qos, packetIdentifier, dup, identifiers)
    else
      this.#side.received(
        message,
        identifiers === NONE ? atMostOnce : { ...atMostOnce, subscriptionIdentifiers: identifiers },
      )
  }

  #messageOf(decoder: Decoder, topicName: string, hasProperties: boolean, hasIdentifiers: boolean): ApplicationMessage {
    const { bytes } = decoder
    const { propertiesStart, propertiesEnd, payloadStart, payloadEnd, qos, retain } = view
    const list = !hasProperties
      ? noPropertyList
      : hasIdentifiers
        ? PropertyList.of(decodeProperties(bytes, propertiesStart, propertiesEnd))
        : PropertyList.received(bytes, propertiesStart, propertiesEnd, found)
    const message = new ApplicationMessage(
      topicName,
      qos,
      retain,
      list,
      '',
      this.#now(),
      bytes,
      payloadStart,
      payloadEnd,
    )
    if (decoder.isInChunk) message.liesInChunk()
    return message
  }

  #topic(bytes: Uint8Array): string {
    const { topicStart, topicEnd } = view
    if (equalBytes(bytes, topicStart, topicEnd, this.#lastTopicBytes)) return this.#lastTopic
    if (topicStart === topicEnd) throw forbidden('PUBLISH with neither Topic Name nor Topic Alias')
    const topicName = readTopicName(bytes, topicStart, topicEnd)
    if (topicEnd - topicStart <= MAX_KEPT_BYTES) {
      this.#lastTopicBytes = new Uint8Array(bytes.subarray(topicStart, topicEnd))
      this.#lastTopic = topicName
    }
    return topicName
  }

  /** An alias with a topic sets or replaces the mapping; alone it uses it. */
  #aliased(bytes: Uint8Array, alias: number): string {
    const maximum = this.#limits.topicAliasMaximum
    if (alias > maximum) {
      // [5.0 MQTT-3.1.2-26]
      throw new ProtocolError(ReasonCode.TopicAliasInvalid, `Topic Alias ${alias} exceeds the maximum of ${maximum}`)
    }
    if (view.topicStart === view.topicEnd) {
      const known = this.#aliases[alias]
      if (known === undefined) throw forbidden(`Topic Alias ${alias} has no Topic Name yet`)
      return known
    }
    return (this.#aliases[alias] = readTopicName(bytes, view.topicStart, view.topicEnd))
  }

  #receiveAcknowledged(
    message: ApplicationMessage,
    qos: QoS,
    packetIdentifier: number,
    dup: boolean,
    subscriptionIdentifiers: readonly number[],
  ): void {
    if (this.#relayed !== undefined) {
      this.#relayed.opened(packetIdentifier)
      this.#side.received(message, new ReceivedPublish(qos, packetIdentifier, dup, subscriptionIdentifiers))
      return
    }
    if (qos === 2) this.#open.add(packetIdentifier)
    this.#checkReceiveMaximum(this.#unanswered.length + (qos === 1 ? 1 : 0))
    if (qos === 2 && this.#session.hasReceived(packetIdentifier)) {
      // [5.0 MQTT-4.3.3-10]: a repeat of what was taken over.
      this.#answerInOrder(new ReceivedPublish(qos, packetIdentifier, dup, subscriptionIdentifiers, ReasonCode.Success))
      return
    }
    const undecided = qos === 2 ? this.#session.undecided.get(packetIdentifier) : undefined
    const receipt = undecided ?? new ReceivedPublish(qos, packetIdentifier, dup, subscriptionIdentifiers)
    this.#unanswered.push(receipt)
    // It is a repeat of a message that the side has already, and has not decided about.
    if (undecided !== undefined) return
    if (qos === 2) this.#session.undecided.set(packetIdentifier, receipt)
    const reasonCode = this.#side.received(message, receipt)
    if (reasonCode !== undefined) this.acknowledge(receipt, reasonCode)
  }

  /** [5.0 MQTT-3.3.4-9]: the server may not have more open than it was allowed. */
  #checkReceiveMaximum(waiting: number): void {
    const { receiveMaximum } = this.#limits
    if (Math.max(waiting, this.#open.size) <= receiveMaximum) return
    throw new ProtocolError(
      ReasonCode.ReceiveMaximumExceeded,
      `The server has sent more than ${receiveMaximum} PUBLISH packets without an answer`,
    )
  }

  #answerInOrder(receipt: ReceivedPublish): void {
    this.#unanswered.push(receipt)
    this.#release()
  }

  /** The side has decided about a message. */
  acknowledge(receipt: ReceivedPublish, reasonCode: number): void {
    receipt.reasonCode = reasonCode
    if (receipt.qos === 2) this.#session.decided(receipt)
    this.#release()
  }

  #release(): void {
    for (let next = this.#unanswered.peek(); next?.isDecided === true; next = this.#unanswered.peek()) {
      this.#unanswered.shift()
      const { qos, packetIdentifier, reasonCode } = next
      this.#sender.acknowledge(qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, packetIdentifier, reasonCode)
      if (qos === 2 && reasonCode >= 0x80) this.#open.delete(packetIdentifier)
    }
  }

  /** PUBREL: the server will not repeat that message any more. */
  pubrel(packetIdentifier: number): void {
    const isKnown = this.#session.releaseReceived(packetIdentifier)
    this.#open.delete(packetIdentifier)
    const code = isKnown || this.#version < 5 ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound
    this.#sender.acknowledge(PacketType.PUBCOMP, packetIdentifier, code)
  }
}

/** Those of the list that was checked last, in the order of the packet. */
function identifiersIn(bytes: Uint8Array): readonly number[] {
  return decodeProperties(bytes, view.propertiesStart, view.propertiesEnd).subscriptionIdentifiers ?? NONE
}

function packetOf(message: ApplicationMessage, dup: boolean, packetIdentifier: number) {
  const { topicName, qos, retain, properties, payload } = message
  return { type: PacketType.PUBLISH, dup, qos, retain, topicName, packetIdentifier, properties, payload } as const
}
