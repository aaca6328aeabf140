/**
 * `-F FORMAT`: how a received message is printed, with the specifiers of mosquitto_sub. A format is compiled once; each
 * piece then writes its part of a message.
 *
 *   %t %5q %-10t %.3t %p %j      a field of the message: flag - or 0, width, precision
 *   @Y-@m-@d                     local time, by `strftime`; @N is nanoseconds
 *   \n \t \\ \0 \a \e \r \v      a character
 *
 * @module
 */
import { UsageError } from '../../base/errors.ts'
import { messageJson, prettyJson } from './message-json.ts'
import type { ReceivedMessage } from './received.ts'
import { formatTime, nanosecondsOf } from './time-format.ts'

/** Produces one part of a message. */
type Piece = (message: ReceivedMessage) => string | Uint8Array

/** How a field is fitted into its width. */
interface Fit {
  readonly flag: string
  /** 0 for none. */
  readonly width: number
  /** -1 for none. */
  readonly precision: number
}

/** Where a problem with a message is reported: a line for standard error. */
export type Report = (line: string) => void

/** Text fields: cut to the precision, padded to the width. */
type TextField = (message: ReceivedMessage) => string | undefined
/** Number fields: padded to the width, with zeros after the flag 0. */
type NumberField = (message: ReceivedMessage) => number | undefined

const TEXTS: Readonly<Record<string, TextField>> = {
  C: ({ properties }) => properties.contentType,
  I: ({ receivedAtMs }) =>
    `${formatTime('F', receivedAtMs)}T${formatTime('T', receivedAtMs)}${formatTime('z', receivedAtMs)}`,
  t: ({ topicName }) => topicName,
}

const NUMBERS: Readonly<Record<string, NumberField>> = {
  A: ({ properties }) => properties.topicAlias,
  E: ({ properties }) => properties.messageExpiryInterval,
  F: ({ properties }) => properties.payloadFormatIndicator,
  l: ({ payload }) => payload.length,
  m: ({ packetIdentifier }) => packetIdentifier,
  S: ({ subscriptionIdentifiers }) => subscriptionIdentifiers[0],
}

/** Fields without a width. */
const PLAIN: Readonly<Record<string, (message: ReceivedMessage) => string>> = {
  P: ({ properties }) => (properties.userProperties ?? []).map(([name, value]) => `${name}:${value}`).join(' '),
  q: ({ qos }) => String(qos),
  r: ({ retain }) => (retain ? '1' : '0'),
  U: ({ receivedAtMs }) => `${Math.floor(receivedAtMs / 1000)}.${nanosecondsOf(receivedAtMs)}`,
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  '0': '\0',
  a: '\u0007',
  e: '\u001b',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/**
 * Compiles a format.
 *
 * @param isPretty prints JSON on several lines
 * @throws {UsageError} for an unknown or incomplete specifier or escape
 * @returns what produces the parts of a message, in order
 */
export function compileFormat(
  format: string,
  isPretty: boolean,
  report: Report,
): (message: ReceivedMessage) => (string | Uint8Array)[] {
  const pieces: Piece[] = []
  let literal = ''
  const add = (piece: Piece): void => {
    const text = literal
    if (text !== '') pieces.push(() => text)
    literal = ''
    pieces.push(piece)
  }
  const pattern = /%([-0]?)(\d*)(?:\.(\d*))?(.?)|@(.?)|\\(.?)|[^%@\\]+/gsu
  for (const [whole, flag = '', width = '', precision, field, time, escape] of format.matchAll(pattern)) {
    if (field !== undefined) {
      if (field === '') throw new UsageError('-F: the specifier after the last % is incomplete.')
      if (field === '%') literal += '%'
      else add(fieldOf(field, { flag, width: Number(width), precision: precisionOf(precision) }, isPretty, report))
    } else if (time !== undefined) {
      if (time === '') throw new UsageError('-F: the specifier after the last @ is incomplete.')
      add(({ receivedAtMs }) => formatTime(time, receivedAtMs))
    } else if (escape !== undefined) literal += escapeOf(escape)
    else literal += whole
  }
  add(() => '')
  return (message) => pieces.map((piece) => piece(message))
}

function precisionOf(text: string | undefined): number {
  return text === undefined ? -1 : Number(text)
}

function escapeOf(letter: string): string {
  const character = ESCAPES[letter]
  if (letter === '') throw new UsageError('-F: the escape after the last \\ is incomplete.')
  if (character === undefined) throw new UsageError(`-F: there is no escape \\${letter}.`)
  return character
}

function fieldOf(letter: string, fit: Fit, isPretty: boolean, report: Report): Piece {
  const text = TEXTS[letter]
  if (text !== undefined) return (message) => fitText(text(message) ?? '', fit)
  const number = NUMBERS[letter]
  if (number !== undefined) return (message) => fitNumber(number(message), fit)
  const plain = PLAIN[letter]
  if (plain !== undefined) return plain
  const write = isPretty ? prettyJson : JSON.stringify
  switch (letter) {
    case 'p':
      return ({ payload }) => fitPayload(payload, fit)
    case 'R':
      // Without one not even its width is printed, unlike with the other properties.
      return ({ properties: { responseTopic } }) => (responseTopic === undefined ? '' : fitText(responseTopic, fit))
    case 'D':
      return ({ properties }) => properties.correlationData ?? ''
    case 'x':
      return ({ payload }) => fitHex(payload, fit)
    case 'X':
      return ({ payload }) => fitHex(payload, fit).toUpperCase()
    case 'j':
      return (message) => write(messageJson(message, message.payload.toString()))
    case 'J':
      return (message) => jsonOf(message, write, report)
    default:
      throw new UsageError(`-F: there is no specifier %${letter}. See docs/tools.md for all of them.`)
  }
}

function jsonOf(message: ReceivedMessage, write: (value: object) => string, report: Report): string {
  let value: unknown
  try {
    value = JSON.parse(message.payload.toString())
  } catch {
    report(`Error: Message payload is not valid JSON on topic ${message.topicName}.`)
    return ''
  }
  return write(messageJson(message, value))
}

function fitText(text: string, { flag, width, precision }: Fit): string {
  const cut = precision < 0 ? text : Buffer.from(text).subarray(0, precision).toString()
  return flag === '-' ? cut.padEnd(width) : cut.padStart(width)
}

function fitNumber(value: number | undefined, { flag, width }: Fit): string {
  const text = value === undefined ? '' : String(value)
  if (flag === '-') return text.padEnd(width)
  return text.padStart(width, flag === '0' ? '0' : ' ')
}

/** A width cuts the payload as well; a precision does nothing. */
function fitPayload(payload: Buffer, { flag, width }: Fit): Uint8Array {
  if (width === 0) return payload
  const cut = payload.subarray(0, width)
  const padding = Buffer.alloc(width - cut.length, flag === '0' ? '0' : ' ')
  return Buffer.concat(flag === '-' ? [cut, padding] : [padding, cut])
}

/** The width counts digits, and as many bytes at most are looked at before they are halved. */
function fitHex(payload: Buffer, { flag, width }: Fit): string {
  if (width === 0) return payload.toString('hex')
  const hex = payload.subarray(0, Math.floor(Math.min(width, payload.length) / 2)).toString('hex')
  return flag === '-' ? hex.padEnd(width) : hex.padStart(width, flag === '0' ? '0' : ' ')
}
