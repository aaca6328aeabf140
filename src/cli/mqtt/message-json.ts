/** A received message as JSON, with the names of Mosquitto's tools. @module */
import type { Properties } from '../../codec/properties.ts'
import { propertyTable } from '../../codec/property-table.ts'
import { propertyName } from './property-flags.ts'
import type { ReceivedMessage } from './received.ts'
import { formatTime, nanosecondsOf } from './time-format.ts'

const rows = new Map(propertyTable.map((row) => [row.key as string, row]))

/**
 * @param payload what the payload is: its text, or a decoded value
 * @returns the object whose JSON is printed
 */
export function messageJson(message: ReceivedMessage, payload: unknown): object {
  const { topicName, qos, retain, packetIdentifier, receivedAtMs } = message
  const properties = jsonProperties(message.properties, message.subscriptionIdentifiers)
  return {
    tst: timestamp(receivedAtMs),
    topic: topicName,
    qos,
    retain: retain ? 1 : 0,
    payloadlen: message.payload.length,
    ...(qos > 0 && { mid: packetIdentifier }),
    ...(Object.keys(properties).length > 0 && { properties }),
    payload,
  }
}

/** Such as `2026-11-30T12:00:07.413606Z+0000`: local time with microseconds, as Mosquitto's tools print it. */
function timestamp(milliseconds: number): string {
  const [day, time, zone] = ['F', 'T', 'z'].map((letter) => formatTime(letter, milliseconds))
  return `${day}T${time}.${nanosecondsOf(milliseconds).slice(0, 6)}Z${zone}`
}

function jsonProperties(properties: Properties, subscriptionIdentifiers: readonly number[]): object {
  const json: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(properties)) {
    const row = rows.get(key)
    if (row === undefined || value === undefined) continue
    if (key === 'userProperties') json['user-properties'] = Object.fromEntries(value as [string, string][])
    else json[propertyName(row)] = value instanceof Uint8Array ? Buffer.from(value).toString() : value
  }
  const [first, ...more] = subscriptionIdentifiers
  if (first !== undefined) json['subscription-identifier'] = more.length === 0 ? first : subscriptionIdentifiers
  return json
}

/**
 * Formats JSON on several lines as Mosquitto's tools do: with tabs, also after colons.
 *
 * @example
 * prettyJson({ a: 1 }) // '{\n\t"a":\t1\n}'
 */
export function prettyJson(value: unknown, depth = 0): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map((item) => prettyJson(item, depth)).join(', ')}]`
  const entries = Object.entries(value)
  if (entries.length === 0) return '{\n' + '\t'.repeat(depth) + '}'
  const indent = '\t'.repeat(depth + 1)
  const lines = entries.map(([key, item]) => `${indent}${JSON.stringify(key)}:\t${prettyJson(item, depth + 1)}`)
  return `{\n${lines.join(',\n')}\n${'\t'.repeat(depth)}}`
}
