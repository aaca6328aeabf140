/**
 * The figures of a broker in the text format that Prometheus scrapes (version 0.0.4).
 *
 *   # HELP sluice_messages_dropped_total Messages that did not reach a client, by cause.
 *   # TYPE sluice_messages_dropped_total counter
 *   sluice_messages_dropped_total{cause="queue full"} 3
 *
 * Written here and not by a client library, because those count for themselves: a histogram that already has its counts
 * cannot be given to them. Nothing is walked, so the cost does not grow with the number of clients.
 *
 * @module
 */
import type { Figure } from '../reporting/figure.ts'
import { familyTable } from '../reporting/metric-table.ts'

/** What a response with this text says in `Content-Type`. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * Writes figures in Prometheus' text format. Times are in seconds and sizes in bytes, as its naming rules ask; figures
 * that Prometheus computes from others are left out.
 *
 * @param figures as `broker.figures()` returns them
 * @returns lines, the last one ended by a line feed
 *
 * @example
 * const facts = { unit: 'messages', description: 'Retained messages.', labels: {}, topics: [] }
 * const figure = { name: 'retainedMessages', kind: 'gauge', prometheus: 'sluice_retained_messages', value: 1, ...facts } as const
 * prometheusText([figure]).endsWith('\nsluice_retained_messages 1\n') // true
 */
export function prometheusText(figures: readonly Figure[]): string {
  return [...familiesOf(figures)].map(([name, family]) => familyText(name, family)).join('')
}

/** Figures that share a name have to follow each other. */
function familiesOf(figures: readonly Figure[]): Map<string, Figure[]> {
  const families = new Map<string, Figure[]>()
  for (const figure of figures) {
    if (figure.prometheus === undefined) continue
    const family = families.get(figure.prometheus)
    if (family === undefined) families.set(figure.prometheus, [figure])
    else family.push(figure)
  }
  return families
}

function familyText(name: string, family: readonly Figure[]): string {
  const { kind, description } = family[0]!
  const help = escapedHelp(familyTable[name] ?? description)
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${family.map((figure) => samplesOf(name, figure)).join('')}`
}

function samplesOf(name: string, figure: Figure): string {
  const { unit, labels } = figure
  if (figure.kind !== 'histogram') return sample(name, labels, inBaseUnit(figure.value, unit))
  const { count, sum, buckets } = figure.value
  let upToHere = 0
  const lines = buckets.map((bucket) => {
    upToHere += bucket.count
    return sample(`${name}_bucket`, { ...labels, le: numberText(inBaseUnit(bucket.upTo, unit)) }, upToHere)
  })
  return [...lines, sample(`${name}_sum`, labels, inBaseUnit(sum, unit)), sample(`${name}_count`, labels, count)].join(
    '',
  )
}

function sample(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapedLabel(text)}"`)
  const labelText = pairs.length === 0 ? '' : `{${pairs.join(',')}}`
  return `${name}${labelText} ${numberText(value)}\n`
}

function inBaseUnit(value: number, unit: string): number {
  return unit === 'milliseconds' ? value / 1000 : value
}

/** As the format spells what is no finite number. */
function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  if (Number.isNaN(value)) return 'NaN'
  return value > 0 ? '+Inf' : '-Inf'
}

function escapedHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapedLabel(text: string): string {
  return escapedHelp(text).replaceAll('"', '\\"')
}
