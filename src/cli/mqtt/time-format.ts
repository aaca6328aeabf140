/**
 * Formats local time by the conversions of `strftime` in the C locale, and `N`: nanoseconds, as in Mosquitto's tools.
 *
 * @module
 */

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

function two(value: number, fill = '0'): string {
  return String(value).padStart(2, fill)
}

function dayOfYear(date: Date): number {
  const day = Date.UTC(date.getFullYear(), date.getMonth(), date.getDate())
  return (day - Date.UTC(date.getFullYear(), 0, 1)) / 86_400_000 + 1
}

/** Weeks since the first one that begins with that day. */
function week(date: Date, firstDay: 0 | 1): string {
  const sinceFirst = (date.getDay() + 7 - firstDay) % 7
  return two(Math.floor((dayOfYear(date) - 1 + 7 - sinceFirst) / 7))
}

/** Year and week of ISO 8601: the week belongs to the year of its Thursday. */
function isoWeek(date: Date): readonly [year: number, week: number] {
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate() - ((date.getDay() + 6) % 7) + 3)
  return [thursday.getFullYear(), Math.ceil(dayOfYear(thursday) / 7)]
}

function zone(date: Date): string {
  const minutes = -date.getTimezoneOffset()
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`
}

function zoneName(date: Date): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(date)
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
}

function twelve(date: Date): number {
  return date.getHours() % 12 === 0 ? 12 : date.getHours() % 12
}

/** Every conversion by its letter. */
const CONVERSIONS: Readonly<Record<string, (date: Date) => string>> = {
  a: (date) => DAYS[date.getDay()]!.slice(0, 3),
  A: (date) => DAYS[date.getDay()]!,
  b: (date) => MONTHS[date.getMonth()]!.slice(0, 3),
  B: (date) => MONTHS[date.getMonth()]!,
  c: (date) => all('abeTY', date, ' '),
  C: (date) => two(Math.floor(date.getFullYear() / 100)),
  d: (date) => two(date.getDate()),
  D: (date) => all('mdy', date, '/'),
  e: (date) => two(date.getDate(), ' '),
  F: (date) => all('Ymd', date, '-'),
  g: (date) => two(isoWeek(date)[0] % 100),
  G: (date) => String(isoWeek(date)[0]),
  h: (date) => MONTHS[date.getMonth()]!.slice(0, 3),
  H: (date) => two(date.getHours()),
  I: (date) => two(twelve(date)),
  j: (date) => String(dayOfYear(date)).padStart(3, '0'),
  k: (date) => two(date.getHours(), ' '),
  l: (date) => two(twelve(date), ' '),
  m: (date) => two(date.getMonth() + 1),
  M: (date) => two(date.getMinutes()),
  n: () => '\n',
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  P: (date) => (date.getHours() < 12 ? 'am' : 'pm'),
  r: (date) => `${all('IMS', date, ':')} ${CONVERSIONS['p']!(date)}`,
  R: (date) => all('HM', date, ':'),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  S: (date) => two(date.getSeconds()),
  t: () => '\t',
  T: (date) => all('HMS', date, ':'),
  u: (date) => String(date.getDay() === 0 ? 7 : date.getDay()),
  U: (date) => week(date, 0),
  V: (date) => two(isoWeek(date)[1]),
  w: (date) => String(date.getDay()),
  W: (date) => week(date, 1),
  x: (date) => all('mdy', date, '/'),
  X: (date) => all('HMS', date, ':'),
  y: (date) => two(date.getFullYear() % 100),
  Y: (date) => String(date.getFullYear()),
  z: zone,
  Z: zoneName,
}

function all(letters: string, date: Date, between: string): string {
  return Array.from(letters, (letter) => CONVERSIONS[letter]!(date)).join(between)
}

/**
 * Formats one conversion.
 *
 * @param milliseconds since 1970; a fraction gives the nanoseconds
 * @returns the letter itself, after a percent sign, if there is no such conversion
 */
export function formatTime(letter: string, milliseconds: number): string {
  if (letter === 'N') return nanosecondsOf(milliseconds)
  return CONVERSIONS[letter]?.(new Date(milliseconds)) ?? `%${letter}`
}

/** The nanoseconds of a second, with nine digits. */
export function nanosecondsOf(milliseconds: number): string {
  return String(Math.floor((milliseconds % 1000) * 1_000_000)).padStart(9, '0')
}
