/** The conditions of a measurement apart from the broker: machine, versions, length of the runs. @module */
import { cpus, release, totalmem, type as system } from 'node:os'
import type { BrokerKind } from './own-broker.ts'

export interface Circumstances {
  readonly date: string
  readonly machine: string
  readonly versions: string
  readonly seconds: number
  readonly runs: number
}

export function circumstances(kinds: readonly BrokerKind[], seconds: number, runs: number): Circumstances {
  const gibibytes = Math.round(totalmem() / 2 ** 30)
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${gibibytes} GiB, ${system()} ${release()}`,
    versions: [`Node ${process.version}`, ...kinds.map(({ name, version }) => `${name} ${version}`)].join(', '),
    seconds,
    runs,
  }
}
