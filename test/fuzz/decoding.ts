/**
 * The decoder alone against any bytes: whatever comes, and however it is cut into chunks, it finds the same packets,
 * ends with the same Reason Code, and throws nothing else; and what it finds can be written and read again.
 *
 * @module
 */
import { decodePacket } from '../../src/codec/decode.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { type Packet } from '../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion, type Sender } from '../../src/codec/packet-types.ts'
import { ProtocolError } from '../../src/codec/protocol-error.ts'
import { SeededRandom } from '../../src/testing/random.ts'

/** Packets written again, and how it ended: a Reason Code, or bytes left over. */
interface Reading {
  readonly written: readonly Buffer[]
  readonly end: string
}

/** @returns what went wrong, and how many packets there were */
export function checkDecoding(
  bytes: Uint8Array,
  version: ProtocolVersion,
  sender: Sender,
): { readonly packets: number; readonly problem: string | undefined } {
  try {
    const whole = read([bytes], version, sender)
    const problem =
      differs(whole, read(singleBytes(bytes), version, sender), 'cut into single bytes') ??
      differs(whole, read(someChunks(bytes), version, sender), 'cut into chunks')
    return { packets: whole.written.length, problem }
  } catch (error) {
    return { packets: 0, problem: `decoder: ${String((error as Error).stack)}` }
  }
}

function read(chunks: Iterable<Uint8Array>, first: ProtocolVersion, sender: Sender): Reading {
  const decoder = new Decoder()
  const written: Buffer[] = []
  let version = first
  decoder.shortestLengths = version === 5
  try {
    for (const chunk of chunks) {
      decoder.push(chunk)
      while (decoder.next()) {
        const packet = current(decoder, version, sender)
        if (packet.type === PacketType.CONNECT) version = packet.protocolVersion
        decoder.shortestLengths = version === 5
        written.push(writeAndRead(packet, version, sender))
      }
      decoder.detach()
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { written, end: `0x${error.reasonCode.toString(16)}` }
  }
  return { written, end: `${decoder.bufferedBytes} bytes left over` }
}

function current(decoder: Decoder, version: ProtocolVersion, sender: Sender): Packet {
  return decodePacket(decoder.bytes, decoder.firstByte, decoder.bodyStart, decoder.end, version, sender)
}

function writeAndRead(packet: Packet, version: ProtocolVersion, sender: Sender): Buffer {
  const bytes = Buffer.from(encodePacket(packet, version))
  const decoder = new Decoder()
  decoder.push(bytes)
  if (!decoder.next()) throw new Error(`what was written of ${bytes.toString('hex')} is not whole`)
  const again = Buffer.from(encodePacket(current(decoder, version, sender), version))
  if (!again.equals(bytes)) throw new Error(`${bytes.toString('hex')} is written again as ${again.toString('hex')}`)
  return bytes
}

function differs(one: Reading, other: Reading, what: string): string | undefined {
  const isSame =
    one.end === other.end &&
    one.written.length === other.written.length &&
    one.written.every((bytes, index) => bytes.equals(other.written[index]!))
  return isSame
    ? undefined
    : `decoder: ${what}, it reads ${other.written.length} packets, ${other.end}; whole ${one.written.length} packets, ${one.end}`
}

function* singleBytes(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1)
}

/** Cut where the bytes themselves say, so that a replay cuts alike. */
function* someChunks(bytes: Uint8Array): Iterable<Uint8Array> {
  const random = new SeededRandom(bytes.reduce((sum, byte) => Math.imul(sum, 31) + byte, 7))
  for (let at = 0; at < bytes.length;) {
    const length = 1 + random.integer(random.chance(0.5) ? 4 : 64)
    yield bytes.subarray(at, at + length)
    at += length
  }
}
