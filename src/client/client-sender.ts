/**
 * The sending half of a client's connection: packets are gathered, and leave with one write at the end of the turn.
 *
 * @module
 */
import { copyBytes } from '../base/bytes.ts'
import { UsageError } from '../base/errors.ts'
import { writeAcknowledgement } from '../codec/acknowledgement.ts'
import { maxControlPacketBytes } from '../codec/decoder.ts'
import { encodeWithinLimit } from '../codec/encode.ts'
import type { AcknowledgementPacket, Packet } from '../codec/packets.ts'
import { PacketType, type ProtocolVersion, type QoS } from '../codec/packet-types.ts'
import { noProperties } from '../codec/properties.ts'
import { firstByteOfPublish } from '../codec/publish-frame.ts'
import { sizeOfVariableByteInteger, writeVariableByteInteger } from '../codec/variable-byte-integer.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { MessageFrame } from '../protocol/message-frames.ts'
import { appendLargeFrame } from '../protocol/large-frame.ts'
import { OutgoingAliases } from '../protocol/outgoing-aliases.ts'
import { BufferPool, LARGE_FRAME_BYTES, Output } from '../protocol/output.ts'
import { makeOwnFrame } from '../protocol/own-frame.ts'
import type { Transport } from '../protocol/transport.ts'
import { ClientError } from './client-error.ts'
import type { PacketWatch } from './client-side.ts'
import type { PublishHead } from './publish-head.ts'
import { publishProblem, type ServerLimits, serverLimitsOf } from './server-limits.ts'

const LONGEST_PLAIN_ACKNOWLEDGEMENT_BYTES = 5
const NONE: readonly number[] = []
/** Shared by all clients of the process. */
const buffers = new BufferPool(16)

export class ClientSender {
  /** Called when something waits to be flushed for the first time. */
  wantsFlush: () => void = () => undefined
  limits: ServerLimits = serverLimitsOf(noProperties)
  readonly #version: ProtocolVersion
  readonly #output: Output
  readonly #transport: Transport
  readonly #watch: PacketWatch | undefined
  readonly #now: () => number
  #aliases: OutgoingAliases | undefined
  #isDirty = false

  constructor(version: ProtocolVersion, transport: Transport, watch: PacketWatch | undefined, now: () => number) {
    this.#version = version
    this.#transport = transport
    this.#output = new Output(buffers, transport)
    this.#watch = watch
    this.#now = now
  }

  /** Bytes that have not left this process. */
  get unsentBytes(): number {
    return this.#output.length + this.#transport.unsentBytes
  }

  /** The login succeeded: what the server allows applies from now on. */
  allow(limits: ServerLimits, topicAliases: number): void {
    this.limits = limits
    if (topicAliases > 0) this.#aliases = new OutgoingAliases(topicAliases)
  }

  /**
   * Sends any packet except PUBLISH, if necessary without what may be omitted.
   *
   * @throws {ClientError} `ERR_CLIENT_TOO_LARGE` or `ERR_CLIENT_NOT_ENCODABLE`; nothing was sent then
   */
  packet(packet: Packet): void {
    const bytes = this.#encode(packet)
    if (bytes === undefined) {
      throw new ClientError('ERR_CLIENT_TOO_LARGE', `The server accepts ${this.limits.maximumPacketSize} bytes at most`)
    }
    this.#watch?.sent(packet)
    this.#markDirty()
    this.#output.append(bytes, 0, bytes.length)
  }

  #encode(packet: Packet): Uint8Array | undefined {
    try {
      return encodeWithinLimit(packet, this.#version, this.limits.maximumPacketSize)
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      throw new ClientError('ERR_CLIENT_NOT_ENCODABLE', error.message, { cause: error })
    }
  }

  /** PUBACK, PUBREC, PUBREL or PUBCOMP. Hot: runs for every message of QoS 1 and 2. */
  acknowledge(type: AcknowledgementPacket['type'], packetIdentifier: number, reasonCode: number): void {
    this.#watch?.sent({ type, packetIdentifier, reasonCode, properties: noProperties })
    this.#markDirty()
    const at = this.#output.reserve(LONGEST_PLAIN_ACKNOWLEDGEMENT_BYTES)
    this.#output.wrote(writeAcknowledgement(this.#output.bytes, at, type, packetIdentifier, reasonCode, this.#version))
  }

  /**
   * Sends a PUBLISH. Hot: runs for every message.
   *
   * @returns why it cannot be sent; `undefined` if it was
   */
  publish(
    message: ApplicationMessage,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetIdentifier: number,
  ): ClientError | undefined {
    const problem = publishProblem(this.limits, qos, retain)
    if (problem !== undefined) return new ClientError('ERR_CLIENT_NOT_SUPPORTED', `Cannot publish: ${problem}`)
    try {
      const isSent =
        this.#aliases === undefined
          ? this.#publishShared(message, firstByteOfPublish(qos, retain, dup), packetIdentifier)
          : this.#publishWithAlias(message, qos, retain, dup, packetIdentifier)
      if (!isSent) return this.#tooLarge(message)
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      return new ClientError('ERR_CLIENT_NOT_ENCODABLE', error.message, { cause: error })
    }
    if (this.#watch !== undefined) watchPublish(this.#watch, message, qos, retain, dup, packetIdentifier)
    return undefined
  }

  #tooLarge({ topicName, payloadLength }: ApplicationMessage): ClientError {
    const { maximumPacketSize } = this.limits
    const size = `${topicName.length} characters of topic and ${payloadLength} bytes`
    return new ClientError('ERR_CLIENT_TOO_LARGE', `The server accepts ${maximumPacketSize} bytes at most, got ${size}`)
  }

  #publishShared(message: ApplicationMessage, firstByte: number, packetIdentifier: number): boolean {
    const frame = this.#frameOf(message, packetIdentifier !== 0)
    const { bytes, start, end, packetIdentifierAt } = frame
    const size = end - start
    if (size > this.limits.maximumPacketSize) return false
    this.#markDirty()
    const output = this.#output
    if (size >= LARGE_FRAME_BYTES) {
      appendLargeFrame(output, frame, firstByte, packetIdentifier)
      return true
    }
    const at = output.reserve(size)
    const behind = copyBytes(output.bytes, at, bytes, start, end)
    output.bytes[at] = firstByte
    if (packetIdentifierAt !== 0) {
      output.bytes[at + packetIdentifierAt - start] = packetIdentifier >> 8
      output.bytes[at + packetIdentifierAt - start + 1] = packetIdentifier & 0xff
    }
    output.wrote(behind)
    return true
  }

  /** A large frame is passed on as it is, and must not be in memory that is used again. */
  #frameOf(message: ApplicationMessage, withPacketIdentifier: boolean): MessageFrame {
    const frame = message.frame(this.#version, withPacketIdentifier, this.#now())
    if (frame.end - frame.start < LARGE_FRAME_BYTES) return frame
    message.own()
    return message.frame(this.#version, withPacketIdentifier, this.#now())
  }

  #publishWithAlias(
    message: ApplicationMessage,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetIdentifier: number,
  ): boolean {
    const parts = { qos, retain, dup, packetIdentifier, subscriptionIdentifiers: NONE, nowMs: this.#now() }
    const bytes = makeOwnFrame(message, parts, this.#version, this.limits.maximumPacketSize, this.#aliases)
    if (bytes === undefined) return false
    this.#markDirty()
    this.#output.append(bytes, 0, bytes.length)
    return true
  }

  /**
   * Sends a PUBLISH of QoS 0 whose head is encoded already. Hot: runs for every line of `sluice pub -l`.
   *
   * @returns whether it is within the server's Maximum Packet Size
   */
  publishLine({ firstByte, head }: PublishHead, payload: Uint8Array, start: number, end: number): boolean {
    const remainingLength = head.length + end - start
    const size = 1 + sizeOfVariableByteInteger(remainingLength) + remainingLength
    if (size > this.limits.maximumPacketSize || size > maxControlPacketBytes) return false
    this.#markDirty()
    const output = this.#output
    const isLarge = size >= LARGE_FRAME_BYTES
    const target = isLarge ? Buffer.allocUnsafeSlow(size) : undefined
    const begin = isLarge ? 0 : output.reserve(size)
    const bytes = target ?? output.bytes
    bytes[begin] = firstByte
    let at = writeVariableByteInteger(bytes, begin + 1, remainingLength)
    at = copyBytes(bytes, at, head, 0, head.length)
    at = copyBytes(bytes, at, payload, start, end)
    if (target === undefined) output.wrote(at)
    else output.append(target, 0, at)
    return true
  }

  #markDirty(): void {
    if (this.#isDirty) return
    this.#isDirty = true
    this.wantsFlush()
  }

  flush(): void {
    this.#isDirty = false
    this.#output.flush()
  }

  drained(): void {
    this.#output.drained()
  }

  discard(): void {
    this.#output.discard()
  }
}

function watchPublish(
  watch: PacketWatch,
  { topicName, properties, payload }: ApplicationMessage,
  qos: QoS,
  retain: boolean,
  dup: boolean,
  packetIdentifier: number,
): void {
  watch.sent({ type: PacketType.PUBLISH, dup, qos, retain, topicName, packetIdentifier, properties, payload })
}
