/**
 * A record of a trace as a line for people, in the words of the standard. Text of clients is escaped.
 *
 *   -> CONNECT 5.0, client "meter-7", Clean Start 1, Keep Alive 60, User Name "ann", Password (8 bytes)
 *   <- CONNACK Success, Session Present 0, Receive Maximum 10
 *   -> PUBLISH "power/l1", QoS 1, Packet Identifier 3, payload (4 bytes)
 *   <- PUBACK 3, No matching subscribers (0x10)
 *    * dropped "power/l1": queue full
 *
 * @module
 */
import { safeExcerpt } from '../../base/printable.ts'
import { propertyTable } from '../../codec/property-table.ts'
import { connectReturnCodes, reasonCodeName, type ReasonCodePacket } from '../../codec/reason-code.ts'
import type { TracePacket, TraceRecord } from '../../broker/host/trace-admin.ts'

type Fields = Readonly<Record<string, unknown>>

const VERSIONS: Readonly<Record<number, string>> = { 3: '3.1', 4: '3.1.1', 5: '5.0' }
const PROPERTY_NAMES = new Map<string, string>(propertyTable.map(({ key, name }) => [key, name]))
const MAX_SHOWN_BYTES = 60

/** The record without its number, time and client. */
export function traceLine(record: TraceRecord): string {
  const { direction, packet, event, details = {} } = record
  if (packet !== undefined) return `${direction === 'received' ? '->' : '<-'} ${packetText(packet)}`
  return ` * ${eventText(event ?? '', details)}`
}

/** A Control Packet in a line. */
export function packetText(packet: TracePacket): string {
  const { type, ...fields } = packet
  if (fields['omittedBytes'] !== undefined)
    return `${type} (${valueText(fields['omittedBytes'])} bytes, too long to show)`
  const facts = [...factsOf(type, fields), ...propertyTexts((fields['properties'] ?? {}) as Fields)]
  return facts.length === 0 ? type : `${type} ${facts.join(', ')}`
}

function factsOf(type: TracePacket['type'], fields: Fields): string[] {
  switch (type) {
    case 'CONNECT':
      return connectFacts(fields)
    case 'CONNACK':
      return [connackCode(fields), `Session Present ${bit(fields['sessionPresent'])}`]
    case 'PUBLISH':
      return publishFacts(fields)
    case 'SUBSCRIBE':
      return [identifier(fields), ...listOf(fields['subscriptions']).map((one) => subscriptionText(one as Fields))]
    case 'UNSUBSCRIBE':
      return [identifier(fields), ...listOf(fields['topicFilters']).map(valueText)]
    case 'SUBACK':
    case 'UNSUBACK':
      return [identifier(fields), ...listOf(fields['reasonCodes']).map((code) => acknowledged(code, type, fields))]
    case 'PINGREQ':
    case 'PINGRESP':
      return []
    default:
      return [
        ...(fields['packetIdentifier'] === undefined ? [] : [identifier(fields)]),
        ...(fields['reasonCode'] === undefined ? [] : [codeText(fields['reasonCode'], type)]),
      ]
  }
}

function connectFacts({
  protocolVersion,
  bridge,
  clientId,
  cleanStart,
  keepAlive,
  userName,
  password,
  will,
}: Fields): string[] {
  const version = VERSIONS[Number(protocolVersion)] ?? valueText(protocolVersion)
  return [
    `${version}${bridge === true ? ' (bridge)' : ''}`,
    `client ${valueText(clientId)}`,
    `${protocolVersion === 5 ? 'Clean Start' : 'Clean Session'} ${bit(cleanStart)}`,
    `Keep Alive ${valueText(keepAlive)}`,
    ...(userName === undefined ? [] : [`User Name ${valueText(userName)}`]),
    ...(password === undefined ? [] : [`Password ${valueText(password)}`]),
    ...(will === undefined ? [] : [willText(will as Fields)]),
  ]
}

function willText({ topicName, qos, retain, payload, properties = {} }: Fields): string {
  const facts = [`QoS ${valueText(qos)}`, ...(retain === true ? ['RETAIN'] : []), `payload ${valueText(payload)}`]
  return `Will ${valueText(topicName)} (${[...facts, ...propertyTexts(properties as Fields)].join(', ')})`
}

function publishFacts({ topicName, qos, retain, dup, packetIdentifier, payload }: Fields): string[] {
  return [
    valueText(topicName),
    `QoS ${valueText(qos)}`,
    ...(dup === true ? ['DUP'] : []),
    ...(retain === true ? ['RETAIN'] : []),
    ...(qos === 0 ? [] : [`Packet Identifier ${valueText(packetIdentifier)}`]),
    `payload ${valueText(payload)}`,
  ]
}

function subscriptionText({ topicFilter, qos, noLocal, retainAsPublished, retainHandling }: Fields): string {
  const options = [
    ...(noLocal === true ? ['No Local'] : []),
    ...(retainAsPublished === true ? ['Retain As Published'] : []),
    ...(retainHandling === 0 || retainHandling === undefined ? [] : [`Retain Handling ${valueText(retainHandling)}`]),
  ]
  return [`${valueText(topicFilter)} at QoS ${valueText(qos)}`, ...options].join(' ')
}

/** A CONNACK before 5.0 has a return code. */
function connackCode({ protocolVersion, reasonCode }: Fields): string {
  if (protocolVersion === 5 || protocolVersion === undefined) return codeText(reasonCode, 'CONNACK')
  return `${connectReturnCodes[Number(reasonCode)] ?? 'unknown return code'} (${valueText(reasonCode)})`
}

/** Before 5.0, SUBACK has one code for whatever is refused. */
function acknowledged(code: unknown, type: string, { protocolVersion }: Fields): string {
  return code === 0x80 && Number(protocolVersion) < 5 ? 'Failure (0x80)' : codeText(code, type)
}

/** The name of a Reason Code, and its number where it says more than that it is well. */
function codeText(code: unknown, packet?: string): string {
  if (typeof code !== 'number') return valueText(code)
  const name = reasonCodeName(code, packet as ReasonCodePacket | undefined)
  return code === 0 ? name : `${name} (0x${code.toString(16).padStart(2, '0').toUpperCase()})`
}

function identifier({ packetIdentifier }: Fields): string {
  return valueText(packetIdentifier)
}

function propertyTexts(properties: Fields): string[] {
  return Object.entries(properties).map(([key, value]) => `${PROPERTY_NAMES.get(key) ?? key} ${valueText(value)}`)
}

/**
 * Facts that say the most come first, without their names. The codes of events are those of the broker's decision, so
 * they have no number: what the client was sent is in its packet.
 */
function eventText(
  event: string,
  { omittedBytes, topic, topicFilter, cause, reasonCode, detail, ...rest }: Fields,
): string {
  if (omittedBytes !== undefined) return `${event} (${valueText(omittedBytes)} bytes, too long to show)`
  const subject = [topic, topicFilter].filter((one) => one !== undefined).map(valueText)
  const reason = typeof reasonCode === 'number' ? reasonCodeName(reasonCode) : undefined
  const why = [
    ...(typeof cause === 'string' ? [cause] : []),
    ...(reason === undefined ? [] : [reason]),
    ...(typeof detail === 'string' && detail !== '' && detail !== reason ? [safeExcerpt(detail)] : []),
    ...Object.entries(rest).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${valueText(value)}`])),
  ]
  const head = [event, ...subject].join(' ')
  return why.length === 0 ? head : `${head}: ${why.join(', ')}`
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return `"${safeExcerpt(value)}"`
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const { bytes, base64, count, pairs } = value as Fields
  if (typeof bytes === 'number') return bytesText(bytes, base64)
  if (typeof count === 'number') return pairs === undefined ? `(${count})` : pairsText(pairs)
  return Object.entries(value)
    .map(([name, one]) => `${name} ${valueText(one)}`)
    .join(' ')
}

function bytesText(bytes: number, base64: unknown): string {
  const size = `(${bytes} ${bytes === 1 ? 'byte' : 'bytes'})`
  if (typeof base64 !== 'string') return size
  const shown = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  return `${quotedBytes(shown)}${shown.length < bytes ? '…' : ''} ${size}`
}

/** Bytes as text if they are one, with its quotation marks escaped, and otherwise in hexadecimal. */
export function quotedBytes(bytes: Uint8Array): string {
  const text = textOf(bytes)
  return text === undefined
    ? `0x${hexadecimal(bytes.subarray(0, MAX_SHOWN_BYTES / 2))}`
    : `"${safeExcerpt(text, MAX_SHOWN_BYTES).replaceAll('"', '\\"')}"`
}

/** Without the classes of Node, because the page also shows traces. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @returns `undefined` unless it is UTF-8 */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

function hexadecimal(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function pairsText(pairs: unknown): string {
  return listOf(pairs)
    .map((pair) => listOf(pair).map(valueText).join('='))
    .join(' ')
}

function bit(value: unknown): string {
  return value === true ? '1' : '0'
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
