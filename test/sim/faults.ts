/**
 * What goes wrong, when, and for whom: drawn before the run, so that a failing run can be had again with less of it.
 * @module
 */
import type { SeededRandom } from '../../src/testing/random.ts'

export const FAULT_KINDS = [
  /** The Connection is reset. */
  'cut',
  /** The Client ends without DISCONNECT. */
  'hang up',
  /** Half-open: nothing goes either way and nobody is told; the Client notices after a while. */
  'silence',
  /** The Client's program starts anew while its old Connection stands: a takeover. */
  'double',
  /** The Client takes nothing for a while. */
  'freeze',
  /** The Client takes little for a while. */
  'slow',
  /** Every chunk is late for a while. */
  'delay',
  /** The disk takes its time for a while. */
  'slow disk',
  /** Nothing can be written for a while. */
  'broken disk',
  /** The same, for want of room. */
  'full disk',
  /** The broker's process dies. */
  'crash',
  /** The power goes: what was not synced may be lost. */
  'power cut',
  /** The broker is closed and started again. */
  'stop',
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

export interface Fault {
  readonly atMs: number
  readonly kind: FaultKind
  /** Index of the Client; nobody's for `crash` and `stop`. */
  readonly client: number
  /** How long it lasts, where it lasts. */
  readonly forMs: number
}

const LINK_KINDS = ['cut', 'hang up', 'silence', 'silence', 'double', 'freeze', 'slow', 'delay'] as const
const DISK_KINDS = ['slow disk', 'broken disk', 'full disk'] as const
const ENDS = {
  none: ['crash', 'crash', 'stop'],
  process: ['crash', 'crash', 'stop'],
  disk: ['crash', 'power cut', 'stop'],
} as const

const DISK_FAULTS = 4

export interface FaultPlan {
  readonly clients: number
  readonly minutes: number
  readonly faults: number
  readonly restarts: number
  /** What the broker promises to keep. */
  readonly durability: 'disk' | 'process' | undefined
}

/** Draws a schedule in order of time. */
export function drawFaults(random: SeededRandom, plan: FaultPlan): Fault[] {
  const { clients, minutes, faults, restarts, durability } = plan
  const draw = (kinds: readonly FaultKind[]): Fault => ({
    // The last ones, too, have to find somebody before the calm.
    atMs: random.between(5000, minutes * 60_000 - 20_000),
    kind: random.pick(kinds),
    client: random.integer(clients),
    forMs: random.pick([100, 3000, 20_000, 70_000]),
  })
  const list = [
    ...Array.from({ length: faults }, () => draw(LINK_KINDS)),
    ...Array.from({ length: durability === undefined ? 0 : DISK_FAULTS }, () => draw(DISK_KINDS)),
    ...Array.from({ length: restarts }, () => draw(ENDS[durability ?? 'none'])),
  ]
  return list.sort((one, other) => one.atMs - other.atMs)
}

export function describeFault({ atMs, kind, client, forMs }: Fault): string {
  const whom = isOfBroker(kind) ? 'the broker' : `c${client}`
  return `${(atMs / 1000).toFixed(3)} s: ${kind} ${whom}${forMs > 0 ? `, ${forMs} ms` : ''}`
}

/** Whether it happens to the broker, and to no Client. */
export function isOfBroker(kind: FaultKind): boolean {
  return !(LINK_KINDS as readonly FaultKind[]).includes(kind)
}
