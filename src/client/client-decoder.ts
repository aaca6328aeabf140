/**
 * Divides what a server sends into packets. A PUBLISH above the Maximum Packet Size can be read past instead of ending
 * the connection: before 5.0 a server is not informed of the limit, and would send such a message again after each
 * reconnect.
 *
 *   chunk  |..PUBLISH of 20 MiB: topic, identifier..|....|....|..PUBLISH|
 *             └─ kept: 64 KiB at most                └─ counted only     └─ returned by `next`
 *
 * @module
 */
import { Decoder } from '../codec/decoder.ts'
import { PacketType, type ProtocolVersion } from '../codec/packet-types.ts'
import { PacketTooLargeError } from '../codec/protocol-error.ts'
import { PublishView, readPublish, readTopicName } from '../codec/publish-view.ts'
import { ReceivedPublish } from './received-publish.ts'

/** The largest fixed header, Topic Name and Packet Identifier. */
const HEAD_BYTES = 5 + 2 + 65_535 + 2

/** What is to be known of a message that was read past. @param size of its packet, in bytes */
export type ReadPast = (topicName: string, receipt: ReceivedPublish, size: number) => void

/** The packet that is being read past. */
class LargePublish {
  readonly firstByte: number
  readonly size: number
  readonly head: Buffer
  /** Bytes that have not been received yet. */
  left: number

  constructor({ firstByte, size }: PacketTooLargeError) {
    this.firstByte = firstByte
    this.size = this.left = size
    this.head = Buffer.alloc(Math.min(size, HEAD_BYTES))
  }

  /** @returns what comes after the packet */
  take(bytes: Uint8Array): Uint8Array {
    const own = bytes.subarray(0, this.left)
    const at = this.size - this.left
    if (at < this.head.length) this.head.set(own.subarray(0, this.head.length - at), at)
    this.left -= own.length
    return bytes.subarray(own.length)
  }
}

export class ClientDecoder extends Decoder {
  /** Called after such a message was read past; `undefined`: it ends the connection. */
  readPast: ReadPast | undefined = undefined
  readonly #version: ProtocolVersion
  #large: LargePublish | undefined = undefined

  constructor(version: ProtocolVersion, maximumPacketSize: number) {
    super(maximumPacketSize)
    this.#version = version
    this.shortestLengths = version === 5
  }

  override push(chunk: Uint8Array): void {
    super.push(this.#large === undefined ? chunk : this.#large.take(chunk))
  }

  /** @throws {ProtocolError} as `Decoder.next`, and if the beginning of a message that is read past is not valid */
  override next(): boolean {
    return this.readPast === undefined ? super.next() : this.#nextOrPast(this.readPast)
  }

  #nextOrPast(readPast: ReadPast): boolean {
    for (;;) {
      if (this.#large?.left === 0) this.#report(this.#large, readPast)
      if (this.#large !== undefined) return false
      try {
        return super.next()
      } catch (error) {
        if (!(error instanceof PacketTooLargeError) || error.firstByte >> 4 !== PacketType.PUBLISH) throw error
        this.#large = new LargePublish(error)
        super.push(this.#large.take(this.takeRest()))
      }
    }
  }

  #report({ head, firstByte, size }: LargePublish, readPast: ReadPast): void {
    this.#large = undefined
    const view = new PublishView()
    const bodyStart = head.findIndex((byte, at) => at > 0 && byte < 0x80) + 1
    readPublish(head, firstByte, bodyStart, size, this.#version, view)
    const topicName = readTopicName(head, view.topicStart, view.topicEnd)
    readPast(topicName, new ReceivedPublish(view.qos, view.packetIdentifier, view.dup, []), size)
  }
}
