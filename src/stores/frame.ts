/**
 * Frames records and files on disk. All numbers are little-endian; all checksums are CRC-32.
 *
 *   file      header | record | record | …
 *   header    magic 8 | version u32 | salt u32 | number u32 | previous u32 | previousSize u32 | sequence f64
 *             | last session f64 | last message f64 | newest record ms f64 | checksum u32              64 bytes
 *   record    kind u32 | Changes length u32 | payloads length u32 | sequence f64 | wall clock ms f64
 *             | synced f64 | Changes checksum u32 | checksum of these 40 bytes u32                     44 bytes
 *             | payloads: (checksum u32, bytes), … | Changes
 *
 * One record holds one turn, which counts as a whole or not at all. `sequence` increases by one from record to record,
 * across files, so that a missing record is noticed. `synced` is the highest sequence that was durable when the record
 * was written. It distinguishes two kinds of broken record: one that a later record calls durable was damaged on disk,
 * and any other was torn by a power cut. Checkpoint records use the same fields for other numbers, so blocks of a
 * removed checkpoint must not be read as turns.
 *
 * The checksum of a frame starts from the store's salt, so that bytes published by a client, even a copy of a journal,
 * are never mistaken for a record.
 *
 * `previousSize` is how much of the previous segment counts. The rest was never trusted: a write or a sync failed
 * there, and everything in it was written again to this segment.
 *
 * @module
 */
import { crc32 } from 'node:zlib'

export const formatVersion = 1
export const headerBytes = 64
export const frameBytes = 44

/** The first bytes of our files; a file that begins differently is foreign and is never touched. */
const magic = { journal: 'SluiceJ\n', checkpoint: 'SluiceC\n' } as const
export type FileKind = keyof typeof magic

/** A turn in the journal, a part of a checkpoint, or a checkpoint's end (without which it does not count). */
export const RecordKind = { turn: 0x6e727554, part: 0x74726150, end: 0x21646e45 } as const
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind]
/** The kinds of record that each file may hold: blocks of a removed file may appear in the torn end of another. */
const kindsIn: Readonly<Record<FileKind, readonly number[]>> = {
  journal: [RecordKind.turn],
  checkpoint: [RecordKind.part, RecordKind.end],
}
/** The first bytes of a record. */
export const kindsOfRecords: readonly Buffer[] = Object.values(RecordKind).map((kind) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(kind)
  return bytes
})

export interface FileHeader {
  /** Whether a flipped bit was corrected. */
  readonly isMended?: boolean
  readonly version: number
  /** Random, chosen once for each store, and the same in all of its files. */
  readonly salt: number
  readonly number: number
  /** 0 for the first segment. */
  readonly previous: number
  readonly previousSize: number
  /** Sequence of the first record in this file; for a checkpoint, of the last record that it includes. */
  readonly sequence: number
  readonly lastSessionNumber: number
  readonly lastMessageNumber: number
  readonly newestRecordMs: number
}

export interface Frame {
  readonly kind: RecordKind
  readonly metaBytes: number
  readonly payloadBytes: number
  readonly sequence: number
  readonly wallMs: number
  readonly syncedSequence: number
  readonly metaChecksum: number
}

/** The bytes that a payload takes in a segment: none if it is empty, otherwise its checksum and its bytes. */
export function payloadSpan(length: number): number {
  return length === 0 ? 0 : length + 4
}

/** Whether the payload at `at` (checksum first) is intact. */
export function payloadIsSound(bytes: Uint8Array, at: number, length: number): boolean {
  if (length === 0) return true
  if (at + payloadSpan(length) > bytes.length) return false
  const word = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true)
  return word === crc32(bytes.subarray(at + 4, at + 4 + length))
}

export function checksum(bytes: Uint8Array): number {
  return crc32(bytes)
}

export function encodeHeader(kind: FileKind, header: FileHeader): Buffer {
  const bytes = Buffer.alloc(headerBytes)
  bytes.write(magic[kind], 'latin1')
  bytes.writeUInt32LE(header.version, 8)
  bytes.writeUInt32LE(header.salt, 12)
  bytes.writeUInt32LE(header.number, 16)
  bytes.writeUInt32LE(header.previous, 20)
  bytes.writeUInt32LE(header.previousSize, 24)
  bytes.writeDoubleLE(header.sequence, 28)
  bytes.writeDoubleLE(header.lastSessionNumber, 36)
  bytes.writeDoubleLE(header.lastMessageNumber, 44)
  bytes.writeDoubleLE(header.newestRecordMs, 52)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, headerBytes - 4)), headerBytes - 4)
  return bytes
}

/**
 * Reads a header. The result is `damaged` if it is cut short or torn, `foreign` if it begins with bytes that this
 * program never writes (severe damage, or another program's file), and `newer` if a later version wrote it.
 *
 * A single flipped bit is corrected: any two headers differ in at least five bits, so there is only one candidate.
 */
export function decodeHeader(kind: FileKind, bytes: Uint8Array): FileHeader | 'damaged' | 'foreign' | 'newer' {
  const view = Buffer.from(bytes)
  if (view.length >= headerBytes && (isSound(view) || correctFlippedBit(view))) {
    if (view.toString('latin1', 0, 8) !== magic[kind]) return 'foreign'
    if (view.readUInt32LE(8) > formatVersion) return 'newer'
    return fieldsOf(view, !isSound(Buffer.from(bytes)))
  }
  // A power cut may leave zeros in place of the rest of a header.
  const begin = view.toString('latin1', 0, 8)
  const isTorn = view.subarray(8, headerBytes).every((byte) => byte === 0)
  return magic[kind].startsWith(isTorn ? begin.replace(/\0+$/, '') : begin) ? 'damaged' : 'foreign'
}

function isSound(view: Buffer): boolean {
  return view.readUInt32LE(headerBytes - 4) === crc32(view.subarray(0, headerBytes - 4))
}

/** Finds the single bit whose correction makes the checksum valid, and corrects it. @returns whether there is one */
function correctFlippedBit(view: Buffer): boolean {
  for (let at = 0; at < headerBytes; at++) {
    for (let bit = 1; bit < 0x100; bit <<= 1) {
      view[at]! ^= bit
      if (isSound(view)) return true
      view[at]! ^= bit
    }
  }
  return false
}

function fieldsOf(view: Buffer, isMended: boolean): FileHeader {
  return {
    isMended,
    version: view.readUInt32LE(8),
    salt: view.readUInt32LE(12),
    number: view.readUInt32LE(16),
    previous: view.readUInt32LE(20),
    previousSize: view.readUInt32LE(24),
    sequence: view.readDoubleLE(28),
    lastSessionNumber: view.readDoubleLE(36),
    lastMessageNumber: view.readDoubleLE(44),
    newestRecordMs: view.readDoubleLE(52),
  }
}

export function encodeFrame(to: Buffer, at: number, frame: Frame, salt: number): void {
  to.writeUInt32LE(frame.kind, at)
  to.writeUInt32LE(frame.metaBytes, at + 4)
  to.writeUInt32LE(frame.payloadBytes, at + 8)
  to.writeDoubleLE(frame.sequence, at + 12)
  to.writeDoubleLE(frame.wallMs, at + 20)
  to.writeDoubleLE(frame.syncedSequence, at + 28)
  to.writeUInt32LE(frame.metaChecksum, at + 36)
  to.writeUInt32LE(crc32(to.subarray(at, at + 40), salt), at + 40)
}

/** Reads the frame at `at`; `undefined` if there is no whole and valid frame there of a kind that the file may hold. */
export function decodeFrame(bytes: Buffer, at: number, salt: number, fileKind: FileKind): Frame | undefined {
  if (at + frameBytes > bytes.length) return undefined
  const kind = bytes.readUInt32LE(at)
  if (!kindsIn[fileKind].includes(kind)) return undefined
  if (bytes.readUInt32LE(at + 40) !== crc32(bytes.subarray(at, at + 40), salt)) return undefined
  return {
    kind: kind as RecordKind,
    metaBytes: bytes.readUInt32LE(at + 4),
    payloadBytes: bytes.readUInt32LE(at + 8),
    sequence: bytes.readDoubleLE(at + 12),
    wallMs: bytes.readDoubleLE(at + 20),
    syncedSequence: bytes.readDoubleLE(at + 28),
    metaChecksum: bytes.readUInt32LE(at + 36),
  }
}
