/** Another broker of which the test writes every packet: in memory, for clients that dial it. @module */
import { decodePacket } from '../../src/codec/decode.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import type { Packet } from '../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion } from '../../src/codec/packet-types.ts'
import { noProperties, type Properties } from '../../src/codec/properties.ts'
import type { Attempt } from '../../src/client/client-side.ts'
import type { Incoming, Transport } from '../../src/protocol/transport.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** What it answers to a packet. */
export type Script = (packet: Packet, remote: ScriptedRemote) => readonly Packet[]

export class ScriptedRemote {
  /** What was sent to it. */
  readonly packets: Packet[] = []
  readonly #script: Script
  readonly #clock: VirtualClock
  readonly #version: ProtocolVersion
  #connection: ScriptedConnection | undefined

  constructor(clock: VirtualClock, script: Script, version: ProtocolVersion = 5) {
    this.#clock = clock
    this.#script = script
    this.#version = version
  }

  /** Accepts a connection. */
  dial(attempt: Attempt): void {
    const answer = (packet: Packet): readonly Packet[] => {
      this.packets.push(packet)
      return this.#script(packet, this)
    }
    this.#connection = new ScriptedConnection(this.#clock, answer, this.#version)
    this.#connection.incoming = attempt.opened(this.#connection)
  }

  /** The connection is lost. */
  reset(): void {
    this.#connection?.destroy()
  }
}

class ScriptedConnection implements Transport {
  readonly unsentBytes = 0
  incoming: Incoming | undefined
  readonly #answer: (packet: Packet) => readonly Packet[]
  readonly #clock: VirtualClock
  readonly #decoder = new Decoder()
  readonly #version: ProtocolVersion
  #isOver = false

  constructor(clock: VirtualClock, answer: (packet: Packet) => readonly Packet[], version: ProtocolVersion) {
    this.#clock = clock
    this.#answer = answer
    this.#version = version
  }

  write(bytes: Uint8Array): boolean {
    this.#decoder.push(new Uint8Array(bytes))
    while (this.#decoder.next()) {
      const { bytes: chunk, firstByte, bodyStart, end } = this.#decoder
      this.#send(this.#answer(decodePacket(chunk, firstByte, bodyStart, end, this.#version, 'client')))
    }
    this.#decoder.detach()
    return true
  }

  #send(packets: readonly Packet[]): void {
    if (packets.length === 0) return
    const bytes = Buffer.concat(packets.map((packet) => encodePacket(packet, this.#version)))
    this.#clock.atEndOfTurn(() => {
      if (!this.#isOver) this.incoming?.receive(bytes)
    })
  }

  pauseReading(): void {}

  resumeReading(): void {}

  end(): void {
    this.destroy()
  }

  destroy(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#clock.atEndOfTurn(() => this.incoming?.lost(new Error('read ECONNRESET')))
  }
}

/** A server that accepts everything, within the limits of its CONNACK. */
export function accepting(properties: Properties = noProperties, more: Script = () => []): Script {
  return (packet, remote) => {
    const special = more(packet, remote)
    if (special.length > 0) return special
    switch (packet.type) {
      case PacketType.CONNECT:
        return [{ type: PacketType.CONNACK, sessionPresent: false, reasonCode: 0, properties }]
      case PacketType.SUBSCRIBE: {
        const { packetIdentifier, subscriptions } = packet
        const reasonCodes = subscriptions.map(({ qos }) => qos)
        return [{ type: PacketType.SUBACK, packetIdentifier, reasonCodes, properties: noProperties }]
      }
      case PacketType.PUBLISH:
        if (packet.qos === 0) return []
        return [acknowledgement(packet.qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, packet.packetIdentifier)]
      case PacketType.PUBREL:
        return [acknowledgement(PacketType.PUBCOMP, packet.packetIdentifier)]
      case PacketType.PINGREQ:
        return [{ type: PacketType.PINGRESP }]
      default:
        return []
    }
  }
}

export function acknowledgement(type: 4 | 5 | 6 | 7, packetIdentifier: number, reasonCode = 0): Packet {
  return { type, packetIdentifier, reasonCode, properties: noProperties }
}
