/** A row of the flight recorder as it is read; `record-pages.ts` shows its layout. @module */
import { RecordKind, type RecordEntry } from './record-kind.ts'
import { ROW_WORDS, type RecordSlab } from './record-pages.ts'

export const HIGH: number = 2 ** 32
export const HIGH_BITS = 0x3f
/** Set in the place of the Packet Identifier, which messages of QoS 0 have not: there were more than two topics. */
export const SEVERAL = 0x1_0000

/** The newest row from the one to the other that is about such a PUBLISH with a payload; -1 if there is none. */
export function rowOfPublish(
  { words, subjects }: RecordSlab,
  first: number,
  last: number,
  firstByte: number,
  topicName: string,
): number {
  const what = (RecordKind.Received << 16) | (firstByte << 8)
  for (let row = last; row >= first; row--) {
    const at = row * ROW_WORDS
    if (words[at + 1] === what && subjects[row] === topicName && words[at + 3]! > 0) return row
  }
  return -1
}

/** When a row began. */
export function timeOf(words: Uint32Array, at: number): number {
  return words[at]! + (words[at + 2]! & HIGH_BITS) * HIGH
}

export function entryOf(slab: RecordSlab, row: number): RecordEntry {
  const { words, subjects, details } = slab
  const at = row * ROW_WORDS
  const what = words[at + 1]!
  const packed = words[at + 2]!
  const kind = (what >>> 16) as RecordKind
  const atMs = timeOf(words, at)
  const isCounted = kind === RecordKind.SentAtMostOnce
  return {
    kind,
    firstByte: (what >>> 8) & 0xff,
    code: what & 0xff,
    packetIdentifier: isCounted ? 0 : packed >>> 16,
    bytes: words[at + 3]!,
    count: words[at + 4]!,
    atMs,
    untilMs: atMs + ((packed >>> 6) & 0x3ff),
    subject: subjects[row],
    detail: details[row],
    payload: slab.hasPayloads ? slab.payloads[row] : undefined,
    hasMoreSubjects: isCounted && (packed & SEVERAL) !== 0,
  }
}
