/** Reads what is retained, as a Client that comes for it and goes again. @module */
import { decodePacket } from '../../src/codec/decode.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { PacketType } from '../../src/codec/packet-types.ts'
import { noProperties } from '../../src/codec/properties.ts'
import type { Dial, ByteStream, ByteStreamEnd } from './byte-stream.ts'

export class RetainedReader implements ByteStreamEnd {
  /** By Topic Name: the number in the retained message. */
  readonly found = new Map<string, number>()
  readonly #decoder = new Decoder()
  readonly #link: ByteStream

  constructor(dial: Dial, topicFilter: string) {
    this.#link = dial(this)
    const properties = noProperties
    // Without Retain As Published only what was retained before comes with RETAIN set.
    const options = { topicFilter, qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    const connect = { protocolVersion: 5, cleanStart: true, keepAlive: 0, clientId: 'reader', properties } as const
    const subscribe = { packetIdentifier: 1, subscriptions: [options], properties }
    this.#link.write(encodePacket({ type: PacketType.CONNECT, ...connect }, 5))
    this.#link.write(encodePacket({ type: PacketType.SUBSCRIBE, ...subscribe }, 5))
  }

  receive(chunk: Uint8Array): void {
    this.#decoder.push(chunk)
    while (this.#decoder.next()) {
      const { bytes, firstByte, bodyStart, end } = this.#decoder
      const packet = decodePacket(bytes, firstByte, bodyStart, end, 5, 'server')
      if (packet.type !== PacketType.PUBLISH || !packet.retain) continue
      this.found.set(packet.topicName, Number(Buffer.from(packet.payload).toString()))
    }
    this.#decoder.detach()
  }

  leave(): void {
    this.#link.cut()
  }

  ended(): void {}
}
