/**
 * The table as a picture: broker processor time per message, one bar for each broker in each row, on a logarithmic
 * scale.
 *
 * @module
 */
import type { Bar } from '../src/bench/results.ts'

const WIDTH = 960
const LABEL_WIDTH = 270
const VALUE_WIDTH = 70
const BAR_HEIGHT = 13
const GROUP_GAP = 9
const TOP = 70
const BOTTOM = 30

const colours: Readonly<Record<string, string>> = {
  sluice: '#0b6e99',
  mosquitto: '#8a8f98',
  aedes: '#d19a3d',
  'aedes-next': '#b5573a',
  relay: '#5b8c5a',
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function text(x: number, y: number, content: string, more = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escapeText(content)}</text>`
}

function colourOf(broker: string): string {
  return colours[broker] ?? '#666666'
}

function groupsOf(bars: readonly Bar[]): Map<string, Bar[]> {
  const groups = new Map<string, Bar[]>()
  for (const bar of bars) groups.set(bar.row, [...(groups.get(bar.row) ?? []), bar])
  return groups
}

/** Powers of ten around all values, as [lowest exponent, highest exponent]. */
function decades(bars: readonly Bar[]): [number, number] {
  const logs = bars.map((bar) => Math.log10(bar.microseconds))
  const low = Math.floor(Math.min(...logs))
  return [low, Math.max(low + 1, Math.ceil(Math.max(...logs)))]
}

function legend(brokers: readonly string[]): string[] {
  return brokers.flatMap((broker, index) => {
    const x = LABEL_WIDTH + index * 120
    return [
      `<rect x="${x}" y="34" width="12" height="12" fill="${colourOf(broker)}"/>`,
      text(x + 18, 44, broker, 'font-size="12"'),
    ]
  })
}

function grid(low: number, high: number, scale: (value: number) => number, bottom: number): string[] {
  return Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)).flatMap((value) => [
    `<line x1="${scale(value).toFixed(1)}" y1="${TOP - 8}" x2="${scale(value).toFixed(1)}" y2="${bottom}" stroke="#dddddd"/>`,
    text(scale(value), bottom + 16, `${value} µs`, 'font-size="11" text-anchor="middle" fill="#555555"'),
  ])
}

function groupMarks(row: string, bars: readonly Bar[], top: number, scale: (value: number) => number): string[] {
  const middle = top + (bars.length * BAR_HEIGHT) / 2 + 4
  const label = text(LABEL_WIDTH - 10, middle, row, 'font-size="12" text-anchor="end"')
  return [
    label,
    ...bars.flatMap((bar, index) => {
      const y = top + index * BAR_HEIGHT
      const length = scale(bar.microseconds) - LABEL_WIDTH
      return [
        `<rect x="${LABEL_WIDTH}" y="${y}" width="${length.toFixed(1)}" height="${BAR_HEIGHT - 2}" fill="${colourOf(bar.broker)}"/>`,
        text(LABEL_WIDTH + length + 5, y + 10, bar.microseconds.toPrecision(3), 'font-size="10" fill="#333333"'),
      ]
    }),
  ]
}

/** @returns a whole SVG document; bars of one row stand together, in the order given */
export function plot(bars: readonly Bar[], caption: string): string {
  const shown = bars.filter((bar) => bar.microseconds > 0)
  const groups = groupsOf(shown)
  const [low, high] = shown.length > 0 ? decades(shown) : [0, 1]
  const plotWidth = WIDTH - LABEL_WIDTH - VALUE_WIDTH
  function scale(value: number): number {
    return LABEL_WIDTH + ((Math.log10(value) - low) / (high - low)) * plotWidth
  }
  const marks: string[] = []
  let top = TOP
  for (const [row, members] of groups) {
    marks.push(...groupMarks(row, members, top, scale))
    top += members.length * BAR_HEIGHT + GROUP_GAP
  }
  const height = top + BOTTOM
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ` +
      'font-family="system-ui, sans-serif" fill="#222222">',
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(16, 22, 'Broker processor time per delivered message (logarithmic; less is better)', 'font-size="15"'),
    ...legend([...new Set(shown.map((bar) => bar.broker))]),
    ...grid(low, high, scale, top),
    ...marks,
    text(16, height - 4, caption, 'font-size="10" fill="#555555"'),
    '</svg>',
    '',
  ].join('\n')
}
