/**
 * Decodes the properties of a packet to an object (§2.2.2), for callers that need one. `property-check.ts` runs first
 * and reports errors.
 *
 * @module
 */
import { checkProperties, FoundProperties } from './property-check.ts'
import { type PropertyHolder, type PropertyRow, propertyTable, rowNumbers } from './property-table.ts'
import { noProperties, type Properties } from './properties.ts'
import type { Sender } from './packet-types.ts'
import { Reader } from './reader.ts'

type Value = number | string | Uint8Array | readonly [name: string, value: string]
type MutableProperties = { -readonly [Key in keyof Properties]: Properties[Key] }

/** Shared by all calls: it is read before the next list is checked. */
const found = new FoundProperties()

/**
 * Reads a Property Length and the properties after it. Strings and Binary Data are copied; User Properties are omitted
 * if the reader does not need them.
 *
 * @throws {ProtocolError} 0x81, 0x82, 0x94 or 0x97
 */
export function readProperties(reader: Reader, holder: PropertyHolder, sender: Sender): Properties {
  const length = reader.variableByteInteger('Property Length')
  if (length === 0) return noProperties
  const part = reader.part(length, 'Properties')
  checkProperties(part.bytes, part.at, part.end, holder, sender, found, reader.limits.maxUserProperties)
  return decodeProperties(part.bytes, part.at, part.end, reader.readsUserProperties)
}

/**
 * Decodes properties that were checked. Strings and Binary Data are copied.
 *
 * @example
 * decodeProperties(Uint8Array.of(0x23, 0x00, 0x05), 0, 3).topicAlias // 5
 */
export function decodeProperties(bytes: Uint8Array, start: number, end: number, withUserProperties = true): Properties {
  if (start === end) return noProperties
  const reader = new Reader(bytes, start, end)
  const properties: MutableProperties = {}
  while (!reader.isAtEnd) {
    const row = propertyTable[rowNumbers[reader.byte('Property Identifier')]!]!
    if (row.key === 'userProperties' && !withUserProperties) {
      reader.skipBlock(row.name)
      reader.skipBlock(row.name)
    } else store(properties, row, readValue(reader, row))
  }
  return properties
}

function readValue(reader: Reader, row: PropertyRow): Value {
  switch (row.type) {
    case 'Byte':
      return reader.byte(row.name)
    case 'Two Byte Integer':
      return reader.twoByteInteger(row.name)
    case 'Four Byte Integer':
      return reader.fourByteInteger(row.name)
    case 'Variable Byte Integer':
      return reader.variableByteInteger(row.name)
    case 'UTF-8 Encoded String':
      return reader.string(row.name)
    case 'Binary Data':
      return reader.binary(row.name)
    case 'UTF-8 String Pair':
      return [reader.string(row.name), reader.string(row.name)]
  }
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
