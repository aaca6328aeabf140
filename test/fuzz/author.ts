/**
 * Thinks up what happens to a world: Clients that connect, subscribe, publish and acknowledge as they should, until one
 * of them does not. It sees what its Clients got, so that they answer it; what it decides is written down as bytes.
 *
 * @module
 */
import { encodePacket } from '../../src/codec/encode.ts'
import { type Packet } from '../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion } from '../../src/codec/packet-types.ts'
import { denseBytes } from './dense.ts'
import { mutate, nudge } from './mutate.ts'
import {
  authPacket,
  connectPacket,
  disconnectPacket,
  packetIdentifier,
  publishPacket,
  subscribePacket,
  unsubscribePacket,
} from './packets.ts'
import { SeededRandom } from '../../src/testing/random.ts'
import type { Recording } from './recording.ts'
import { SLOTS } from './world.ts'

const VERSIONS = [3, 4, 5] as const
/** Packets of others that splices take from. */
const REMEMBERED = 64
/** Largest stream that the decoder is given again by itself. */
const MAX_DECODED_BYTES = 3000

/** The share of episodes at whose end the cost of some bytes is measured, in a broker of their own. */
const MEASURED = 0.2

/** How wild a Client is: the share of its packets that are damaged. */
const WILDNESS = [0, 0.3, 0.6, 0.8, 1]

interface Slot {
  version: ProtocolVersion
  wildness: number
  /** A packet that is held back, to come behind a later one. */
  heldBack: Buffer | undefined
  /** Bytes that were thought up and not sent. */
  pending: Buffer[]
  /** Everything that was sent on this Connection. */
  readonly sent: Buffer[]
}

export interface Counts {
  /** Packets sent, whole or not. */
  packets: number
  /** Those that were damaged, or came twice, in another order or from somebody else. */
  mutated: number
  /** Network Connections. */
  connections: number
}

function noCounts(): Counts {
  return { packets: 0, mutated: 0, connections: 0 }
}

export class Author {
  #counts = noCounts()
  readonly #random: SeededRandom
  readonly #recording: Recording
  #slots: Slot[]
  readonly #remembered: Buffer[] = [Buffer.from([0xc0, 0x00])]

  constructor(seed: number, recording: Recording) {
    this.#random = new SeededRandom(seed)
    this.#recording = recording
    this.#slots = Array.from({ length: SLOTS }, () => this.#newSlot())
  }

  #newSlot(): Slot {
    const random = this.#random
    const version = random.pick(VERSIONS)
    return { version, wildness: random.pick(WILDNESS), heldBack: undefined, pending: [], sent: [] }
  }

  /** What was sent since it was last asked. */
  takeCounts(): Counts {
    const counts = this.#counts
    this.#counts = noCounts()
    return counts
  }

  /** One episode: so many things happen, then everybody leaves. */
  async episode(length: number): Promise<void> {
    const random = this.#random
    for (let count = 0; count < length; count++) {
      const slot = random.integer(SLOTS)
      this.#act(slot)
      if (random.chance(0.3)) this.#recording.play({ do: 'turn' })
      if (random.chance(0.1)) await this.#recording.playLate({ do: 'commit' })
      if (random.chance(0.02)) await this.#recording.playLate({ do: 'settle' })
      if (random.chance(0.01))
        this.#recording.play({ do: 'wait', milliseconds: random.pick([1, 400, 1600, 6000, 70_000]) })
    }
    for (let slot = 0; slot < SLOTS; slot++) this.#flush(slot)
    await this.#recording.playLate({ do: 'end' })
    for (const { sent } of this.#slots) this.#decodeAlone(sent)
    if (random.chance(MEASURED)) await this.#recording.playLate({ do: 'cost', ...denseBytes(random) })
    this.#slots = Array.from({ length: SLOTS }, () => this.#newSlot())
  }

  /** What was sent, as a Client's and as a Server's bytes, for the decoder alone. */
  #decodeAlone(sent: readonly Uint8Array[]): void {
    const bytes = Buffer.concat(sent).subarray(0, MAX_DECODED_BYTES)
    const version = this.#random.pick(VERSIONS)
    this.#recording.play({ do: 'decode', version, sender: this.#random.chance(0.7) ? 'client' : 'server', bytes })
  }

  #act(number: number): void {
    const random = this.#random
    const client = this.#recording.world.clients[number]
    if (client === undefined || client.isEnded || random.chance(0.005)) {
      this.#open(number)
      return
    }
    const chance = random.integer(1000)
    if (chance < 4) this.#recording.play({ do: 'lose', slot: number })
    else if (chance < 8) this.#recording.play({ do: 'freeze', slot: number })
    else if (client.isFrozen && chance < 60) this.#recording.play({ do: 'thaw', slot: number })
    else {
      for (let count = 1 + random.integer(4); count > 0; count--) this.#say(number, this.#thinkUp(number))
      if (random.chance(0.8)) this.#flush(number)
    }
  }

  #open(number: number): void {
    const slot = this.#newSlot()
    this.#slots[number] = slot
    this.#counts.connections++
    this.#recording.play({ do: 'open', slot: number, address: 1 + this.#random.integer(200) })
    // Before CONNECT nothing else may come, so that only the wildest do without.
    if (this.#random.chance(slot.wildness * 0.2)) return
    this.#say(number, connectPacket(this.#random, slot.version), slot.wildness * 0.3)
    this.#flush(number)
  }

  #thinkUp(number: number): Packet {
    const random = this.#random
    const { version } = this.#slots[number]!
    const owed = random.chance(0.7) ? this.#recording.world.clients[number]!.unanswered.shift() : undefined
    if (owed !== undefined)
      return acknowledgement(owed.type, owed.packetIdentifier, this.#reasonFor(owed.type, version))
    const chance = random.integer(100)
    if (chance < 55) return publishPacket(random, version, this.#recording.world.isRoomy)
    if (chance < 70) return subscribePacket(random, version)
    if (chance < 76) return unsubscribePacket(random, version)
    if (chance < 84) return acknowledgement(PacketType.PUBREL, packetIdentifier(random), 0)
    if (chance < 92) return { type: PacketType.PINGREQ }
    if (chance < 94) return acknowledgement(random.pick([4, 5, 7]), packetIdentifier(random), 0)
    if (chance < 97) return version === 5 ? authPacket(random) : { type: PacketType.PINGREQ }
    if (chance < 99) return disconnectPacket(random, version)
    return connectPacket(random, version)
  }

  #reasonFor(type: PacketType, version: ProtocolVersion): number {
    return version === 5 && type !== PacketType.PUBCOMP && this.#random.chance(0.1) ? 0x80 : 0
  }

  /** Puts a packet into the stream, or what becomes of it. */
  #say(number: number, packet: Packet, wildness = this.#slots[number]!.wildness): void {
    const random = this.#random
    const slot = this.#slots[number]!
    const bytes = Buffer.from(encodePacket(packet, slot.version))
    this.#counts.packets++
    this.#remember(bytes)
    if (!random.chance(wildness)) {
      slot.pending.push(bytes)
      return
    }
    this.#counts.mutated++
    const chance = random.integer(100)
    if (chance < 20) slot.pending.push(bytes, bytes)
    else if (chance < 40) this.#holdBack(slot, bytes)
    else if (chance < 80) slot.pending.push(nudge(bytes, random))
    else if (chance < 85) slot.pending.push(random.pick(this.#remembered))
    else slot.pending.push(mutate(bytes, random.pick(this.#remembered), random))
  }

  /** Changes the order: what is held back comes behind the next one that is. */
  #holdBack(slot: Slot, bytes: Buffer): void {
    if (slot.heldBack !== undefined) slot.pending.push(slot.heldBack)
    slot.heldBack = bytes
  }

  #remember(bytes: Buffer): void {
    if (this.#remembered.length < REMEMBERED) this.#remembered.push(bytes)
    else this.#remembered[this.#random.integer(REMEMBERED)] = bytes
  }

  /** Sends what was thought up, cut anywhere. */
  #flush(number: number): void {
    const slot = this.#slots[number]!
    const random = this.#random
    let bytes = Buffer.concat(slot.pending)
    slot.pending = []
    slot.sent.push(bytes)
    while (bytes.length > 0) {
      const length = random.chance(0.7) ? bytes.length : 1 + random.integer(bytes.length)
      this.#recording.play({ do: 'send', slot: number, bytes: bytes.subarray(0, length) })
      bytes = bytes.subarray(length)
      if (bytes.length > 0 && random.chance(0.3)) this.#recording.play({ do: 'turn' })
    }
  }
}

function acknowledgement(type: PacketType, identifier: number, reasonCode: number): Packet {
  return { type, packetIdentifier: identifier, reasonCode, properties: {} } as Packet
}
