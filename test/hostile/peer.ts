/**
 * One Network Connection of an attacker or of an honest Client: bytes out, packets in. It keeps no rule by itself.
 *
 * @module
 */
import type { Duplex } from 'node:stream'
import { decodePacket } from '../../src/codec/decode.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { type ConnackPacket, type Packet } from '../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion } from '../../src/codec/packet-types.ts'

export class Peer {
  readonly stream: Duplex
  readonly version: ProtocolVersion
  isClosed = false
  connack: ConnackPacket | undefined
  receivedBytes = 0
  /** Why it could not go on, as far as it can tell. */
  problem: string | undefined
  /** Called with each packet. Without it only CONNACK is read, and the rest is counted. */
  onPacket: ((packet: Packet) => void) | undefined
  /** Called with all bytes, as they come. */
  onBytes: ((bytes: Uint8Array) => void) | undefined
  onClose: () => void = () => undefined
  readonly #decoder = new Decoder()
  #waiting: (() => void)[] = []

  constructor(stream: Duplex, version: ProtocolVersion = 5) {
    this.stream = stream
    this.version = version
    stream.on('data', (bytes: Buffer) => this.#received(bytes))
    // What is wrong shows in what comes of it; `close` follows.
    stream.on('error', (error) => (this.problem ??= String(error)))
    stream.on('end', () => stream.destroy())
    stream.once('close', () => this.#closed())
  }

  #closed(): void {
    this.isClosed = true
    this.onClose()
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  #received(bytes: Uint8Array): void {
    this.receivedBytes += bytes.length
    this.onBytes?.(bytes)
    if (this.connack === undefined || this.onPacket !== undefined) this.#decode(bytes)
  }

  #decode(bytes: Uint8Array): void {
    try {
      this.#decoder.push(bytes)
      while (this.#decoder.next()) {
        const { bytes: all, firstByte, bodyStart, end } = this.#decoder
        this.#packet(decodePacket(all, firstByte, bodyStart, end, this.version, 'server'))
      }
      this.#decoder.detach()
    } catch (error) {
      this.stream.destroy(error as Error)
    }
  }

  #packet(packet: Packet): void {
    if (packet.type === PacketType.CONNACK) this.connack = packet
    if (packet.type === PacketType.DISCONNECT)
      this.problem ??= `DISCONNECT 0x${packet.reasonCode.toString(16)} ${packet.properties.reasonString ?? ''}`
    this.onPacket?.(packet)
    if (this.#waiting.length > 0) this.#wake()
  }

  /** Waits until `condition` holds, which is looked at after each packet and at the end. @returns whether it does */
  async until(condition: () => boolean, timeoutMs = 10_000): Promise<boolean> {
    const endsAt = performance.now() + timeoutMs
    while (!condition()) {
      const left = endsAt - performance.now()
      if (this.isClosed || left <= 0) return false
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#waiting.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
    return true
  }

  send(...packets: readonly Packet[]): void {
    this.write(Buffer.concat(packets.map((packet) => encodePacket(packet, this.version))))
  }

  write(bytes: Uint8Array): void {
    if (!this.isClosed && this.stream.writable) this.stream.write(bytes)
  }

  /** Writes and waits until it has left, so that an attacker fills the broker's memory and not its own. */
  async written(bytes: Uint8Array): Promise<void> {
    if (this.isClosed || !this.stream.writable) return
    await new Promise<void>((resolve) => this.stream.write(bytes, () => resolve()))
  }

  /** Reads no more: what the broker sends piles up on its side. */
  freeze(): void {
    this.stream.pause()
  }

  hangUp(): void {
    this.stream.destroy()
  }
}
