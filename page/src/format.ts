/** Figures and times as people read them. @module */

const whole = new Intl.NumberFormat('en')
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3, notation: 'compact' })
const fraction = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })

export function count(value: number): string {
  return whole.format(Math.round(value))
}

/** As short as it can be without hiding anything: for axes and rates. */
export function brief(value: number): string {
  return value >= 100_000 ? short.format(value) : value >= 100 ? count(value) : fraction.format(value)
}

export function rate(value: number): string {
  return `${brief(value)}/s`
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

export function bytes(value: number): string {
  const power = value < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(value) / 3))
  return `${fraction.format(value / 1000 ** power)} ${BYTE_UNITS[power]}`
}

export function milliseconds(value: number): string {
  return value < 1000 ? `${fraction.format(value)} ms` : duration(value / 1000)
}

const SPANS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const

/** The two largest units: `3 d 4 h`. */
export function duration(seconds: number): string {
  if (seconds < 1) return '0 s'
  const at = SPANS.findIndex(([, size]) => seconds >= size)
  const [unit, size] = SPANS[at]!
  const next = SPANS[at + 1]
  const rest = next === undefined ? 0 : Math.floor((seconds % size) / next[1])
  return `${Math.floor(seconds / size)} ${unit}${rest > 0 ? ` ${rest} ${next![0]}` : ''}`
}

/** A Session Expiry Interval (§3.1.2.11.2). */
export function expiry(seconds: number): string {
  return seconds === 0xffff_ffff ? 'never' : seconds === 0 ? 'with its connection' : duration(seconds)
}

export function ago(atMs: number | undefined): string {
  return atMs === undefined ? '–' : `${duration(Math.max(0, (Date.now() - atMs) / 1000))} ago`
}

const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

export function time(atMs: number | undefined): string {
  return atMs === undefined ? '–' : moment.format(atMs)
}

const VERSIONS: Readonly<Record<number, string>> = { 3: '3.1', 4: '3.1.1', 5: '5.0' }

export function protocol(version: number): string {
  return VERSIONS[version] ?? String(version)
}

export function reasonCode(code: number): string {
  return `0x${code.toString(16).padStart(2, '0')}`
}
