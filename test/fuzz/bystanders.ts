/**
 * Two Clients that keep every rule and exchange numbered messages at all QoS while others do their worst: they lose
 * none, get none twice, and notice nothing. Order holds for each QoS by itself: what goes at QoS 0 may overtake what
 * waits (§4.6).
 *
 * The listener's Session is kept: in a world with a Store an acknowledgement means that the message is in it, unless
 * the listener has acknowledged it.
 *
 * @module
 */
import { encodePacket } from '../../src/codec/encode.ts'
import { type Packet } from '../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion, type QoS } from '../../src/codec/packet-types.ts'
import type { MessageRecord } from '../../src/stores/store.ts'
import type { FuzzClient, Surroundings } from './fuzz-client.ts'

/** Answers that may be outstanding, and messages that may be on their way, before the speaker is silent. */
const MAX_OWED = 5
const MAX_UNHEARD = 5
/** One message in so many is sent twice at QoS 2. */
const REPEATED = 4
const TOPIC = 'a street/of bystanders'

export class Bystanders {
  readonly #speaker: FuzzClient
  readonly #listener: FuzzClient
  readonly #versions: readonly [ProtocolVersion, ProtocolVersion]
  readonly #world: Surroundings
  readonly #storesMessages: boolean
  /** Messages that were not acknowledged yet, by Packet Identifier. */
  readonly #unacknowledged = new Map<number, number>()
  /** Of those, which are committed or acknowledged by the listener. */
  readonly #safe = new Set<number>()
  /** What the listener's Packet Identifiers stand for. */
  readonly #received = new Map<number, number>()
  #said = 0
  #heard = 0
  /** The last message of each QoS that was heard. */
  readonly #lastHeard: number[]

  constructor(
    speaker: FuzzClient,
    listener: FuzzClient,
    versions: readonly [ProtocolVersion, ProtocolVersion],
    world: Surroundings,
    storesMessages: boolean,
  ) {
    this.#storesMessages = storesMessages
    this.#speaker = speaker
    this.#listener = listener
    this.#versions = versions
    this.#world = world
    this.#lastHeard = Array.from({ length: this.#kinds }, (_, qos) => (qos === 0 ? 0 : qos - this.#kinds))
    const [first, second] = versions
    speaker.send(encodePacket(connect('a speaker', first, false), first))
    listener.send(encodePacket(connect('a listener', second, true), second))
    listener.send(encodePacket(subscribe, second))
    speaker.onAnswer = (type, packetIdentifier) => {
      if (type !== PacketType.PUBCOMP) this.#takenOver(packetIdentifier)
    }
    listener.onPublish = ({ topicName, qos, packetIdentifier, payload }) => {
      if (topicName !== TOPIC) world.fail(`the bystander heard ${topicName}`)
      const number = Number(Buffer.from(payload).toString())
      this.#hear(number, qos)
      if (qos > 0) this.#received.set(packetIdentifier, number)
    }
  }

  /** A message is committed. */
  stored({ topicName, payload }: MessageRecord): void {
    if (topicName === TOPIC) this.#isSafe(Number(Buffer.from(payload).toString()))
  }

  #isSafe(number: number): void {
    if ([...this.#unacknowledged.values()].includes(number)) this.#safe.add(number)
  }

  #takenOver(packetIdentifier: number): void {
    const number = this.#unacknowledged.get(packetIdentifier)
    this.#unacknowledged.delete(packetIdentifier)
    if (number === undefined || this.#safe.delete(number) || !this.#storesMessages) return
    this.#world.fail(`message ${number} is acknowledged before it is stored`)
  }

  #hear(number: number, qos: QoS): void {
    this.#heard++
    const next = this.#lastHeard[qos]! + this.#kinds
    if (number !== next) this.#world.fail(`the bystander heard message ${number} at QoS ${qos} where ${next} is next`)
    this.#lastHeard[qos] = number
  }

  /** One more message. To be called in the turn of the others, before it ends. */
  speak(): void {
    this.#answer(this.#speaker, this.#versions[0])
    // While the Store takes its time it keeps the Server's Receive Maximum, and fills nobody's queue.
    if (this.#speaker.requests.owed.length >= MAX_OWED || this.#said - this.#heard >= MAX_UNHEARD) return
    const number = ++this.#said
    const qos = this.#qosOf(number)
    const packetIdentifier = qos === 0 ? 0 : (number % 65_535) + 1
    if (qos > 0) this.#unacknowledged.set(packetIdentifier, number)
    this.#publish(number, qos, packetIdentifier, false)
    // 5.0 sends again on a new Connection only [5.0 MQTT-4.4.0-1].
    if (qos === 2 && this.#versions[0] < 5 && number % REPEATED === 0) {
      this.#publish(number, qos, packetIdentifier, true)
    }
  }

  #publish(number: number, qos: QoS, packetIdentifier: number, dup: boolean): void {
    const payload = Buffer.from(String(number))
    const fields = { dup, qos, retain: false, topicName: TOPIC, packetIdentifier, properties: {}, payload }
    this.#speaker.send(encodePacket({ type: PacketType.PUBLISH, ...fields }, this.#versions[0]))
  }

  /** Acknowledges what came. @returns whether there was something */
  listen(): boolean {
    const listens = this.#answer(this.#listener, this.#versions[1])
    return this.#answer(this.#speaker, this.#versions[0]) || listens
  }

  #answer(client: FuzzClient, version: ProtocolVersion): boolean {
    // The speaker's own exchanges: each PUBREC wants a PUBREL.
    const answers = client.unanswered.splice(0)
    for (const { type, packetIdentifier } of answers) {
      const packet = { type, packetIdentifier, reasonCode: 0, properties: {} } as Packet
      client.send(encodePacket(packet, version))
      if (client === this.#listener && type !== PacketType.PUBREC) this.#isSafe(this.#received.get(packetIdentifier)!)
    }
    return answers.length > 0
  }

  /** How many QoS there are: messages go through them in turn. */
  get #kinds(): number {
    return this.#world.options.maxQos + 1
  }

  #qosOf(number: number): QoS {
    return (number % this.#kinds) as QoS
  }

  /** All turns have ended: what was said is heard, and both are where they were. */
  check(): void {
    if (this.#heard !== this.#said) this.#world.fail(`the bystander heard ${this.#heard} of ${this.#said} messages`)
    for (const client of [this.#speaker, this.#listener]) {
      if (client.isEnded) this.#world.fail(`${client.name} was disconnected`)
    }
  }
}

function connect(clientId: string, protocolVersion: ProtocolVersion, isKept: boolean): Packet {
  const properties = isKept && protocolVersion === 5 ? { sessionExpiryInterval: 0xffff_ffff } : {}
  return { type: PacketType.CONNECT, protocolVersion, cleanStart: !isKept, keepAlive: 0, clientId, properties }
}

const subscribe: Packet = {
  type: PacketType.SUBSCRIBE,
  packetIdentifier: 1,
  subscriptions: [{ topicFilter: TOPIC, qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
  properties: {},
}
