/**
 * A Client that is away, and one that writes to it all the time: what was acknowledged must outlast the attack and a
 * restart, and nobody else's mail may be a reason to refuse it.
 *
 * @module
 */
import { type Packet } from '../../src/codec/packets.ts'
import { PacketType } from '../../src/codec/packet-types.ts'
import { ReasonCode } from '../../src/codec/reason-code.ts'
import { acknowledgement, publishPacket, subscribePacket } from './packets.ts'
import { loginOf } from './pair.ts'
import { Peer } from './peer.ts'
import { SECRET } from './posture.ts'
import { dial, type Ports } from './wire.ts'

const CLIENT_ID = 'keeper'
const TOPIC = 'honest/mail'
const EVERY_MS = 100
const TIMEOUT_MS = 30_000
/** A store that was full has room again within a second of enough being consumed. */
const ROOM_TIMEOUT_MS = 10_000
const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 86_400 } } as const

export class Keeper {
  readonly faults: string[] = []
  readonly #ports: Ports
  readonly #mayBeRefused: boolean
  /** Letters that were acknowledged. */
  readonly #acknowledged: number[] = []
  #postman: Peer | undefined
  #timer: NodeJS.Timeout | undefined
  #written = 0
  #answered = 0
  /** How many were refused since one was accepted. */
  #refusedInARow = 0

  /** @param mayBeRefused while the store is full: afterwards no letter may be */
  constructor(ports: Ports, mayBeRefused = false) {
    this.#ports = ports
    this.#mayBeRefused = mayBeRefused
  }

  async #connect(clientId: string, ports: Ports, onPacket: (packet: Packet, peer: Peer) => void): Promise<Peer> {
    const peer = new Peer(dial('tcp', ports, '127.0.0.1'))
    // What is in the same chunk as CONNACK comes before the caller has the Connection.
    peer.onPacket = (packet) => onPacket(packet, peer)
    peer.send(loginOf(clientId, clientId === CLIENT_ID ? KEPT : {}))
    if (!(await peer.until(() => peer.connack !== undefined, TIMEOUT_MS)))
      throw new Error(`the ${clientId} gets no CONNACK`)
    const { reasonCode } = peer.connack!
    if (reasonCode !== 0) throw new Error(`the ${clientId} is refused: 0x${reasonCode.toString(16)}`)
    return peer
  }

  /** Goes away with a Subscription; from then on it is written to. */
  async start(): Promise<void> {
    let isSubscribed = false
    const peer = await this.#connect(
      CLIENT_ID,
      this.#ports,
      ({ type }) => (isSubscribed ||= type === PacketType.SUBACK),
    )
    peer.send(subscribePacket(1, [TOPIC], 1))
    if (!(await peer.until(() => isSubscribed, TIMEOUT_MS))) throw new Error('the keeper gets no SUBACK')
    peer.hangUp()
    this.#postman = await this.#connect('postman', this.#ports, (packet) => this.#heard(packet))
    this.#timer = setInterval(() => this.#write(), EVERY_MS)
  }

  #write(): void {
    const packetIdentifier = ++this.#written
    this.#postman!.send(publishPacket(TOPIC, `${SECRET} ${packetIdentifier}`, { qos: 1, packetIdentifier }))
  }

  #heard(packet: Packet): void {
    if (packet.type !== PacketType.PUBACK) return
    this.#answered++
    const { packetIdentifier, reasonCode } = packet
    this.#refusedInARow = reasonCode < 0x80 ? 0 : this.#refusedInARow + 1
    if (reasonCode < 0x80) this.#acknowledged.push(packetIdentifier)
    else if (!this.#mayBeRefused || reasonCode !== ReasonCode.QuotaExceeded)
      this.faults.push(`a letter was refused: 0x${reasonCode.toString(16)}`)
  }

  /**
   * Writes nothing more, and waits for what is under way; with a store that was full, until a letter is accepted again.
   */
  async settled(): Promise<void> {
    const isServed = await this.#postman!.until(() => this.#refusedInARow === 0, ROOM_TIMEOUT_MS)
    if (!isServed) this.faults.push(`the last ${this.#refusedInARow} letters were refused, though there is room again`)
    clearInterval(this.#timer)
    const postman = this.#postman!
    const isDone = await postman.until(() => this.#answered === this.#written, TIMEOUT_MS)
    if (!isDone) this.faults.push(`${this.#written - this.#answered} letters were not acknowledged`)
    postman.hangUp()
  }

  leave(): void {
    clearInterval(this.#timer)
    this.#postman?.hangUp()
  }

  /** Comes back. @returns what is wrong */
  async fetchMail(ports: Ports): Promise<readonly string[]> {
    const found = new Set<number>()
    const peer = await this.#connect(CLIENT_ID, ports, (packet, keeper) => {
      if (packet.type !== PacketType.PUBLISH) return
      keeper.send(acknowledgement(PacketType.PUBACK, packet.packetIdentifier))
      const [secret, number] = Buffer.from(packet.payload).toString().split(' ')
      if (secret === SECRET) found.add(Number(number))
    })
    if (peer.connack?.sessionPresent !== true) return ['the Session of a Client that was away is gone']
    const missing = (): number[] => this.#acknowledged.filter((number) => !found.has(number))
    await peer.until(() => missing().length === 0, TIMEOUT_MS)
    const end = peer.isClosed ? `, and it was cut off: ${peer.problem ?? 'without a word'}` : ''
    peer.hangUp()
    const gone = missing()
    if (gone.length === 0) return []
    const of = `${gone.length} of ${this.#acknowledged.length} acknowledged messages for a Client that was away are gone`
    return [`${of}, ${gone[0]} first${end}`]
  }
}
