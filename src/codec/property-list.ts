/**
 * The properties of an Application Message as bytes in wire format: checked, kept and forwarded without being decoded.
 * They are decoded only for callers that need an object.
 *
 *   PUBLISH of a Client    … | 02 0000003c  26 0001 61 0001 62 | payload        the list is a range of the packet's own bytes,
 *                              ^ start                          ^ end           and moves with them
 *   PUBLISH to a Client    … | 02 00000032  26 0001 61 0001 62 | payload        copied; only the interval is written again
 *
 * It contains the properties of the message: Payload Format Indicator, Message Expiry Interval, Content Type, Response
 * Topic, Correlation Data, User Property. Topic Alias, Subscription Identifiers and Will Delay Interval concern one
 * hop, and are omitted when a list is created.
 *
 * @module
 */
import { copyBytes } from '../base/bytes.ts'
import { type FoundProperties, readFourBytes } from './property-check.ts'
import { decodeProperties } from './property-reader.ts'
import { noProperties, type Properties } from './properties.ts'
import { sizeOfProperties, writeFourByteInteger, writeProperties } from './property-writer.ts'

/** Decoded forms of longer lists are not cached: they would keep much memory for little use. */
const MAX_REMEMBERED_BYTES = 4096

/** The memory of a list in addition to its bytes, with an array of its own. */
const LIST_BYTES = 384

/** Bytes of a Topic Alias including its identifier, and of a Will Delay Interval. */
const TOPIC_ALIAS_BYTES = 3
const WILL_DELAY_BYTES = 5

/** The list that was decoded last, for several listeners that read the same one. */
const last: { list: PropertyList | undefined; properties: Properties } = { list: undefined, properties: noProperties }

export class PropertyList {
  /** The array that contains it. */
  bytes: Uint8Array
  start: number
  end: number
  /** Seconds, as received; `undefined` if absent. */
  readonly messageExpiryInterval: number | undefined
  /** Offset of the interval's value, counted from `start`. */
  readonly #intervalAt: number

  /** @param intervalAt index in `bytes` of the Message Expiry Interval's value; -1 if absent */
  constructor(bytes: Uint8Array, start: number, end: number, intervalAt: number) {
    this.bytes = bytes
    this.start = start
    this.end = end
    this.messageExpiryInterval = intervalAt < 0 ? undefined : readFourBytes(bytes, intervalAt)
    this.#intervalAt = intervalAt - start
  }

  /**
   * Creates the list of a checked PUBLISH or Will. If nothing has to be omitted, it stays in `bytes` itself.
   *
   * @param found the result of `checkProperties` for that range
   */
  static received(bytes: Uint8Array, start: number, end: number, found: FoundProperties): PropertyList {
    const aliasAt = found.at('topicAlias')
    if (aliasAt >= 0) return without(bytes, start, end, found, aliasAt - 1, TOPIC_ALIAS_BYTES)
    const delayAt = found.at('willDelayInterval')
    if (delayAt >= 0) return without(bytes, start, end, found, delayAt - 1, WILL_DELAY_BYTES)
    return new PropertyList(bytes, start, end, found.at('messageExpiryInterval'))
  }

  /**
   * Creates the list of properties from the host program or a Store.
   *
   * @throws {UsageError} if a string is too long or contains U+0000
   */
  static of(properties: Properties): PropertyList {
    if (properties === noProperties) return noPropertyList
    const { messageExpiryInterval } = properties
    const own = { ...properties, topicAlias: undefined, subscriptionIdentifiers: undefined }
    const size = sizeOfProperties(own, 'PUBLISH')
    if (size === 0) return noPropertyList
    const bytes = Buffer.allocUnsafeSlow(size)
    writeProperties(bytes, 0, own, 'PUBLISH')
    // They are written in the table's order: only the Payload Format Indicator may come before it.
    const intervalAt = messageExpiryInterval === undefined ? -1 : own.payloadFormatIndicator === undefined ? 1 : 3
    return new PropertyList(bytes, 0, size, intervalAt)
  }

  /** Its length in bytes, without the Property Length before them. */
  get length(): number {
    return this.end - this.start
  }

  /** Its memory. */
  get size(): number {
    return this === noPropertyList ? 0 : LIST_BYTES + this.length
  }

  /** Decodes to an object, which is created at each call except for the list that was decoded last. */
  decode(): Properties {
    if (this === noPropertyList) return noProperties
    if (last.list === this) return last.properties
    const properties = decodeProperties(this.bytes, this.start, this.end)
    if (this.length > MAX_REMEMBERED_BYTES) return properties
    last.list = this
    last.properties = properties
    return properties
  }

  /**
   * Writes the properties, without the Property Length before them.
   *
   * @param messageExpiryInterval the remaining seconds, which replace the received interval
   * @returns the position of the next byte
   */
  write(target: Uint8Array, at: number, messageExpiryInterval: number | undefined): number {
    const next = copyBytes(target, at, this.bytes, this.start, this.end)
    if (this.messageExpiryInterval !== undefined && messageExpiryInterval !== undefined) {
      writeFourByteInteger(target, at + this.#intervalAt, messageExpiryInterval)
    }
    return next
  }

  /** Returns a list in memory of its own; an empty list returns itself. */
  copy(): PropertyList {
    if (this === noPropertyList) return this
    const bytes = Buffer.allocUnsafeSlow(this.length)
    copyBytes(bytes, 0, this.bytes, this.start, this.end)
    return new PropertyList(bytes, 0, bytes.length, this.messageExpiryInterval === undefined ? -1 : this.#intervalAt)
  }

  /** Its bytes were moved together with those around them. */
  moved(bytes: Uint8Array, start: number): void {
    const { length } = this
    this.bytes = bytes
    this.start = start
    this.end = start + length
  }
}

/** The shared empty list, which most messages have. */
export const noPropertyList: PropertyList = new PropertyList(new Uint8Array(0), 0, 0, -1)

/** Properties as bytes, which they may be already. */
export function propertyListOf(properties: PropertyList | Properties | undefined): PropertyList {
  if (properties === undefined) return noPropertyList
  return properties instanceof PropertyList ? properties : PropertyList.of(properties)
}

/**
 * Gives a record a `properties` object that is created on access, so that a waiting record holds only bytes.
 *
 * @returns the same record
 */
export function withProperties<Fields extends { readonly properties: Properties }>(
  record: Fields,
  list: PropertyList,
): Fields {
  return Object.defineProperty(record, 'properties', { enumerable: true, get: () => list.decode() })
}

/** A copy of `bytes[start..end)` without the property of `size` bytes at `at`. */
function without(
  bytes: Uint8Array,
  start: number,
  end: number,
  found: FoundProperties,
  at: number,
  size: number,
): PropertyList {
  const rest = end - start - size
  if (rest === 0) return noPropertyList
  const copy = Buffer.allocUnsafeSlow(rest)
  copyBytes(copy, copyBytes(copy, 0, bytes, start, at), bytes, at + size, end)
  const intervalAt = found.at('messageExpiryInterval')
  if (intervalAt < 0) return new PropertyList(copy, 0, rest, -1)
  return new PropertyList(copy, 0, rest, intervalAt - start - (intervalAt > at ? size : 0))
}
