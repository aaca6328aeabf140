/**
 * The receiving half of a Connection for PUBLISH: Topic Alias, Receive Maximum, duplicates, and the answer by QoS
 * (§3.3.4).
 *
 *   PUBLISH ──> topic (bytes or alias) ──> Receive Maximum ──> seen before (QoS 2)? ──> Publishing ──> PUBACK, PUBREC
 *
 * @module
 */
import type { Decoder } from '../codec/decoder.ts'
import { PacketType, type ProtocolVersion, type QoS } from '../codec/packet-types.ts'
import { checkProperties, FoundProperties } from '../codec/property-check.ts'
import { noPropertyList, PropertyList } from '../codec/property-list.ts'
import { ProtocolError } from '../codec/protocol-error.ts'
import { PublishView, readPublish } from '../codec/publish-view.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { workOfStrings } from '../codec/utf8.ts'
import { equalBytes } from '../base/bytes.ts'
import { scanned } from '../base/work.ts'
import { ApplicationMessage } from './application-message.ts'
import { MAX_KEPT_BYTES } from '../topics/match-cache.ts'
import { IdentifierSet } from './identifier-set.ts'
import type { Sender } from './sender.ts'
import type { ServedConnection } from './served-connection.ts'
import { PENDING, type KnownTopic, type ServerSide } from './server-side.ts'

/** One view serves all Connections, because it is read before the next packet is parsed. */
const view = new PublishView()
const found = new FoundProperties()
/** Content Type and Response Topic. */
const OTHER_STRINGS = 2

export class IncomingPublishes {
  readonly #server: ServerSide
  readonly #connection: ServedConnection
  readonly #sender: Sender
  /** If a topic is the same as the last one, as with most Clients, nothing needs to be looked up. */
  #lastTopic: KnownTopic | undefined = undefined
  #aliases: (KnownTopic | undefined)[] | undefined = undefined
  /** The memory that the topics of Topic Aliases take. */
  aliasBytes = 0
  /** PUBLISH packets received so far. */
  count = 0
  /**
   * Packet Identifiers open on this Connection, as Receive Maximum counts them (§3.3.4, §4.9): those of QoS 2 from
   * PUBLISH on, those of QoS 1 while PUBACK waits for the Store, both until the last answer has left.
   */
  #open: IdentifierSet | undefined = undefined
  /** The QoS of the PUBLISH whose answer is pending. */
  #pendingQos: 0 | 1 | 2 = 0
  #pendingIdentifier = 0

  constructor(server: ServerSide, connection: ServedConnection, sender: Sender) {
    this.#server = server
    this.#connection = connection
    this.#sender = sender
  }

  /**
   * Processes the PUBLISH at which the decoder stands. Hot: runs for every message received.
   *
   * @returns whether the Server's answer is pending
   */
  receive(decoder: Decoder, version: ProtocolVersion): boolean {
    const { bytes, start, end } = decoder
    readPublish(bytes, decoder.firstByte, decoder.bodyStart, end, version, view)
    const { qos, retain, packetIdentifier } = view
    const { maxQos, maxUserProperties } = this.#connection.limits
    const messageQos = qos > maxQos ? this.#lowered(qos, maxQos, version) : qos
    const hasProperties = view.propertiesStart !== view.propertiesEnd
    const alias = hasProperties ? this.#checkProperties(bytes, maxUserProperties) : 0
    const topic = this.#topic(bytes, alias)
    this.#server.metrics.publishReceived++
    this.count++
    const payloadBytes = view.payloadEnd - view.payloadStart
    const { record } = this.#connection
    if (record !== undefined) {
      record.received(decoder.firstByte, packetIdentifier, payloadBytes, 0, topic.topicName)
      if (record.payloadBytes > 0)
        record.receivedPayload(decoder.firstByte, topic.topicName, bytes.subarray(view.payloadStart, view.payloadEnd))
    }
    if (qos === 2 && this.#isRepeat(bytes, topic, version)) return false
    if (qos === 1 && this.#open !== undefined) this.#checkReceiveMaximum(this.#open.size + 1, version)

    const { payloadStart, payloadEnd } = view
    this.#server.metrics.publishBytesReceived += payloadBytes
    const { clientId } = this.#connection.client
    const now = this.#server.turn.now()
    const { topicName } = topic
    const message = new ApplicationMessage(
      topicName,
      messageQos,
      retain,
      // Its alias is valid only between this Client and the Server (§3.3.2.3.4).
      hasProperties ? PropertyList.received(bytes, view.propertiesStart, view.propertiesEnd, found) : noPropertyList,
      clientId,
      now,
      bytes,
      payloadStart,
      payloadEnd,
    )
    if (decoder.isInChunk) message.liesInChunk()
    if (alias === 0) message.adoptFrame(version, start, qos === 0 ? 0 : view.topicEnd)
    if (this.#server.packets.watches(this.#connection)) this.#watch(message, packetIdentifier)
    const reasonCode = this.#server.publishing.publish(this.#connection, message, topic)
    if (reasonCode === PENDING) {
      message.own()
      this.#pendingQos = qos
      this.#pendingIdentifier = packetIdentifier
      return true
    }
    if (qos !== 0) this.#answer(qos, packetIdentifier, reasonCode)
    return false
  }

  /**
   * Before 5.0, a Client cannot be told a maximum, so its exchange is completed and the message is delivered with less.
   *
   * @throws {ProtocolError} for a 5.0 Client, whose CONNACK said what the maximum is [5.0 MQTT-3.2.2-11]
   */
  #lowered<Maximum extends QoS>(qos: QoS, maximum: Maximum, version: ProtocolVersion): Maximum {
    if (version === 5) {
      throw new ProtocolError(ReasonCode.QoSNotSupported, `PUBLISH at QoS ${qos}, the maximum is ${maximum}`)
    }
    this.#server.metrics.qosLowered++
    return maximum
  }

  /** The QoS of the exchange whose answer is pending; 0 if none is. */
  get pendingQos(): QoS {
    return this.#pendingQos
  }

  /** The Packet Identifier of that exchange. */
  get pendingIdentifier(): number {
    return this.#pendingIdentifier
  }

  #checkProperties(bytes: Uint8Array, maxUserProperties: number): number {
    const strings = 2 * maxUserProperties + OTHER_STRINGS
    this.#server.turn.work.spend(workOfStrings(view.propertiesEnd - view.propertiesStart, strings))
    return checkPublishProperties(bytes, maxUserProperties)
  }

  /** @param alias 0 if there is none */
  #topic(bytes: Uint8Array, alias: number): KnownTopic {
    if (alias !== 0) return this.#aliasedTopic(bytes, alias)
    const last = this.#lastTopic
    if (last !== undefined && equalBytes(bytes, view.topicStart, view.topicEnd, last.topicBytes)) return last
    if (view.topicStart === view.topicEnd) {
      throw new ProtocolError(ReasonCode.ProtocolError, 'PUBLISH with neither Topic Name nor Topic Alias') // [5.0 MQTT-4.7.3-1]
    }
    const topic = this.#namedTopic(bytes)
    // A long one would take more memory than a Connection may use without being charged.
    if (topic.topicBytes.length <= MAX_KEPT_BYTES) this.#lastTopic = topic
    return topic
  }

  #namedTopic(bytes: Uint8Array): KnownTopic {
    this.#server.turn.work.spend(scanned(view.topicEnd - view.topicStart))
    return this.#server.router.topic(bytes, view.topicStart, view.topicEnd)
  }

  /** With a topic, an alias sets or replaces the mapping; without one, it uses the mapping (U-3.3.4-4). */
  #aliasedTopic(bytes: Uint8Array, alias: number): KnownTopic {
    const maximum = this.#connection.limits.topicAliasMaximum
    if (alias > maximum) {
      // [5.0 MQTT-3.2.2-17] [5.0 MQTT-3.3.2-9]
      throw new ProtocolError(ReasonCode.TopicAliasInvalid, `Topic Alias ${alias} exceeds the maximum of ${maximum}`)
    }
    if (view.topicStart === view.topicEnd) {
      const known = this.#aliases?.[alias]
      if (known === undefined) {
        throw new ProtocolError(ReasonCode.ProtocolError, `Topic Alias ${alias} has no Topic Name yet`) // U-3.3.4-5
      }
      return known
    }
    this.#aliases ??= []
    const topic = this.#namedTopic(bytes)
    this.aliasBytes += sizeOfTopic(topic) - sizeOfTopic(this.#aliases[alias])
    return (this.#aliases[alias] = topic)
  }

  /** Forgets all topics, because the Connection has ended. */
  forgetTopics(): void {
    this.#aliases = undefined
    this.#lastTopic = undefined
    this.aliasBytes = 0
  }

  /** It is a Client's error to have more open than allowed [5.0 MQTT-3.3.4-7] [5.0 MQTT-3.3.4-8]. */
  #checkReceiveMaximum(open: number, version: ProtocolVersion): void {
    const { receiveMaximum } = this.#connection.limits
    if (version !== 5 || open <= receiveMaximum) return
    throw new ProtocolError(
      ReasonCode.ReceiveMaximumExceeded,
      `more than ${receiveMaximum} PUBLISH packets without an answer`,
    )
  }

  /** A QoS 2 message that was accepted before gets its PUBREC again and is not delivered again [5.0 MQTT-4.3.3-10]. */
  #isRepeat(bytes: Uint8Array, topic: KnownTopic, version: ProtocolVersion): boolean {
    const { packetIdentifier } = view
    this.#open ??= new IdentifierSet()
    this.#open.add(packetIdentifier)
    this.#checkReceiveMaximum(this.#open.size, version)
    if (!this.#connection.session!.hasReceived(packetIdentifier)) return false
    if (this.#server.packets.watches(this.#connection)) this.#watchRepeat(bytes, topic)
    this.#sender.acknowledge(PacketType.PUBREC, packetIdentifier, ReasonCode.Success, 0)
    return true
  }

  /** Sends the answer that was pending. */
  answered(reasonCode: number): void {
    if (this.#pendingQos !== 0) this.#answer(this.#pendingQos, this.#pendingIdentifier, reasonCode)
    this.#pendingQos = 0
  }

  #answer(qos: 1 | 2, packetIdentifier: number, reasonCode: number): void {
    if (qos === 1) {
      this.#sender.answer(PacketType.PUBACK, packetIdentifier, reasonCode)
      if (!this.#sender.isHolding || this.#sender.version !== 5) return
      this.#open ??= new IdentifierSet()
      this.#open.add(packetIdentifier)
      return
    }
    if (reasonCode < 0x80) this.#connection.session!.addReceived(packetIdentifier)
    this.#sender.answer(PacketType.PUBREC, packetIdentifier, reasonCode)
    if (reasonCode >= 0x80) this.finished(packetIdentifier) // [5.0 MQTT-4.3.3-9]
  }

  /** Ends an exchange with its last answer. The identifier no longer counts, unless that answer waits for the Store. */
  finished(packetIdentifier: number): void {
    if (!this.#sender.isHolding) this.#open?.delete(packetIdentifier)
  }

  /** Ends an exchange whose last answer has waited for the Store and has been sent. */
  ended(packetIdentifier: number): void {
    this.#open?.delete(packetIdentifier)
  }

  #watch(message: ApplicationMessage, packetIdentifier: number): void {
    message.own()
    const { topicName, retain, payload, properties } = message
    const { dup, qos } = view
    const packet = { type: PacketType.PUBLISH, dup, qos, retain, topicName, packetIdentifier } as const
    this.#server.packets.received(this.#connection, { ...packet, properties, payload })
  }

  /** No message is made of a packet that was received before. */
  #watchRepeat(bytes: Uint8Array, { topicName }: KnownTopic): void {
    const { dup, qos, retain, packetIdentifier, propertiesStart, propertiesEnd, payloadStart, payloadEnd } = view
    const hasProperties = propertiesStart !== propertiesEnd
    const list = hasProperties ? PropertyList.received(bytes, propertiesStart, propertiesEnd, found) : noPropertyList
    const payload = bytes.slice(payloadStart, payloadEnd)
    const packet = { type: PacketType.PUBLISH, dup, qos, retain, topicName, packetIdentifier } as const
    this.#server.packets.received(this.#connection, { ...packet, properties: list.decode(), payload })
  }
}

/** The memory that V8 takes for a topic besides its characters. */
const TOPIC_BYTES = 200

/** Its size as bytes and as text, which takes two bytes a character at most. */
function sizeOfTopic(topic: KnownTopic | undefined): number {
  return topic === undefined ? 0 : TOPIC_BYTES + 3 * topic.topicBytes.length
}

/** Checks the properties of the PUBLISH in `view`. @returns its Topic Alias; 0 if it has none */
function checkPublishProperties(bytes: Uint8Array, maxUserProperties: number): number {
  checkProperties(bytes, view.propertiesStart, view.propertiesEnd, 'PUBLISH', 'client', found, maxUserProperties)
  const at = found.at('topicAlias')
  return at < 0 ? 0 : (bytes[at]! << 8) | bytes[at + 1]!
}
