/**
 * Writes properties (§2.2.2) according to `property-table.ts`: those of a set that the holder allows, in the table's
 * order.
 *
 * @module
 */
import { copyBytes } from '../base/bytes.ts'
import { UsageError } from '../base/errors.ts'
import { holderRules, type PropertyHolder, type PropertyRow } from './property-table.ts'
import { noProperties, type Properties } from './properties.ts'
import { maxStringBytes, sizeOfString, writeString } from './utf8.ts'
import { sizeOfVariableByteInteger, writeVariableByteInteger } from './variable-byte-integer.ts'

type Pair = readonly [name: string, value: string]

/** The size of the properties in bytes, without the Property Length before them. */
export function sizeOfProperties(properties: Properties, holder: PropertyHolder): number {
  if (properties === noProperties) return 0
  let size = 0
  for (const row of holderRules[holder].rows) {
    const value = properties[row.key]
    if (value === undefined) continue
    if (row.repeatableIn.length === 0) size += 1 + sizeOfValue(row, value)
    else for (const each of value as readonly unknown[]) size += 1 + sizeOfValue(row, each)
  }
  return size
}

/**
 * Writes the properties without the Property Length before them.
 *
 * @returns the position of the next byte
 */
export function writeProperties(
  target: Uint8Array,
  at: number,
  properties: Properties,
  holder: PropertyHolder,
): number {
  if (properties === noProperties) return at
  for (const row of holderRules[holder].rows) {
    const value = properties[row.key]
    if (value === undefined) continue
    if (row.repeatableIn.length === 0) at = writeProperty(target, at, row, value)
    else for (const each of value as readonly unknown[]) at = writeProperty(target, at, row, each)
  }
  return at
}

function sizeOfValue(row: PropertyRow, value: unknown): number {
  switch (row.type) {
    case 'Byte':
      return 1
    case 'Two Byte Integer':
      return 2
    case 'Four Byte Integer':
      return 4
    case 'Variable Byte Integer':
      return sizeOfVariableByteInteger(value as number)
    case 'UTF-8 Encoded String':
      return sizeOfString(value as string)
    case 'Binary Data':
      return sizeOfBinary(value as Uint8Array)
    case 'UTF-8 String Pair':
      return sizeOfString((value as Pair)[0]) + sizeOfString((value as Pair)[1])
  }
}

function writeProperty(target: Uint8Array, at: number, row: PropertyRow, value: unknown): number {
  target[at++] = row.id
  switch (row.type) {
    case 'Byte':
      target[at] = value as number
      return at + 1
    case 'Two Byte Integer':
      return writeTwoByteInteger(target, at, value as number)
    case 'Four Byte Integer':
      return writeFourByteInteger(target, at, value as number)
    case 'Variable Byte Integer':
      return writeVariableByteInteger(target, at, value as number)
    case 'UTF-8 Encoded String':
      return writeString(target, at, value as string)
    case 'Binary Data':
      return writeBinary(target, at, value as Uint8Array)
    case 'UTF-8 String Pair':
      return writeString(target, writeString(target, at, (value as Pair)[0]), (value as Pair)[1])
  }
}

/** Writes the low 16 bits of `value`. */
export function writeTwoByteInteger(target: Uint8Array, at: number, value: number): number {
  target[at] = (value >>> 8) & 0xff
  target[at + 1] = value & 0xff
  return at + 2
}

export function writeFourByteInteger(target: Uint8Array, at: number, value: number): number {
  return writeTwoByteInteger(target, writeTwoByteInteger(target, at, value >>> 16), value)
}

/** @throws {UsageError} if the length does not fit in two bytes */
export function sizeOfBinary(bytes: Uint8Array): number {
  if (bytes.length > maxStringBytes) {
    throw new UsageError(`Binary Data must not exceed ${maxStringBytes} bytes, got ${bytes.length}`)
  }
  return 2 + bytes.length
}

export function writeBinary(target: Uint8Array, at: number, bytes: Uint8Array): number {
  return copyBytes(target, writeTwoByteInteger(target, at, bytes.length), bytes, 0, bytes.length)
}
