/**
 * Deliveries whose payloads are only in the Store, as rows of plain numbers and shared strings: about 48 bytes each,
 * where a Delivery takes 270. What only a few of them have (properties, Subscription Identifiers) lies in objects
 * beside the rows.
 *
 * @module
 */
import type { QoS } from '../codec/packet-types.ts'
import { noPropertyList, type PropertyList } from '../codec/property-list.ts'
import { ApplicationMessage } from './application-message.ts'
import { Delivery, type SharedOrigin } from './delivery.ts'
import { IDENTIFIER_BYTES, PARKED_BYTES } from './memory-sizes.ts'

export const CHUNK_ROWS = 256
export const SMALLEST_CHUNK_ROWS = 4
/** The numbers of a row: entryNumber, messageNumber, and payload length with the bits below it. */
const STRIDE = 3
const Bit = { qos: 3, retain: 4, deliveryQos2: 8, deliveryRetain: 16 } as const
const LENGTH_UNIT = 32

/** The parts that most rows do not have. */
interface Extras {
  readonly properties: PropertyList
  readonly receivedAtMs: number
  readonly subscriptionIdentifiers: readonly number[]
  readonly shared: SharedOrigin | undefined
}

const NO_IDENTIFIERS: readonly number[] = []

/** A chunk of rows; a row is an index into all of its lists. */
export class ParkedRows {
  numbers: Float64Array
  topicNames: string[]
  publishers: string[]
  /** A whole Delivery where it must stay one. The list is made when a row needs it. */
  extras: (Extras | Delivery | undefined)[] | undefined = undefined
  start = 0
  end = 0

  constructor(rows: number) {
    this.numbers = new Float64Array(rows * STRIDE)
    this.topicNames = new Array<string>(rows)
    this.publishers = new Array<string>(rows)
  }

  entryNumber(row: number): number {
    return this.numbers[row * STRIDE]!
  }

  /** Moves a row to another place and overwrites the row there. */
  move(from: number, to: number): void {
    this.numbers.copyWithin(to * STRIDE, from * STRIDE, (from + 1) * STRIDE)
    this.topicNames[to] = this.topicNames[from]!
    this.publishers[to] = this.publishers[from]!
    if (this.extras !== undefined) this.extras[to] = this.extras[from]
  }

  /** Doubles its room. */
  grow(): void {
    const { numbers, topicNames, publishers, end } = this
    this.numbers = new Float64Array(numbers.length * 2)
    this.numbers.set(numbers)
    this.topicNames = topicNames.concat(new Array<string>(end))
    this.publishers = publishers.concat(new Array<string>(end))
  }

  /** Releases the memory of rows that were removed out of order. */
  shrink(): void {
    const { start, end } = this
    const rows = end - start
    if (rows === 0 || Math.max(rows * 4, SMALLEST_CHUNK_ROWS + 1) * STRIDE > this.numbers.length) return
    this.numbers = this.numbers.slice(start * STRIDE, end * STRIDE)
    this.topicNames = this.topicNames.slice(start, end)
    this.publishers = this.publishers.slice(start, end)
    this.extras = this.extras?.slice(start, end)
    this.start = 0
    this.end = rows
  }
}

/** The first row after that entry. */
export function rowBehind(chunk: ParkedRows, entryNumber: number): number {
  let row = chunk.entryNumber(chunk.end - 1) <= entryNumber ? chunk.end : chunk.start
  while (row < chunk.end && chunk.entryNumber(row) <= entryNumber) row++
  return row
}

/** The memory that a row takes. */
export function sizeParked({ message, subscriptionIdentifiers }: Delivery): number {
  return PARKED_BYTES + message.namesSize + subscriptionIdentifiers.length * IDENTIFIER_BYTES
}

/** Adds the delivery as the last row. */
export function addRow(chunk: ParkedRows, delivery: Delivery): void {
  const { message, entryNumber } = delivery
  const row = chunk.end
  if (row * STRIDE === chunk.numbers.length) chunk.grow()
  chunk.end++
  chunk.topicNames[row] = message.topicName
  chunk.publishers[row] = message.publisher
  const extras = staysWhole(delivery) ? delivery : extrasOf(delivery, chunk.extras?.[row - 1])
  if (extras !== undefined) (chunk.extras ??= [])[row] = extras
  const deliveryBits = (delivery.qos === 2 ? Bit.deliveryQos2 : 0) | (delivery.retain ? Bit.deliveryRetain : 0)
  const bits = message.qos | (message.retain ? Bit.retain : 0) | deliveryBits
  chunk.numbers[row * STRIDE] = entryNumber
  chunk.numbers[row * STRIDE + 1] = message.messageNumber
  chunk.numbers[row * STRIDE + 2] = message.payloadLength * LENGTH_UNIT + bits
}

/**
 * Whether the delivery has to stay an object: the Store has no record of it, or it may move to another member, which
 * then needs its payload.
 */
export function staysWhole({ isStored, shared, message }: Delivery): boolean {
  return !isStored || (shared !== undefined && message.isLoaded)
}

/** @param before the extras of the row before it, which are often the same */
function extrasOf(
  { message, subscriptionIdentifiers, shared }: Delivery,
  before: Extras | Delivery | undefined,
): Extras | undefined {
  const { receivedAtMs } = message
  const properties = message.ownProperties()
  const isPlain = properties === noPropertyList
  if (isPlain && shared === undefined && subscriptionIdentifiers.length === 0) return undefined
  const isSame =
    isPlain &&
    before !== undefined &&
    !(before instanceof Delivery) &&
    before.properties === noPropertyList &&
    before.shared === shared &&
    before.subscriptionIdentifiers === subscriptionIdentifiers
  return isSame ? before : { properties, receivedAtMs, subscriptionIdentifiers, shared }
}

/** The delivery of that row; a new object unless it stayed whole. */
export function deliveryOf({ numbers, topicNames, publishers, extras }: ParkedRows, row: number): Delivery {
  const more = extras?.[row]
  if (more instanceof Delivery) return more
  const lengthAndBits = numbers[row * STRIDE + 2]!
  const bits = lengthAndBits % LENGTH_UNIT
  const message = ApplicationMessage.stored(
    {
      topicName: topicNames[row]!,
      qos: (bits & Bit.qos) as QoS,
      retain: (bits & Bit.retain) !== 0,
      properties: more?.properties ?? noPropertyList,
      publisher: publishers[row]!,
      receivedAtMs: more?.receivedAtMs ?? 0,
    },
    numbers[row * STRIDE + 1]!,
    Math.floor(lengthAndBits / LENGTH_UNIT),
  )
  const delivery = new Delivery(
    message,
    (bits & Bit.deliveryQos2) === 0 ? 1 : 2,
    (bits & Bit.deliveryRetain) !== 0,
    more?.subscriptionIdentifiers ?? NO_IDENTIFIERS,
    more?.shared,
    numbers[row * STRIDE]!,
  )
  delivery.isStored = true
  return delivery
}
