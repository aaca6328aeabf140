/** Summarises the runs of a row, and formats the tables. @module */
import type { Measurement } from './driver/measurement.ts'
import type { Shape } from './driver/shape.ts'
import { medianOfKnown, spread } from './statistics.ts'
import type { Cells, Column } from './table.ts'
import type { Workload } from './workloads.ts'

/** All runs of one row against one broker. */
export interface Result {
  readonly workload: Workload
  readonly broker: string
  readonly runs: readonly Measurement[]
  /** The reason why there are no more runs. */
  readonly error?: string
}

/** Our own broker's name in the table. */
export const OURS = 'sluice'

const MEBIBYTE = 1_048_576

type Figure = (measurement: Measurement) => number | undefined

function middle(result: Result, figure: Figure): number | undefined {
  return medianOfKnown(result.runs.map(figure))
}

const brokerMicroseconds: Figure = (run) => run.brokerMicroseconds
const messagesPerSecond: Figure = (run) => run.messages / run.seconds

/** What a run cost, the basis of ratios: memory for what is held, processor time otherwise. */
export function costOf({ kind }: Shape, run: Measurement): number | undefined {
  if (kind === 'idle' || kind === 'kept') return run.held?.bytesEach
  if (kind === 'visits' || kind === 'start') return run.held?.processorMicrosecondsEach
  return run.brokerMicroseconds
}

function middleCost(result: Result): number | undefined {
  return middle(result, (run) => costOf(result.workload.shape, run))
}

/** The cost of a message at `result` as a share of that at a peer in the same row; `undefined` if not measured. */
export function ratioTo(results: readonly Result[], result: Result, peer: string): number | undefined {
  const other = results.find(({ workload, broker }) => workload === result.workload && broker === peer)
  const [ours, theirs] = [middleCost(result), other && middleCost(other)]
  return ours === undefined || theirs === undefined || other === result ? undefined : ours / theirs
}

function digits(value: number | undefined, places: number): string {
  return value === undefined || !Number.isFinite(value) ? '' : value.toFixed(places)
}

/** Three significant digits, whatever the size. */
export function significant(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return ''
  return value >= 100
    ? value.toFixed(0)
    : value >= 10
      ? value.toFixed(1)
      : value >= 1
        ? value.toFixed(2)
        : value.toFixed(3)
}

function thousands(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? '' : Math.round(value).toLocaleString('en-US')
}

function percent(share: number | undefined, places = 0): string {
  return share === undefined ? '' : `${(share * 100).toFixed(places)} %`
}

function spreadCell(result: Result): string {
  const known = result.runs.map(brokerMicroseconds).filter((value) => value !== undefined && Number.isFinite(value))
  return known.length < 2 ? '' : percent(spread(known as number[]))
}

/** The ratio and its goal, and whether the goal is met. */
function ratioCell(results: readonly Result[], result: Result, peer: 'mosquitto' | 'aedes'): string {
  if (result.broker !== OURS) return ''
  const ratio = ratioTo(results, result, peer)
  if (ratio === undefined) return ''
  const goal = result.workload.goal?.[peer]
  if (goal === undefined) return significant(ratio)
  return `${significant(ratio)} ${ratio <= goal ? '≤' : '> (!)'} ${significant(goal)}`
}

/** If a paced row reaches less than this share of its rate, its figures are not comparable. */
const KEPT_PACE = 0.97

/** The deliveries per second of a paced row. */
function askedPerSecond({ shape }: Workload): number {
  if (shape.kind === 'durable' && 'perSecond' in shape.pace) return shape.pace.perSecond
  if (shape.kind !== 'traffic' || !('perSecond' in shape.pace)) return 0
  return shape.pace.perSecond * (shape.shared === true ? 1 : shape.subscribers)
}

function note(result: Result): string {
  const reached = middle(result, messagesPerSecond) ?? Infinity
  const lost = result.runs.reduce((sum, run) => sum + run.lost, 0)
  return [
    result.error,
    result.runs.some((run) => run.limitedBy === 'generator') ? 'generator is the limit' : undefined,
    reached < KEPT_PACE * askedPerSecond(result.workload) ? 'did not keep the pace' : undefined,
    lost > 0 ? `${thousands(lost)} messages lost` : undefined,
  ]
    .filter((part) => part !== undefined)
    .join('; ')
}

interface Described extends Column {
  readonly cell: (result: Result, results: readonly Result[]) => string
}

function right(title: string, cell: Described['cell']): Described {
  return { title, align: 'right', cell }
}

function left(title: string, cell: Described['cell']): Described {
  return { title, align: 'left', cell }
}

const messageColumns: readonly Described[] = [
  left('row', (result) => result.workload.title),
  left('broker', (result) => result.broker),
  right('messages/s', (result) => thousands(middle(result, messagesPerSecond))),
  right('broker µs/message', (result) => significant(middle(result, brokerMicroseconds))),
  right('spread', spreadCell),
  right('generator µs/message', (result) => significant(middle(result, (run) => run.generatorMicroseconds))),
  right('p50 µs', (result) => thousands(middle(result, (run) => run.latency.p50))),
  right('p99 µs', (result) => thousands(middle(result, (run) => run.latency.p99))),
  right('p99.9 µs', (result) => thousands(middle(result, (run) => run.latency.p999))),
  right('peak MiB', (result) => thousands((middle(result, (run) => run.peakBytes) ?? NaN) / MEBIBYTE)),
  right('longest turn ms', (result) =>
    digits(
      middle(result, (run) => run.longestTurnMs),
      1,
    ),
  ),
  right('of Mosquitto', (result, results) => ratioCell(results, result, 'mosquitto')),
  right('of aedes', (result, results) => ratioCell(results, result, 'aedes')),
  left('note', note),
]

const heldColumns: readonly Described[] = [
  left('row', (result) => result.workload.title),
  left('broker', (result) => result.broker),
  right('start ms', (result) => thousands(middle(result, (run) => run.startMs))),
  right('made/s', (result) => thousands(middle(result, (run) => run.held?.perSecond))),
  right('bytes each', (result) => thousands(middle(result, (run) => run.held?.bytesEach))),
  right('broker µs each', (result) => significant(middle(result, (run) => run.held?.processorMicrosecondsEach))),
  right('core while idle', (result) =>
    percent(
      middle(result, (run) => run.held?.idleShare),
      2,
    ),
  ),
  right('peak MiB', (result) => thousands((middle(result, (run) => run.peakBytes) ?? NaN) / MEBIBYTE)),
  right('of Mosquitto', (result, results) => ratioCell(results, result, 'mosquitto')),
  right('of aedes', (result, results) => ratioCell(results, result, 'aedes')),
  left('note', note),
]

/** Throughput as a share of that of our broker in the same row without storing. */
function ofMemoryCell(results: readonly Result[], result: Result): string {
  const inMemory = results.find(({ workload, broker }) => workload === result.workload && broker === OURS)
  const [ours, theirs] = [middle(result, messagesPerSecond), inMemory && middle(inMemory, messagesPerSecond)]
  return inMemory === result || ours === undefined || theirs === undefined ? '' : significant(ours / theirs)
}

const storedColumns: readonly Described[] = [
  left('row', (result) => result.workload.title),
  left('broker', (result) => result.broker),
  right('messages/s', (result) => thousands(middle(result, messagesPerSecond))),
  right('of memory', (result, results) => ofMemoryCell(results, result)),
  right('broker µs/message', (result) => significant(middle(result, brokerMicroseconds))),
  right('PUBACK p50 µs', (result) => thousands(middle(result, (run) => run.latency.p50))),
  right('PUBACK p99 µs', (result) => thousands(middle(result, (run) => run.latency.p99))),
  right('PUBACK p99.9 µs', (result) => thousands(middle(result, (run) => run.latency.p999))),
  right('peak MiB', (result) => thousands((middle(result, (run) => run.peakBytes) ?? NaN) / MEBIBYTE)),
  right('longest turn ms', (result) =>
    digits(
      middle(result, (run) => run.longestTurnMs),
      1,
    ),
  ),
  right('restart s', (result) =>
    digits(
      middle(result, (run) => run.restart?.seconds),
      1,
    ),
  ),
  right('restart peak MiB', (result) => thousands((middle(result, (run) => run.restart?.peakBytes) ?? NaN) / MEBIBYTE)),
  left('note', note),
]

/** A table that can be printed in either format. */
export interface ResultTable {
  readonly title: string
  readonly columns: readonly Column[]
  readonly rows: readonly Cells[]
}

/** The shapes without messages: what the broker holds, or what a step of something else costs. */
const HELD: readonly Shape['kind'][] = ['idle', 'kept', 'visits', 'start']

/** The tables of messages and of held items; one without rows is omitted. */
export function resultTables(results: readonly Result[]): ResultTable[] {
  const isHeld = ({ workload }: Result): boolean => HELD.includes(workload.shape.kind)
  const messages = results.filter(({ workload }) => !['durable', ...HELD].includes(workload.shape.kind))
  const stored = results.filter(({ workload }) => workload.shape.kind === 'durable')
  const held = results.filter((result) => isHeld(result) || result.workload.shape.kind === 'subscriptions')
  const tables = [
    { title: 'Messages', columns: messageColumns, of: messages },
    { title: 'Stored messages', columns: storedColumns, of: stored },
    { title: 'Connections, sessions, subscriptions, retained messages, the start', columns: heldColumns, of: held },
  ]
  return tables
    .filter(({ of }) => of.length > 0)
    .map(({ title, columns, of }) => ({
      title,
      columns,
      rows: of.map((result) => columns.map((column) => column.cell(result, results))),
    }))
}

/** A bar of the plot. */
export interface Bar {
  readonly row: string
  readonly broker: string
  readonly microseconds: number
}

/** Broker processor time per message, for every row that has it. */
export function bars(results: readonly Result[]): Bar[] {
  return results.flatMap((result) => {
    const microseconds = middle(result, brokerMicroseconds)
    return microseconds === undefined ? [] : [{ row: result.workload.title, broker: result.broker, microseconds }]
  })
}
