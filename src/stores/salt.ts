/**
 * Finds the salt of a store whose headers are unreadable: it can be computed from the records.
 *
 * A checksum is a state that each byte transforms, and each step can be undone. The 40 bytes of a record and the
 * checksum after them therefore give the state before the first byte, which is the salt. Any 44 bytes give some salt;
 * those of a real record give one under which its Changes are valid too, and the next record gives the same one.
 *
 * @module
 */
import type { DiskFile } from '../base/disk.ts'
import { checksum, frameBytes, headerBytes, kindsOfRecords } from './frame.ts'
import { PieceReader } from './piece-reader.ts'

/** The transformation of a checksum's state for each byte value, and the byte value that leads to each highest byte. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value >>> 0
})
const byHighestByte = new Uint8Array(256)
for (const [byte, value] of table.entries()) byHighestByte[value >>> 24] = byte

/**
 * The initial state of a checksum.
 *
 * @param bytes the input of the checksum, from `start` up to `end`
 *
 * @example
 * saltOf(Buffer.from('record'), 0, 6, 190_041_321) // 0xc0ffee
 */
export function saltOf(bytes: Uint8Array, start: number, end: number, result: number): number {
  let state = ~result >>> 0
  for (let at = end - 1; at >= start; at--) {
    const byte = byHighestByte[state >>> 24]!
    state = ((((state ^ table[byte]!) << 8) | (byte ^ bytes[at]!)) >>> 0) >>> 0
  }
  return ~state >>> 0
}

/**
 * Returns the salt of most records in the file; `undefined` if it contains none. A damaged record's payload may contain
 * a copy of another store, so the first record does not decide.
 */
export async function findSalt(file: DiskFile): Promise<number | undefined> {
  const pieces = new PieceReader(file, file.size)
  const bytesOf = new Map<number, number>()
  for (let offset = headerBytes; offset < file.size;) {
    const rest = await pieces.rest(offset)
    const at = nextKind(rest)
    const found = at < 0 ? undefined : await recordAt(pieces, offset + at)
    if (found === undefined) {
      // The first bytes of a record may be at the end of this piece.
      offset += at < 0 ? Math.max(1, rest.length - 3) : at + 1
      continue
    }
    const sum = (bytesOf.get(found.salt) ?? 0) + found.length
    if (sum * 2 > file.size) return found.salt
    bytesOf.set(found.salt, sum)
    offset += at + found.length
  }
  return [...bytesOf].toSorted(([, a], [, b]) => b - a)[0]?.[0]
}

/** The next place where a record may begin; -1 if there is none. */
function nextKind(bytes: Buffer): number {
  const places = kindsOfRecords.map((kind) => bytes.indexOf(kind)).filter((at) => at >= 0)
  return places.length === 0 ? -1 : Math.min(...places)
}

/** Reads the record that begins there, if its Changes are valid under the salt that it gives. */
async function recordAt(pieces: PieceReader, offset: number): Promise<{ salt: number; length: number } | undefined> {
  const frame = Buffer.from(await pieces.bytes(offset, frameBytes))
  if (frame.length < frameBytes) return undefined
  const [metaBytes, payloadBytes] = [frame.readUInt32LE(4), frame.readUInt32LE(8)]
  const length = frameBytes + payloadBytes + metaBytes
  if (metaBytes === 0 || offset + length > pieces.size) return undefined
  const meta = await pieces.bytes(offset + frameBytes + payloadBytes, metaBytes)
  if (checksum(meta) !== frame.readUInt32LE(36)) return undefined
  return { salt: saltOf(frame, 0, 40, frame.readUInt32LE(40)), length }
}
