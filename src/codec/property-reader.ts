/**
 * Reads and checks the properties of a packet (§2.2.2), driven by `property-table.ts`: unknown or misplaced ones are
 * malformed, repeats and values beyond their limits are refused with the Reason Code of their row.
 *
 * @module
 */
import {
  type HolderRules,
  holderRules,
  type PropertyHolder,
  type PropertyRow,
  propertyTable,
  rowNumbers,
} from './property-table.ts'
import { noProperties, type Properties } from './properties.ts'
import type { Sender } from './packets.ts'
import { forbidden, malformed, ProtocolError } from './protocol-error.ts'
import { Reader, refuseWildcard } from './reader.ts'

type Value = number | string | Uint8Array | readonly [name: string, value: string]
type MutableProperties = { -readonly [Key in keyof Properties]: Properties[Key] }

/**
 * Reads a Property Length and the properties that follow it. Strings and Binary Data are copied out.
 *
 * @throws {ProtocolError} 0x81, 0x82 or 0x94
 */
export function readProperties(reader: Reader, holder: PropertyHolder, sender: Sender): Properties {
  const length = reader.variableByteInteger('Property Length')
  return length === 0 ? noProperties : readPropertiesWithin(reader.part(length, 'Properties'), holder, sender)
}

/** Reads the properties that fill `reader`: what stands behind a Property Length. */
export function readPropertiesWithin(reader: Reader, holder: PropertyHolder, sender: Sender): Properties {
  const rules = holderRules[holder]
  const properties: MutableProperties = {}
  let seen = 0
  while (!reader.isAtEnd) {
    const rowNumber = readIdentifier(reader, rules)
    const bit = 1 << rowNumber
    const row = propertyTable[rowNumber]!
    if ((seen & bit & ~rules.repeatable) !== 0) throw forbidden(`${row.name} stands twice in ${holder}`)
    seen |= bit
    store(properties, row, readValue(reader, row))
  }
  checkMeaning(properties, holder, sender)
  return properties
}

function readIdentifier(reader: Reader, rules: HolderRules): number {
  const id = reader.variableByteInteger('Property Identifier')
  const rowNumber = id < rowNumbers.length ? rowNumbers[id]! : -1
  if (rowNumber < 0) throw malformed(`Property Identifier ${id} is unknown`)
  if ((rules.allowed & (1 << rowNumber)) === 0) {
    throw malformed(`${propertyTable[rowNumber]!.name} may not stand in ${rules.holder}`)
  }
  return rowNumber
}

function readValue(reader: Reader, row: PropertyRow): Value {
  switch (row.type) {
    case 'Byte':
      return withinLimits(reader.byte(row.name), row)
    case 'Two Byte Integer':
      return withinLimits(reader.twoByteInteger(row.name), row)
    case 'Four Byte Integer':
      return withinLimits(reader.fourByteInteger(row.name), row)
    case 'Variable Byte Integer':
      return withinLimits(reader.variableByteInteger(row.name), row)
    case 'UTF-8 Encoded String':
      return reader.string(row.name)
    case 'Binary Data':
      return reader.binary(row.name)
    case 'UTF-8 String Pair':
      return [reader.string(row.name), reader.string(row.name)]
  }
}

function withinLimits(value: number, row: PropertyRow): number {
  if (value < row.minimum || value > row.maximum) {
    throw new ProtocolError(row.breach, `${row.name} must be ${row.minimum} to ${row.maximum}, got ${value}`)
  }
  return value
}

function store(properties: MutableProperties, row: PropertyRow, value: Value): void {
  if (row.repeatableIn.length === 0) {
    ;(properties as Record<string, Value>)[row.key] = value
    return
  }
  const lists = properties as Record<string, Value[] | undefined>
  const list = lists[row.key]
  if (list === undefined) lists[row.key] = [value]
  else list.push(value)
}

/** Rules between properties, and those that depend on who speaks. */
function checkMeaning(properties: Properties, holder: PropertyHolder, sender: Sender): void {
  // [5.0 MQTT-3.3.2-14]
  if (properties.responseTopic !== undefined) refuseWildcard(properties.responseTopic, 'Response Topic')
  if (holder === 'PUBLISH' && sender === 'client' && properties.subscriptionIdentifiers !== undefined) {
    throw forbidden('A Client’s PUBLISH carries a Subscription Identifier [5.0 MQTT-3.3.4-6]')
  }
  if (holder === 'DISCONNECT' && sender === 'server' && properties.sessionExpiryInterval !== undefined) {
    throw forbidden('A Server’s DISCONNECT carries a Session Expiry Interval [5.0 MQTT-3.14.2-2]')
  }
  if (
    holder === 'CONNECT' &&
    properties.authenticationData !== undefined &&
    properties.authenticationMethod === undefined
  ) {
    throw forbidden('CONNECT has Authentication Data without a method')
  }
}
