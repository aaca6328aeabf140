/**
 * Damage to a packet: what a broken Client, a bad cable or an attacker makes of valid bytes.
 *
 * @module
 */
import type { Random } from './random.ts'

/** Values at which codecs break. */
const EDGES = [0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0xc0, 0xff]
/** How far the bytes reach that say what the others mean. */
const HEADER_BYTES = 8

type Mutation = (bytes: Buffer, random: Random, other: Buffer) => Buffer

const flipBit: Mutation = (bytes, random) => {
  const at = position(bytes, random)
  bytes[at]! ^= 1 << random.below(8)
  return bytes
}

const setByte: Mutation = (bytes, random) => {
  bytes[position(bytes, random)] = random.chance(0.5) ? random.pick(EDGES) : random.below(256)
  return bytes
}

const truncate: Mutation = (bytes, random) => bytes.subarray(0, random.below(bytes.length))

const insert: Mutation = (bytes, random) => {
  const at = random.below(bytes.length + 1)
  return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(4)), bytes.subarray(at)])
}

const remove: Mutation = (bytes, random) => {
  const at = random.below(bytes.length)
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(4))])
}

/** The head of one packet, the tail of another. */
const splice: Mutation = (bytes, random, other) =>
  Buffer.concat([bytes.subarray(0, random.below(bytes.length + 1)), other.subarray(random.below(other.length + 1))])

/** As `splice`, but with a Remaining Length that fits again, so that the damage reaches the fields. */
const spliceWhole: Mutation = (bytes, random, other) => withRightLength(splice(bytes, random, other))

/** Removed or inserted bytes, and a Remaining Length that fits again. */
const resize: Mutation = (bytes, random, other) =>
  withRightLength((random.chance(0.5) ? insert : remove)(bytes, random, other))

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  flipBit,
  setByte,
  setByte,
  truncate,
  insert,
  remove,
  splice,
  spliceWhole,
  resize,
  resize,
]

/** Half of the time among the first bytes: there a change does most. */
function position(bytes: Buffer, random: Random): number {
  return random.below(random.chance(0.5) ? Math.min(HEADER_BYTES, bytes.length) : bytes.length)
}

/** Packets up to 127 bytes behind the fixed header are enough to be made whole. */
function withRightLength(bytes: Buffer): Buffer {
  if (bytes.length >= 2 && bytes.length <= 129) bytes[1] = bytes.length - 2
  return bytes
}

/**
 * Damages a packet once, seldom several times.
 *
 * @param other any other packet, for splices
 */
export function mutate(packet: Uint8Array, other: Uint8Array, random: Random): Buffer {
  let bytes = Buffer.from(packet)
  const others = Buffer.from(other)
  do {
    if (bytes.length === 0) return random.bytes(1 + random.below(6))
    bytes = Buffer.from(random.pick(MUTATIONS)(bytes, random, others))
  } while (random.chance(0.2))
  return bytes
}
