/**
 * A publisher that says something every few milliseconds, and a subscriber that waits for it; and listeners that only
 * listen. @module
 */
import { type Packet } from '../../src/codec/packets.ts'
import { PacketType } from '../../src/codec/packet-types.ts'
import { ReasonCode } from '../../src/codec/reason-code.ts'
import { acknowledgement, connectPacket, PINGREQ, publishPacket, subscribePacket } from './packets.ts'
import { Peer } from './peer.ts'
import { HONEST, SECRET } from './posture.ts'
import { Worst, type Moment, type WorkMeter } from './work-meter.ts'
import { dial, type Door, type Ports } from './wire.ts'

const EVERY_MS = 5
const BYSTANDERS = 12
const TOPIC = 'honest/pair'
const START_TIMEOUT_MS = 20_000
/** What is still under way in the end gets so long. */
const SETTLE_TIMEOUT_MS = 30_000

export function loginOf(clientId: string, more: Parameters<typeof connectPacket>[1] = {}): Packet {
  const { userName, password } = HONEST
  return connectPacket(clientId, { userName, password: Buffer.from(password), ...more })
}

export interface PairOptions {
  /** Of its Client Identifiers. */
  readonly prefix?: string
  /** While the store is full its messages may be refused. */
  readonly mayBeRefused?: boolean
}

export class Pair {
  readonly worst = new Worst()
  messages = 0
  readonly faults: string[] = []
  readonly #ports: Ports
  readonly #prefix: string
  readonly #mayBeRefused: boolean
  readonly #peers: { readonly name: string; readonly peer: Peer }[] = []
  readonly #sentAt = new Map<number, Moment>()
  readonly #work: WorkMeter
  #publisher: Peer | undefined
  #subscriber: Peer | undefined
  #timer: NodeJS.Timeout | undefined
  #said = 0
  #isLeaving = false

  constructor(ports: Ports, work: WorkMeter, { prefix = '', mayBeRefused = false }: PairOptions = {}) {
    this.#prefix = prefix
    this.#mayBeRefused = mayBeRefused
    this.#ports = ports
    this.#work = work
  }

  async start(): Promise<void> {
    this.#subscriber = await this.#connect('subscriber', 'tcp')
    let isSubscribed = false
    const subscriber = this.#subscriber
    subscriber.onPacket = (packet) => {
      isSubscribed ||= packet.type === PacketType.SUBACK
      this.#heard(packet)
    }
    subscriber.send(subscribePacket(1, [TOPIC], 1))
    if (!(await subscriber.until(() => isSubscribed, START_TIMEOUT_MS))) throw new Error('no SUBACK for the subscriber')
    this.#publisher = await this.#connect('publisher', 'tcp')
    this.#publisher.onPacket = (packet) => this.#answered(packet)
    const doors: readonly Door[] = ['tcp', 'tls', 'ws']
    const names = Array.from({ length: BYSTANDERS }, (_, at) => `bystander-${at}`)
    await Promise.all(names.map((name, at) => this.#connect(name, doors[at % doors.length]!)))
    this.#timer = setInterval(() => this.#say(), EVERY_MS)
  }

  async #connect(name: string, door: Door): Promise<Peer> {
    const peer = new Peer(dial(door, this.#ports, '127.0.0.1'))
    peer.send(loginOf(this.#prefix + name))
    if (!(await peer.until(() => peer.connack !== undefined, START_TIMEOUT_MS)) || peer.connack!.reasonCode !== 0) {
      throw new Error(`${name} cannot log in by ${door}: ${peer.connack?.reasonCode ?? 'no CONNACK'}`)
    }
    peer.onPacket = () => undefined
    peer.onClose = () => this.#lost(name)
    this.#peers.push({ name, peer })
    return peer
  }

  #lost(name: string): void {
    if (!this.#isLeaving) this.faults.push(`${name} was disconnected`)
  }

  #say(): void {
    const number = ++this.#said
    this.#sentAt.set(number, this.#work.now())
    const packetIdentifier = (number % 65_535) + 1
    this.#publisher!.send(publishPacket(TOPIC, `${SECRET} ${number}`, { qos: 1, packetIdentifier }))
    // Bystanders show that they live, one after the other.
    this.#peers[number % this.#peers.length]!.peer.send(PINGREQ)
  }

  /** What is refused never arrives. */
  #answered(packet: Packet): void {
    if (packet.type !== PacketType.PUBACK || packet.reasonCode < 0x80) return
    const { packetIdentifier, reasonCode } = packet
    const lap = Math.floor((this.#said - packetIdentifier + 1) / 65_535)
    this.#sentAt.delete(lap * 65_535 + packetIdentifier - 1)
    const isFull = this.#mayBeRefused && reasonCode === ReasonCode.QuotaExceeded
    if (!isFull) this.faults.push(`a message of the publisher was refused: 0x${reasonCode.toString(16)}`)
  }

  #heard(packet: Packet): void {
    if (packet.type !== PacketType.PUBLISH) return
    this.#subscriber!.send(acknowledgement(PacketType.PUBACK, packet.packetIdentifier))
    const [secret, number] = Buffer.from(packet.payload).toString().split(' ')
    const sentAt = this.#sentAt.get(Number(number))
    if (packet.topicName !== TOPIC || secret !== SECRET || sentAt === undefined) {
      this.faults.push(`the subscriber got what nobody sent to it: ${packet.topicName.slice(0, 40)}`)
      return
    }
    this.#sentAt.delete(Number(number))
    this.messages++
    this.#waited(sentAt)
  }

  #waited(since: Moment): void {
    this.worst.add(since, this.#work.now())
  }

  /** What was until now does not count. */
  watch(): void {
    this.worst.forget()
    this.messages = 0
  }

  /** Says nothing more, and waits for what is under way. */
  async settled(): Promise<void> {
    clearInterval(this.#timer)
    const endsAt = performance.now() + SETTLE_TIMEOUT_MS
    while (this.#sentAt.size > 0 && performance.now() < endsAt && !this.#subscriber!.isClosed) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    if (this.#sentAt.size === 0) return
    this.faults.push(`${this.#sentAt.size} messages of QoS 1 never arrived`)
    for (const sentAt of this.#sentAt.values()) this.#waited(sentAt)
  }

  leave(): void {
    this.#isLeaving = true
    clearInterval(this.#timer)
    for (const { peer } of this.#peers) peer.hangUp()
  }
}
