/**
 * Values as tables for people.
 *
 *   CLIENT    USER  CONNECTED  QUEUED
 *   meter-1   ann   3 min ago      12
 *
 * @module
 */
import { printable } from '../../base/printable.ts'

/** An item of a list, or a view. */
export type Item = Readonly<Record<string, unknown>>

/** Names of columns that are not simply the words of their fields. */
const TITLES: Readonly<Record<string, string>> = {
  clientId: 'CLIENT',
  userName: 'USER',
  protocolVersion: 'MQTT',
  connectedAtMs: 'CONNECTED',
  closedAtMs: 'CLOSED',
  receivedAtMs: 'RECEIVED',
  expiresAtMs: 'EXPIRES',
  validFromMs: 'VALID FROM',
  validToMs: 'VALID TO',
  inPerSecond: 'IN/S',
  outPerSecond: 'OUT/S',
  bytesInPerSecond: 'BYTES IN/S',
  bytesOutPerSecond: 'BYTES OUT/S',
  messagesReceived: 'IN',
  messagesSent: 'OUT',
  queuedMessages: 'QUEUED',
  inflightMessages: 'IN FLIGHT',
  unsentBytes: 'UNSENT',
  payloadBytes: 'SIZE',
  memoryBytes: 'MEMORY',
  acknowledgementMs: 'ACK',
  sessionExpiryInterval: 'EXPIRY',
  topicFilter: 'FILTER',
  endsAtMs: 'ENDS',
  traceId: 'TRACE',
  startedBy: 'STARTED BY',
  recordsLost: 'LOST',
}

const VERSIONS: Readonly<Record<number, string>> = { 3: '3.1', 4: '3.1.1', 5: '5.0' }
const NEVER_EXPIRES = 0xffff_ffff
const LEAST_WIDTH = 10

/** The heading of a field. */
export function titleOf(field: string): string {
  return TITLES[field] ?? wordsOf(field.replace(/(?<=[a-z])Ms$/, '')).toUpperCase()
}

/** `messagesPerSecond` in words. */
export function wordsOf(field: string): string {
  return field.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase()
}

/**
 * A value for people.
 *
 * @param nowMs for times: how long ago
 */
export function valueText(field: string, value: unknown, nowMs: number): string {
  if (value === undefined || value === null) return '-'
  if (typeof value === 'number') return numberText(field, value, nowMs)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string') return printable(value)
  if (Array.isArray(value))
    return field === 'subscriptions' ? String(value.length) : value.map((one) => valueText('', one, nowMs)).join(', ')
  return printable(entryText(value as Item))
}

/** A role or group by its name, a rule as a sentence; something else as JSON. */
function entryText(value: Item): string {
  const { name, priority, action, effect, topic, literal } = value
  const rank = priority === 0 ? '' : ` (priority ${String(priority)})`
  if (typeof action === 'string') {
    return `${String(effect)} ${action} ${literal === true ? 'exactly ' : ''}${String(topic)}${rank}`
  }
  return typeof name === 'string' && typeof priority === 'number' ? name + rank : JSON.stringify(value)
}

function numberText(field: string, value: number, nowMs: number): string {
  if (isTime(field)) return agoText(value - nowMs)
  if (/bytes/i.test(field) || field === 'memoryLimit') return bytesText(value)
  if (field === 'protocolVersion') return VERSIONS[value] ?? String(value)
  if (field === 'reasonCode') return `0x${value.toString(16).padStart(2, '0').toUpperCase()}`
  if (field === 'sessionExpiryInterval') return value === NEVER_EXPIRES ? 'never' : durationText(value * 1000)
  if (field === 'keepAlive' && value === 0) return 'none'
  if (field.endsWith('Seconds') || field === 'keepAlive') return durationText(value * 1000)
  if (field.endsWith('Ms')) return `${roundedText(value)} ms`
  return Number.isInteger(value) ? String(value) : roundedText(value)
}

function isTime(field: string): boolean {
  return field.endsWith('AtMs') || field === 'validFromMs' || field === 'validToMs' || field === 'untilMs'
}

function roundedText(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}

/** @param ms from now; negative for the past */
function agoText(ms: number): string {
  return ms <= 0 ? `${durationText(-ms)} ago` : `in ${durationText(ms)}`
}

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
] as const

/**
 * One unit, rounded down.
 *
 * @example
 * durationText(200_000) // '3 min'
 */
export function durationText(ms: number): string {
  for (const [size, unit] of UNITS) if (ms >= size) return `${Math.floor(ms / size)} ${unit}`
  return `${Math.floor(ms / 1000)} s`
}

/**
 * @example
 * bytesText(1536) // '1.5 KiB'
 */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${roundedText(bytes / 1024 ** power)} ${units[power]}`
}

/** How a table is drawn. */
export interface TableStyle {
  readonly nowMs: number
  /** Characters of a line; longer texts are cut. */
  readonly width: number
  readonly bold: (text: string) => string
}

/** The lines of a table: a heading, and one for each item. */
export function tableLines(fields: readonly string[], items: readonly Item[], style: TableStyle): string[] {
  const cells = items.map((item) => fields.map((field) => valueText(field, item[field], style.nowMs)))
  const titles = fields.map(titleOf)
  const isRight = fields.map((field) => items.some((item) => typeof item[field] === 'number') && !isTime(field))
  const widths = fitted(
    titles.map((title, at) => cells.reduce((most, row) => Math.max(most, row[at]!.length), title.length)),
    style.width,
  )
  const line = (row: readonly string[]): string =>
    row
      .map((text, at) => {
        const cut = shortened(text, widths[at]!)
        return isRight[at] ? cut.padStart(widths[at]!) : cut.padEnd(widths[at]!)
      })
      .join('  ')
      .trimEnd()
  return [style.bold(line(titles)), ...cells.map(line)]
}

/** Takes from the widest columns what does not fit. */
function fitted(widths: number[], width: number): number[] {
  const fit = [...widths]
  let over = fit.reduce((sum, one) => sum + one, 2 * (fit.length - 1)) - width
  while (over > 0) {
    const widest = fit.indexOf(Math.max(...fit))
    if (fit[widest]! <= LEAST_WIDTH) break
    fit[widest]!--
    over--
  }
  return fit
}

export function shortened(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`
}

/** The lines of one view: a field and its value each. */
export function viewLines(view: Item, nowMs: number): string[] {
  const shown = Object.entries(view).filter(([, value]) => value !== undefined && value !== null)
  const width = Math.max(...shown.map(([field]) => nameOf(field).length))
  return shown.map(([field, value]) => `${nameOf(field).padEnd(width)}  ${valueText(field, value, nowMs)}`)
}

function nameOf(field: string): string {
  return wordsOf(field.replace(/(?<=[a-z])(AtMs|Ms|Bytes|Seconds)$/, (unit) => (unit === 'Bytes' ? 'Bytes' : '')))
}
