/** One connection of a trace that is replayed: what it has received, and what it should have. @module */
import { Decoder } from '../codec/decoder.ts'
import { decodePacket } from '../codec/decode.ts'
import type { Packet, PublishPacket } from '../codec/packets.ts'
import { PacketType, type ProtocolVersion } from '../codec/packet-types.ts'
import { packetFields, versionFields } from '../admin/trace/packet-fields.ts'
import { packetText } from '../admin/trace/trace-line.ts'
import type { TracePacket } from '../broker/host/trace-admin.ts'
import type { TestStream } from './test-stream.ts'
import { comparable } from './traced-packets.ts'

/** A packet that the broker should have sent, and its line in the file. */
export interface Expected {
  readonly line: number
  readonly packet: TracePacket
}

/** Where answers of the broker differ from those in the trace. */
export interface ReplayDifference {
  /** Line in the file; that of the last record for a packet which is not in the trace. */
  readonly line: number
  readonly clientId: string
  /** Number of the connection in the trace. */
  readonly connection: number
  /** What the trace shows; `undefined` for a packet that it does not have. */
  readonly expected: string | undefined
  /** What the broker has sent; `undefined` if it has sent nothing. */
  readonly got: string | undefined
}

export class ReplayedClient {
  readonly clientId: string
  readonly connection: number
  readonly version: ProtocolVersion
  readonly stream: TestStream
  /** What the broker should have sent. */
  readonly expected: Expected[] = []
  readonly #decoder = new Decoder()
  readonly #aliases = new Map<number, string>()
  #received: TracePacket[] = []

  constructor(clientId: string, connection: number, version: ProtocolVersion, stream: TestStream) {
    this.clientId = clientId
    this.connection = connection
    this.version = version
    this.stream = stream
    stream.on('data', (bytes: Uint8Array) => this.#read(bytes))
  }

  #read(bytes: Uint8Array): void {
    this.#decoder.push(bytes)
    while (this.#decoder.next()) {
      const { bytes: all, firstByte, bodyStart, end } = this.#decoder
      const packet = decodePacket(all, firstByte, bodyStart, end, this.version, 'server')
      const named = packet.type === PacketType.PUBLISH ? this.#named(packet) : packet
      this.#received.push(versionFields(packetFields(named, 0), this.version))
    }
    this.#decoder.detach()
  }

  /** A trace shows the topic, also where an alias replaces it. */
  #named(packet: PublishPacket): Packet {
    const { topicAlias } = packet.properties
    if (topicAlias === undefined) return packet
    if (packet.topicName !== '') this.#aliases.set(topicAlias, packet.topicName)
    return { ...packet, topicName: this.#aliases.get(topicAlias) ?? '' }
  }

  /** What was received until now is not compared. */
  forget(): void {
    this.#received = []
  }

  /** PUBLISH packets and all others are compared separately: the standard does not order them. */
  differences(lastLine: number): ReplayDifference[] {
    const isPublish = ({ type }: TracePacket): boolean => type === 'PUBLISH'
    return [true, false].flatMap((publishes) =>
      this.#compare(
        this.expected.filter(({ packet }) => isPublish(packet) === publishes),
        this.#received.filter((packet) => isPublish(packet) === publishes),
        lastLine,
      ),
    )
  }

  #compare(expected: readonly Expected[], received: readonly TracePacket[], lastLine: number): ReplayDifference[] {
    const found: ReplayDifference[] = []
    let at = 0
    for (const [index, { line, packet }] of expected.entries()) {
      const got = received[at]
      if (got !== undefined && comparable(got) === comparable(packet)) at++
      else if (got === undefined || isNext(expected[index + 1], got))
        found.push(this.#difference(line, packet, undefined))
      else if (isNext(expected[index], received[at + 1])) {
        found.push(this.#difference(line, undefined, got))
        at += 2
      } else {
        found.push(this.#difference(line, packet, got))
        at++
      }
    }
    for (const got of received.slice(at)) found.push(this.#difference(lastLine, undefined, got))
    return found
  }

  #difference(line: number, expected: TracePacket | undefined, got: TracePacket | undefined): ReplayDifference {
    const { clientId, connection } = this
    const text = (packet: TracePacket | undefined): string | undefined => packet && packetText(packet)
    return { line, clientId, connection, expected: text(expected), got: text(got) }
  }
}

function isNext(expected: Expected | undefined, packet: TracePacket | undefined): boolean {
  return expected !== undefined && packet !== undefined && comparable(expected.packet) === comparable(packet)
}
