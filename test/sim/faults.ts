/** What goes wrong, when, and for whom: drawn before the run, so that a failing run can be had again with less of it. @module */
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
  /** The broker's process dies. */
  'crash',
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

const LINK_KINDS: readonly FaultKind[] = [...FAULT_KINDS.slice(0, -2), 'silence']

export interface FaultPlan {
  readonly clients: number
  readonly minutes: number
  readonly faults: number
  readonly restarts: number
}

/** Draws a schedule in order of time. */
export function drawFaults(random: SeededRandom, { clients, minutes, faults, restarts }: FaultPlan): Fault[] {
  const draw = (kinds: readonly FaultKind[]): Fault => ({
    // The last ones, too, have to find somebody before the calm.
    atMs: random.between(5000, minutes * 60_000 - 20_000),
    kind: random.pick(kinds),
    client: random.integer(clients),
    forMs: random.pick([100, 3000, 20_000, 70_000]),
  })
  const list = [
    ...Array.from({ length: faults }, () => draw(LINK_KINDS)),
    ...Array.from({ length: restarts }, () => draw(['crash', 'crash', 'stop'])),
  ]
  return list.sort((one, other) => one.atMs - other.atMs)
}

export function describeFault({ atMs, kind, client, forMs }: Fault): string {
  const whom = kind === 'crash' || kind === 'stop' ? 'the broker' : `c${client}`
  return `${(atMs / 1000).toFixed(3)} s: ${kind} ${whom}${forMs > 0 ? `, ${forMs} ms` : ''}`
}
