/**
 * A Client that does a few things before an attack and nothing during it: what the flight recorder has of it may not be
 * pushed out by anybody.
 *
 * @module
 */
import { PacketType } from '../../src/codec/packet-types.ts'
import { publishPacket, subscribePacket } from './packets.ts'
import { loginOf } from './pair.ts'
import { Peer } from './peer.ts'
import { dial, type Ports } from './wire.ts'

export const WITNESS = 'witness'
const TIMEOUT_MS = 30_000

export class Witness {
  readonly #peer: Peer
  #acknowledged = 0

  constructor(ports: Ports) {
    this.#peer = new Peer(dial('tcp', ports, '127.0.0.1'))
    this.#peer.onPacket = ({ type }) => {
      if (type === PacketType.SUBACK || type === PacketType.PUBACK) this.#acknowledged++
    }
  }

  async start(): Promise<void> {
    this.#peer.send(loginOf(WITNESS))
    this.#peer.send(subscribePacket(1, ['honest/witness/only'], 1))
    this.#peer.send(publishPacket('honest/witness', 'seen', { qos: 1, packetIdentifier: 2 }))
    if (!(await this.#peer.until(() => this.#acknowledged === 2, TIMEOUT_MS)))
      throw new Error('the witness gets no answer')
  }

  get faults(): readonly string[] {
    return this.#peer.isClosed ? [`the witness was cut off: ${this.#peer.problem ?? 'without a word'}`] : []
  }

  leave(): void {
    this.#peer.hangUp()
  }
}
