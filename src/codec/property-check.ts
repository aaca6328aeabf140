/**
 * Checks the properties of a packet in place (§2.2.2), according to `property-table.ts`: unknown or misplaced ones are
 * malformed; repeated ones and values beyond their limits are refused with the Reason Code of their row.
 *
 *   26 0000 0000  26 0000 0000  23 0005  …       one pass without allocation: an empty User Property is five bytes here,
 *                                  ^ valueAt     and would be hundreds as a pair of strings
 *
 * The result (the rows that are present, and where the value of each begins) is written to a `FoundProperties` that is
 * reused for every list, so that numbers can be read at once, without creating an object for the list.
 *
 * @module
 */
import type { Sender } from './packet-types.ts'
import { noPacketLimits, tooMany } from './packet-limits.ts'
import type { Properties } from './properties.ts'
import {
  type HolderRules,
  holderRules,
  type PropertyHolder,
  propertyTable,
  rowNumberOf,
  rowNumbers,
  type WireType,
} from './property-table.ts'
import { forbidden, malformed, ProtocolError } from './protocol-error.ts'
import { isMqttString } from './utf8.ts'
import { readVariableByteInteger, sizeOfVariableByteInteger } from './variable-byte-integer.ts'

const Wire: Readonly<Record<WireType, number>> = {
  Byte: 0,
  'Two Byte Integer': 1,
  'Four Byte Integer': 2,
  'Variable Byte Integer': 3,
  'UTF-8 Encoded String': 4,
  'Binary Data': 5,
  'UTF-8 String Pair': 6,
}

/** The types of the table in the form that the pass reads. */
const wireOf = Uint8Array.from(propertyTable, ({ type }) => Wire[type])
const minimumOf = Float64Array.from(propertyTable, ({ minimum }) => minimum)
const maximumOf = Float64Array.from(propertyTable, ({ maximum }) => maximum)

const USER_PROPERTY = rowNumberOf.userProperties

/** The contents of one list. */
export class FoundProperties {
  /** The rows that are present, as bits by row number. */
  rows = 0
  /** The number of User Properties. */
  userProperties = 0
  /** Where the value of each row begins; for a repeated one, the last. Valid only for rows that are present. */
  readonly valueAt: Int32Array = new Int32Array(propertyTable.length)

  has(key: keyof Properties): boolean {
    return (this.rows & (1 << rowNumberOf[key])) !== 0
  }

  /** Where the value of that property begins; -1 if it is absent. */
  at(key: keyof Properties): number {
    return this.has(key) ? this.valueAt[rowNumberOf[key]]! : -1
  }
}

/**
 * Checks the properties in `bytes[start..end)`, the bytes after a Property Length.
 *
 * Hot: runs for every PUBLISH that has properties.
 *
 * @param found receives the result, valid until the next call with it
 * @throws {ProtocolError} 0x81, 0x82 or 0x94
 * @throws {LimitExceededError} 0x97 for more User Properties than `maxUserProperties`
 *
 * @example
 * const found = new FoundProperties()
 * checkProperties(Uint8Array.of(0x23, 0x00, 0x05), 0, 3, 'PUBLISH', 'client', found)
 * found.at('topicAlias') // 1
 */
export function checkProperties(
  bytes: Uint8Array,
  start: number,
  end: number,
  holder: PropertyHolder,
  sender: Sender,
  found: FoundProperties,
  maxUserProperties: number = noPacketLimits.maxUserProperties,
): void {
  const rules = holderRules[holder]
  let rows = 0
  let userProperties = 0
  let at = start
  while (at < end) {
    const number = rowAt(bytes, at, end, rules)
    const bit = 1 << number
    if ((rows & bit & ~rules.repeatable) !== 0) {
      throw forbidden(`${propertyTable[number]!.name} appears twice in ${holder}`)
    }
    rows |= bit
    found.valueAt[number] = ++at
    if (number === USER_PROPERTY && ++userProperties > maxUserProperties) {
      throw tooMany('User Properties', holder, 'max-user-properties', maxUserProperties)
    }
    at = endOfValue(bytes, at, end, number)
  }
  found.rows = rows
  found.userProperties = userProperties
  if (rows !== 0) checkMeaning(bytes, found, holder, sender)
}

/** Every defined identifier takes one byte. @returns the row number */
function rowAt(bytes: Uint8Array, at: number, end: number, rules: HolderRules): number {
  const id = bytes[at]!
  const number = id < rowNumbers.length ? rowNumbers[id]! : -1
  if (number < 0) throw unknownIdentifier(bytes, at, end)
  if ((rules.allowed & (1 << number)) === 0) {
    throw malformed(`${propertyTable[number]!.name} is not allowed in ${rules.holder}`)
  }
  return number
}

function unknownIdentifier(bytes: Uint8Array, at: number, end: number): ProtocolError {
  const id = readVariableByteInteger(bytes, at, end, true)
  return id < 0 ? noInteger('Property Identifier') : malformed(`Property Identifier ${id} is unknown`)
}

/** Checks the value of that row at `at`. @returns where it ends */
function endOfValue(bytes: Uint8Array, at: number, end: number, number: number): number {
  switch (wireOf[number]) {
    case 0: {
      if (at + 1 > end) throw pastEnd(number)
      checkLimits(bytes[at]!, number)
      return at + 1
    }
    case 1: {
      if (at + 2 > end) throw pastEnd(number)
      checkLimits(readTwoBytes(bytes, at), number)
      return at + 2
    }
    case 2: {
      if (at + 4 > end) throw pastEnd(number)
      checkLimits(readFourBytes(bytes, at), number)
      return at + 4
    }
    case 3: {
      const value = readVariableByteInteger(bytes, at, end, true)
      if (value < 0) throw noInteger(propertyTable[number]!.name)
      checkLimits(value, number)
      return at + sizeOfVariableByteInteger(value)
    }
    case 4:
      return endOfString(bytes, at, end, number)
    case 5:
      return endOfBlock(bytes, at, end, number)
    default:
      return endOfString(bytes, endOfString(bytes, at, end, number), end, number)
  }
}

/** The end of a block whose two length bytes are at `at`. */
function endOfBlock(bytes: Uint8Array, at: number, end: number, number: number): number {
  const first = at + 2
  if (first > end) throw pastEnd(number)
  const last = first + readTwoBytes(bytes, at)
  if (last > end) throw pastEnd(number)
  return last
}

function endOfString(bytes: Uint8Array, at: number, end: number, number: number): number {
  const last = endOfBlock(bytes, at, end, number)
  if (!isMqttString(bytes, at + 2, last)) {
    throw malformed(`${propertyTable[number]!.name} is not well-formed UTF-8 without U+0000`)
  }
  return last
}

function checkLimits(value: number, number: number): void {
  if (value >= minimumOf[number]! && value <= maximumOf[number]!) return
  const { name, minimum, maximum, breach } = propertyTable[number]!
  throw new ProtocolError(breach, `${name} must be ${minimum} to ${maximum}, got ${value}`)
}

function pastEnd(number: number): ProtocolError {
  return malformed(`${propertyTable[number]!.name} runs past the end of the packet`)
}

function noInteger(what: string): ProtocolError {
  return malformed(`${what} is not a valid Variable Byte Integer`)
}

/** Rules between properties, and rules that depend on the sender. */
function checkMeaning(bytes: Uint8Array, found: FoundProperties, holder: PropertyHolder, sender: Sender): void {
  const responseTopic = found.at('responseTopic')
  if (responseTopic >= 0) checkTopicName(bytes, responseTopic, 'Response Topic')
  if (holder === 'PUBLISH' && sender === 'client' && found.has('subscriptionIdentifiers')) {
    throw forbidden('A Client’s PUBLISH carries a Subscription Identifier [5.0 MQTT-3.3.4-6]')
  }
  if (holder === 'DISCONNECT' && sender === 'server' && found.has('sessionExpiryInterval')) {
    throw forbidden('A Server’s DISCONNECT carries a Session Expiry Interval [5.0 MQTT-3.14.2-2]')
  }
  if (holder === 'CONNECT' && found.has('authenticationData') && !found.has('authenticationMethod')) {
    throw forbidden('CONNECT has Authentication Data without a method')
  }
}

const PLUS = 0x2b
const NUMBER_SIGN = 0x23

/** A property that is a Topic Name has to satisfy its rules: at least one character, and no wildcard. */
function checkTopicName(bytes: Uint8Array, at: number, what: string): void {
  const end = at + 2 + readTwoBytes(bytes, at)
  if (end === at + 2) throw forbidden(`${what} is empty [5.0 MQTT-4.7.3-1]`)
  for (let index = at + 2; index < end; index++) {
    // [5.0 MQTT-3.3.2-14]
    if (bytes[index] === PLUS || bytes[index] === NUMBER_SIGN) throw forbidden(`${what} contains a wildcard`)
  }
}

function readTwoBytes(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

/** Reads the Four Byte Integer at `at`. */
export function readFourBytes(bytes: Uint8Array, at: number): number {
  return readTwoBytes(bytes, at) * 0x10000 + readTwoBytes(bytes, at + 2)
}
