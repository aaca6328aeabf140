/**
 * A notation for packets in tests, and the way through the decoder that real bytes take.
 *
 *   `10 * "MQTT" 05 02 003c {21 0001} "id"`
 *
 * Hex bytes; `"text"` is a string with its length, `{…}` are properties with theirs, `*` is the Remaining Length.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { decodePacket } from '../../../src/codec/decode.ts'
import { Decoder } from '../../../src/codec/decoder.ts'
import type { Packet } from '../../../src/codec/packets.ts'
import type { ProtocolVersion, Sender } from '../../../src/codec/packet-types.ts'
import { ProtocolError } from '../../../src/codec/protocol-error.ts'
import { writeVariableByteInteger } from '../../../src/codec/variable-byte-integer.ts'

export const allVersions: readonly ProtocolVersion[] = [3, 4, 5]

/** The bytes that `notation` stands for. */
export function bytesOf(notation: string): Uint8Array {
  const [head, body] = notation.split('*') as [string, string?]
  if (body === undefined) return Uint8Array.from(plainBytes(head))
  return frame(plainBytes(head)[0]!, plainBytes(body))
}

/** A packet of this first byte and body. */
export function frame(firstByte: number, body: ArrayLike<number>): Uint8Array {
  return Uint8Array.from([firstByte, ...withLength(body)])
}

/** Bytes behind their length as a Variable Byte Integer. */
export function withLength(bytes: ArrayLike<number>): number[] {
  const length = new Uint8Array(4)
  const end = writeVariableByteInteger(length, 0, bytes.length)
  return [...length.subarray(0, end), ...Array.from(bytes)]
}

/** A string as it travels. */
export function stringBytes(text: string): number[] {
  const bytes = [...Buffer.from(text)]
  return [bytes.length >> 8, bytes.length & 0xff, ...bytes]
}

function plainBytes(notation: string): number[] {
  return [...notation.matchAll(/"([^"]*)"|\{([^}]*)\}|([0-9a-f]+)/gi)].flatMap(([, text, properties, digits]) => {
    if (text !== undefined) return stringBytes(text)
    if (digits !== undefined) return [...Buffer.from(digits, 'hex')]
    return withLength(plainBytes(properties!))
  })
}

/** Notation or bytes, through `Decoder` and `decodePacket`; there must be exactly one packet. */
export function decode(input: string | Uint8Array, version: ProtocolVersion, sender: Sender): Packet {
  const bytes = typeof input === 'string' ? bytesOf(input) : input
  const decoder = new Decoder()
  decoder.shortestLengths = version === 5
  decoder.push(bytes)
  assert.equal(decoder.next(), true, 'the packet is whole')
  const { firstByte, bodyStart, end } = decoder
  const packet = decodePacket(decoder.bytes, firstByte, bodyStart, end, version, sender)
  assert.equal(decoder.next(), false, 'there is one packet')
  assert.equal(decoder.bufferedBytes, 0, 'nothing is left over')
  return plain(packet)
}

/** Checks that the packet is refused with this Reason Code. */
export function assertRefused(
  input: string | Uint8Array,
  version: ProtocolVersion,
  sender: Sender,
  reasonCode: number,
): void {
  const what = typeof input === 'string' ? input : Buffer.from(input).toString('hex')
  const code = refusalOf(() => decode(input, version, sender))
  assert.equal(toHex(code), toHex(reasonCode), `${what} in version ${version} from the ${sender}`)
}

/** The Reason Code of the `ProtocolError` that `run` throws; `undefined` if it returns. */
export function refusalOf(run: () => unknown): number | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof ProtocolError) return error.reasonCode
    throw error
  }
}

function toHex(code: number | undefined): string {
  return code === undefined ? 'accepted' : `0x${code.toString(16)}`
}

/**
 * The same value with plain arrays of bytes and without fields that are `undefined`, so that `deepEqual` compares
 * content.
 */
export function plain<Value>(value: Value): Value {
  if (value instanceof Uint8Array) return Uint8Array.from(value) as Value
  if (Array.isArray(value)) return value.map((each: unknown) => plain(each)) as Value
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, field]) => field !== undefined)
  return Object.fromEntries(entries.map(([key, field]) => [key, plain(field as unknown)])) as Value
}
