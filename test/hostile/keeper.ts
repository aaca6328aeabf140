/** A Client that is away: its Session and the message that waits in it must outlast the attack and a restart. @module */
import { PacketType, type Packet } from '../../src/codec/packets.ts'
import { acknowledgement, publishPacket, subscribePacket } from './packets.ts'
import { loginOf } from './pair.ts'
import { Peer } from './peer.ts'
import { SECRET } from './posture.ts'
import { dial, type Ports } from './wire.ts'

const CLIENT_ID = 'keeper'
const TOPIC = 'honest/mail'
const TIMEOUT_MS = 20_000
const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 86_400 } } as const

export class Keeper {
  readonly #ports: Ports

  constructor(ports: Ports) {
    this.#ports = ports
  }

  async #connect(ports: Ports): Promise<{ peer: Peer; packets: Packet[] }> {
    const peer = new Peer(dial('tcp', ports, '127.0.0.1'))
    const packets: Packet[] = []
    peer.onPacket = (packet) => packets.push(packet)
    peer.send(loginOf(CLIENT_ID, KEPT))
    if (!(await peer.until(() => peer.connack !== undefined, TIMEOUT_MS))) throw new Error('the keeper gets no CONNACK')
    return { peer, packets }
  }

  /** Goes away with a Subscription, and publishes to itself what waits for it from then on. */
  async leaveMail(): Promise<void> {
    const { peer, packets } = await this.#connect(this.#ports)
    const has = (type: PacketType): boolean => packets.some((packet) => packet.type === type)
    peer.send(subscribePacket(1, [TOPIC], 1))
    if (!(await peer.until(() => has(PacketType.SUBACK), TIMEOUT_MS))) throw new Error('the keeper gets no SUBACK')
    peer.hangUp()
    const postman = new Peer(dial('tcp', this.#ports, '127.0.0.1'))
    postman.onPacket = (packet) => packets.push(packet)
    postman.send(loginOf('postman'), publishPacket(TOPIC, SECRET, { qos: 1, packetIdentifier: 1 }))
    if (!(await postman.until(() => has(PacketType.PUBACK), TIMEOUT_MS))) throw new Error('the postman gets no PUBACK')
    postman.hangUp()
  }

  /** Comes back. @returns what is wrong */
  async fetchMail(ports: Ports): Promise<readonly string[]> {
    const { peer, packets } = await this.#connect(ports)
    if (peer.connack?.sessionPresent !== true) return ['the Session of a Client that was away is gone']
    const found = (): Packet | undefined => packets.find(({ type }) => type === PacketType.PUBLISH)
    const arrived = await peer.until(() => found() !== undefined, TIMEOUT_MS)
    const mail = found()
    if (mail?.type === PacketType.PUBLISH) peer.send(acknowledgement(PacketType.PUBACK, mail.packetIdentifier))
    peer.hangUp()
    const isRight = arrived && mail?.type === PacketType.PUBLISH && Buffer.from(mail.payload).toString() === SECRET
    return isRight ? [] : ['an acknowledged message for a Client that was away is gone']
  }
}
