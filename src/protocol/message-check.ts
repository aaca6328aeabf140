/**
 * Checks the parts of an Application Message that a program chooses. They have passed no decoder, and a wrong value
 * would reach every subscriber, and the Store, as a Malformed Packet. The result is a copy, so that the program may go
 * on using its own objects.
 *
 * @module
 */
import { types } from 'node:util'
import { UsageError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import { noProperties, type Properties } from '../codec/properties.ts'
import { noPropertyList, PropertyList } from '../codec/property-list.ts'
import { holderRules, type PropertyRow, type WireType } from '../codec/property-table.ts'
import { sizeOfProperties } from '../codec/property-writer.ts'
import { maxStringBytes } from '../codec/utf8.ts'
import { maxVariableByteInteger } from '../codec/variable-byte-integer.ts'
import { topicNameProblem } from '../topics/topic-name.ts'

/** The most bytes for Topic Name, Packet Identifier and the lengths of both and of the properties. */
const MAX_HEADER_BYTES = 2 + maxStringBytes + 2 + 4
/** U+0000 and halves of surrogate pairs (§1.5.4). */
const FORBIDDEN = /[\0\p{Surrogate}]/u

/** @throws {UsageError} if it is not a Topic Name */
export function checkTopicName(topicName: unknown): string {
  const problem = typeof topicName === 'string' ? topicNameProblem(topicName) : 'a topic name must be a string'
  if (problem === undefined) return topicName as string
  throw new UsageError(`cannot publish to ${shown(topicName)}: ${problem}`)
}

/** @throws {UsageError} if it is not a payload */
export function checkPayload(topicName: string, payload: unknown): Buffer {
  // `instanceof` would refuse the arrays of another realm, such as a test runner's.
  if (typeof payload === 'string' || types.isUint8Array(payload)) return Buffer.from(payload as Uint8Array)
  throw messageError(topicName, 'payload', 'must be a string or a Uint8Array', payload)
}

/** @throws {UsageError} if a PUBLISH cannot have these properties */
export function checkProperties(topicName: string, properties: unknown): PropertyList {
  if (properties === noProperties) return noPropertyList
  if (typeof properties !== 'object' || properties === null) {
    throw messageError(topicName, 'properties', 'must be an object', properties)
  }
  const { rows } = holderRules.PUBLISH
  const checked: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined) continue
    const row = rows.find((candidate) => candidate.key === key)
    if (row === undefined) throw unknownProperty(topicName, key)
    const values: readonly unknown[] = row.repeatableIn.length === 0 ? [value] : listOf(topicName, row, value)
    const copies = values.map((each) => checkValue(topicName, row, each))
    checked[key] = row.repeatableIn.length === 0 ? copies[0] : copies
  }
  const size = sizeOfProperties(checked as Properties, 'PUBLISH')
  if (size > maxVariableByteInteger) {
    throw messageError(topicName, 'properties', 'are too long for an MQTT packet', `${size} bytes`)
  }
  return PropertyList.of(checked as Properties)
}

/** @throws {UsageError} if they do not fit into an MQTT packet */
export function checkSize(topicName: string, payload: Uint8Array, properties: PropertyList): void {
  if (MAX_HEADER_BYTES + properties.length + payload.length <= maxVariableByteInteger) return
  throw messageError(topicName, 'payload', 'is too long for an MQTT packet', `${payload.length} bytes`)
}

function unknownProperty(topicName: string, key: string): UsageError {
  const near = nearest(
    key,
    holderRules.PUBLISH.rows.map((row) => row.key),
  )
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  return new UsageError(`cannot publish to ${shown(topicName)}: a PUBLISH has no property ${shown(key)}${hint}`)
}

function listOf(topicName: string, row: PropertyRow, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[]
  const what = row.type === 'UTF-8 String Pair' ? 'must be a list of [name, value]' : 'must be a list'
  throw messageError(topicName, `properties.${row.key}`, what, value)
}

/** Describes what a value must be; `undefined` if it is valid. */
const PROBLEMS: Readonly<Record<WireType, (value: unknown, row: PropertyRow) => string | undefined>> = {
  Byte: integerProblem,
  'Two Byte Integer': integerProblem,
  'Four Byte Integer': integerProblem,
  'Variable Byte Integer': integerProblem,
  'UTF-8 Encoded String': (value, { key }) =>
    textProblem(value) ?? (key === 'responseTopic' ? topicNameProblem(value as string) : undefined),
  'Binary Data': (value) =>
    types.isUint8Array(value) && value.length <= maxStringBytes
      ? undefined
      : `must be a Uint8Array of at most ${maxStringBytes} bytes`,
  'UTF-8 String Pair': (value) =>
    Array.isArray(value) && value.length === 2 && value.every((part) => textProblem(part) === undefined)
      ? undefined
      : 'must be a list of [name, value], both strings without U+0000',
}

function integerProblem(value: unknown, { minimum, maximum }: PropertyRow): string | undefined {
  if (Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum) return undefined
  return `must be a whole number from ${minimum} to ${maximum}`
}

function textProblem(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be a string'
  if (FORBIDDEN.test(value)) return 'must hold neither U+0000 nor surrogates'
  return Buffer.byteLength(value) <= maxStringBytes ? undefined : `must have at most ${maxStringBytes} bytes`
}

/** @returns a copy of any part that could be changed later */
function checkValue(topicName: string, row: PropertyRow, value: unknown): unknown {
  const problem = PROBLEMS[row.type](value, row)
  if (problem !== undefined) throw messageError(topicName, `properties.${row.key}`, problem, value)
  if (types.isUint8Array(value)) return Buffer.from(value)
  return Array.isArray(value) ? [...(value as readonly string[])] : value
}

/** The error that says what is wrong with a message for that topic. */
export function messageError(topicName: string, what: string, problem: string, value: unknown): UsageError {
  return new UsageError(`cannot publish to ${shown(topicName)}: ${what} ${problem}, got ${shown(value)}`)
}

/** Shows a value, shortened so that the sentence stays readable. */
function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
