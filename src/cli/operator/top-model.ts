/**
 * What `sluice top` shows: rates from two samples of the broker, and its clients in an order that can be changed.
 *
 * @module
 */
import type { OverviewView } from '../../broker/host/admin.ts'
import { bytesText, durationText, shortened, tableLines, titleOf, type Item } from './layout.ts'

/** The broker at one moment. */
export interface Sample {
  readonly atMs: number
  readonly overview: OverviewView
  /** At most a page of them. */
  readonly clients: readonly Item[]
  /** Whether there are more clients. */
  readonly hasMore: boolean
}

/** The fields of clients that are fetched. */
export const clientFields = [
  ...['clientId', 'userName', 'address', 'messagesReceived', 'messagesSent', 'bytesReceived', 'bytesSent'],
  ...['queuedMessages', 'inflightMessages', 'unsentBytes', 'acknowledgementMs'],
] as const

/** The columns, in the order in which `<` and `>` go through them; those with `PerSecond` are computed. */
const COLUMNS = [
  ...['clientId', 'userName', 'address', 'inPerSecond', 'outPerSecond', 'bytesInPerSecond', 'bytesOutPerSecond'],
  ...['queuedMessages', 'inflightMessages', 'unsentBytes', 'acknowledgementMs'],
] as const

type Column = (typeof COLUMNS)[number]

const COUNTERS: Readonly<Record<string, string>> = {
  inPerSecond: 'messagesReceived',
  outPerSecond: 'messagesSent',
  bytesInPerSecond: 'bytesReceived',
  bytesOutPerSecond: 'bytesSent',
}

const KEYS = 'q quit   < > sort by   r reverse   space pause   ↑ ↓ scroll'

export class TopModel {
  #before: Sample | undefined = undefined
  #now: Sample | undefined = undefined
  #sortBy: Column = 'outPerSecond'
  #isReversed = false
  #first = 0
  isPaused = false
  /** Why there is no newer sample. */
  problem: string | undefined = undefined

  add(sample: Sample): void {
    this.problem = undefined
    this.#before = this.#now
    this.#now = sample
  }

  /** @returns whether the key means something */
  press(key: string, rows: number): boolean {
    const page = Math.max(1, rows - 8)
    const steps: Readonly<Record<string, number>> = { up: -1, down: 1, 'page up': -page, 'page down': page }
    if (key === '<' || key === 'left') this.#sort(-1)
    else if (key === '>' || key === 'right' || key === 's') this.#sort(1)
    else if (key === 'r') this.#isReversed = !this.#isReversed
    else if (key === ' ') this.isPaused = !this.isPaused
    else if (key === 'home') this.#first = 0
    else if (steps[key] !== undefined) this.#scroll(steps[key])
    else return false
    return true
  }

  #sort(step: number): void {
    const at = (COLUMNS.indexOf(this.#sortBy) + step + COLUMNS.length) % COLUMNS.length
    this.#sortBy = COLUMNS[at]!
    this.#first = 0
  }

  #scroll(lines: number): void {
    const most = Math.max(0, (this.#now?.clients.length ?? 0) - 1)
    this.#first = Math.min(most, Math.max(0, this.#first + lines))
  }

  /** The whole screen. */
  lines(columns: number, rows: number, bold: (text: string) => string): string[] {
    if (this.#now === undefined) return [this.problem ?? 'asking the broker …']
    const head = this.#head(this.#now).map((line) => shortened(line, columns))
    const room = Math.max(1, rows - head.length - 3)
    const items = this.#sorted().slice(this.#first, this.#first + room)
    const table = tableLines(COLUMNS, items, { nowMs: this.#now.atMs, width: columns, bold })
    const filler = Array.from({ length: Math.max(0, room - items.length) }, () => '')
    return [...head, '', ...table, ...filler, shortened(this.#foot(), columns)]
  }

  #head({ overview: now }: Sample): string[] {
    const rate = (field: keyof OverviewView): string => perSecond(this.#rate(field))
    const limit = now.memoryLimit > 0 ? ` of ${bytesText(now.memoryLimit)}` : ''
    const store = now.storeCondition === undefined ? '' : `   store ${now.storeCondition}`
    const bytes = (field: 'bytesReceived' | 'bytesSent'): string => bytesText(Math.round(this.#rate(field) ?? 0))
    return [
      `sluice ${now.version}   up ${durationText(now.uptimeSeconds * 1000)}   clients ${now.clients}   sessions away ${now.sessionsAway}   subscriptions ${now.subscriptions}   retained ${now.retainedMessages}`,
      `messages in ${rate('messagesReceived')}   out ${rate('messagesSent')}   dropped ${rate('messagesDropped')}   bytes in ${bytes('bytesReceived')}/s   out ${bytes('bytesSent')}/s`,
      `memory ${bytesText(now.memoryBytes)}${limit}   queued ${now.queuedMessages} (${bytesText(now.queuedBytes)})   in flight ${now.inflightMessages}${store}`,
    ]
  }

  #foot(): string {
    const order = `sorted by ${titleOf(this.#sortBy)}${this.#isReversed ? ', reversed' : ''}`
    const more = this.#now!.hasMore ? `   the first ${this.#now!.clients.length} clients only` : ''
    const state = this.problem ?? (this.isPaused ? 'paused' : order)
    return `${state}${more}   ${KEYS}`
  }

  #rate(field: keyof OverviewView): number | undefined {
    return rateOf(this.#before?.overview[field], this.#now!.overview[field], this.#seconds)
  }

  get #seconds(): number {
    return this.#before === undefined ? 0 : (this.#now!.atMs - this.#before.atMs) / 1000
  }

  #sorted(): Item[] {
    const earlier = new Map(this.#before?.clients.map((client) => [client['clientId'], client]))
    const items = this.#now!.clients.map((client) => this.#withRates(client, earlier.get(client['clientId'])))
    items.sort((one, other) => compare(one[this.#sortBy], other[this.#sortBy]))
    return this.#isReversed ? items.reverse() : items
  }

  #withRates(client: Item, before: Item | undefined): Item {
    const rates = Object.entries(COUNTERS).map(([rate, counter]) => {
      // One that has connected again counts from zero.
      const value = rateOf(before?.[counter], client[counter], this.#seconds)
      return [rate, value === undefined ? undefined : Math.round(value * 10) / 10]
    })
    return { ...client, ...Object.fromEntries(rates) }
  }
}

function rateOf(before: unknown, now: unknown, seconds: number): number | undefined {
  if (typeof before !== 'number' || typeof now !== 'number' || seconds <= 0) return undefined
  return now < before ? now / seconds : (now - before) / seconds
}

function perSecond(rate: number | undefined): string {
  return rate === undefined ? '-' : `${rate >= 100 ? Math.round(rate) : Number(rate.toPrecision(3))}/s`
}

/** Numbers from the largest, texts from A; what is unknown comes last. */
function compare(one: unknown, other: unknown): number {
  if (typeof one === 'number' && typeof other === 'number') return other - one
  if (typeof one === 'string' && typeof other === 'string') return one < other ? -1 : one > other ? 1 : 0
  return Number(one === undefined || one === null) - Number(other === undefined || other === null)
}
