/**
 * Damage to a packet: what a broken Client, a bad cable or an attacker makes of valid bytes.
 *
 * @module
 */
import type { SeededRandom } from '../../src/testing/random.ts'

/** Values at which codecs break. */
const EDGES = [0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0xc0, 0xff]
/** How far the bytes reach that say what the others mean. */
const HEADER_BYTES = 8

type Mutation = (bytes: Buffer, random: SeededRandom, other: Buffer) => Buffer

const flipBit: Mutation = (bytes, random) => {
  const at = position(bytes, random)
  bytes[at]! ^= 1 << random.integer(8)
  return bytes
}

const setByte: Mutation = (bytes, random) => {
  bytes[position(bytes, random)] = random.chance(0.5) ? random.pick(EDGES) : random.integer(256)
  return bytes
}

const truncate: Mutation = (bytes, random) => bytes.subarray(0, random.integer(bytes.length))

const insert: Mutation = (bytes, random) => {
  const at = random.integer(bytes.length + 1)
  return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.integer(4)), bytes.subarray(at)])
}

const remove: Mutation = (bytes, random) => {
  const at = random.integer(bytes.length)
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.integer(4))])
}

/** The head of one packet, the tail of another. */
const splice: Mutation = (bytes, random, other) =>
  Buffer.concat([bytes.subarray(0, random.integer(bytes.length + 1)), other.subarray(random.integer(other.length + 1))])

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
function position(bytes: Buffer, random: SeededRandom): number {
  return random.integer(random.chance(0.5) ? Math.min(HEADER_BYTES, bytes.length) : bytes.length)
}

/** Packets up to 127 bytes behind the fixed header are enough to be made whole. */
function withRightLength(bytes: Buffer): Buffer {
  if (bytes.length >= 2 && bytes.length <= 129) bytes[1] = bytes.length - 2
  return bytes
}

/**
 * Changes one bit of what stands last: mostly a payload, a name or an option, so that the packet stays a packet and
 * goes deeper into the broker than one that is only refused.
 */
export function nudge(packet: Uint8Array, random: SeededRandom): Buffer {
  const bytes = Buffer.from(packet)
  const from = Math.ceil(bytes.length / 2)
  if (bytes.length > from) bytes[from + random.integer(bytes.length - from)]! ^= 1 << random.integer(8)
  return bytes
}

/**
 * Damages a packet once, seldom several times.
 *
 * @param other any other packet, for splices
 */
export function mutate(packet: Uint8Array, other: Uint8Array, random: SeededRandom): Buffer {
  let bytes = Buffer.from(packet)
  const others = Buffer.from(other)
  do {
    if (bytes.length === 0) return Buffer.from(random.bytes(1 + random.integer(6)))
    bytes = Buffer.from(random.pick(MUTATIONS)(bytes, random, others))
  } while (random.chance(0.2))
  return bytes
}
