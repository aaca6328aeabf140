/**
 * Two Clients that keep every rule and exchange numbered messages at all QoS while others do their worst: they lose none, get
 * none twice, and notice nothing. Order holds for each QoS by itself: what goes at QoS 0 may overtake what waits (§4.6).
 *
 * @module
 */
import { encodePacket } from '../../src/codec/encode.ts'
import { PacketType, type Packet, type ProtocolVersion, type QoS } from '../../src/codec/packets.ts'
import type { FuzzClient, Surroundings } from './fuzz-client.ts'

/** Answers that may be outstanding before the speaker is silent. */
const MAX_OWED = 5
const TOPIC = 'a street/of bystanders'

export class Bystanders {
  readonly #speaker: FuzzClient
  readonly #listener: FuzzClient
  readonly #versions: readonly [ProtocolVersion, ProtocolVersion]
  readonly #world: Surroundings
  #said = 0
  #heard = 0
  /** The last message of each QoS that was heard. */
  readonly #lastHeard: number[]

  constructor(
    speaker: FuzzClient,
    listener: FuzzClient,
    versions: readonly [ProtocolVersion, ProtocolVersion],
    world: Surroundings,
  ) {
    this.#speaker = speaker
    this.#listener = listener
    this.#versions = versions
    this.#world = world
    this.#lastHeard = Array.from({ length: this.#kinds }, (_, qos) => (qos === 0 ? 0 : qos - this.#kinds))
    const [first, second] = versions
    speaker.send(encodePacket(connect('a speaker', first), first))
    listener.send(encodePacket(connect('a listener', second), second))
    listener.send(encodePacket(subscribe, second))
    listener.onPublish = ({ topicName, qos, payload }) => {
      if (topicName !== TOPIC) world.fail(`the bystander heard ${topicName}`)
      this.#hear(Number(Buffer.from(payload).toString()), qos)
    }
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
    // It keeps the Server's Receive Maximum, also while the Store takes its time.
    if (this.#speaker.requests.owed.length >= MAX_OWED) return
    const number = ++this.#said
    const packet = {
      type: PacketType.PUBLISH,
      dup: false,
      qos: this.#qosOf(number),
      retain: false,
      topicName: TOPIC,
      packetIdentifier: this.#qosOf(number) === 0 ? 0 : (number % 65_535) + 1,
      properties: {},
      payload: Buffer.from(String(number)),
    }
    this.#speaker.send(encodePacket(packet, this.#versions[0]))
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

function connect(clientId: string, protocolVersion: ProtocolVersion): Packet {
  return { type: PacketType.CONNECT, protocolVersion, cleanStart: true, keepAlive: 0, clientId, properties: {} }
}

const subscribe: Packet = {
  type: PacketType.SUBSCRIBE,
  packetIdentifier: 1,
  subscriptions: [{ topicFilter: TOPIC, qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
  properties: {},
}
