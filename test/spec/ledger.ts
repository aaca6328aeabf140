/**
 * The ledger: every statement of both standards, what stands for those that one exchange of packets cannot show, and
 * where we knowingly differ. The tables are the CSV files in `ledger/`; nothing else in the project repeats them.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../tools/main.ts'

export type Version = '3.1.1' | '5.0'

export const VERSIONS: readonly Version[] = ['3.1.1', '5.0']

/** One normative statement, numbered by OASIS (`MQTT-…`) or labelled by us (`U311-…`, `U-…`). */
export interface Statement {
  /** Version and id, as test names write them: `3.1.1 MQTT-3.1.2-24`. The same id differs in the two versions. */
  readonly key: string
  readonly version: Version
  readonly id: string
  readonly section: string
  readonly level: string
  readonly summary: string
  readonly isNumbered: boolean
  /** False where only the Client has something to do: nothing that a Server could break. */
  readonly bindsServer: boolean
}

/** Something outside `test/spec` that shows a statement. */
export interface StandIn {
  readonly key: string
  /** A test file whose tests name the statement, or `suite`: all tests of the standard together. */
  readonly stands: string
  readonly why: string
}

/** A place where we do something else than a statement says, on purpose. */
export interface Deviation {
  readonly key: string
  readonly deviation: string
  readonly reason: string
}

export interface Ledger {
  readonly statements: readonly Statement[]
  readonly standIns: readonly StandIn[]
  readonly deviations: readonly Deviation[]
}

/** Reads all of `ledger/`. */
export function readLedger(): Ledger {
  return {
    statements: VERSIONS.flatMap((version) => [...readNumbered(version), ...readUnnumbered(version)]),
    standIns: readTable('stand-ins').map(({ version, id, stands, why }) => ({
      key: `${version} ${id}`,
      stands: stands!,
      why: why!,
    })),
    deviations: readTable('deviations').map(({ version, id, deviation, reason }) => ({
      key: `${version} ${id}`,
      deviation: deviation!,
      reason: reason!,
    })),
  }
}

function readNumbered(version: Version): Statement[] {
  return readTable(`mqtt-${version}`).map(({ id, section, binds, level, summary }) => ({
    key: `${version} ${id}`,
    version,
    id: id!,
    section: section!,
    level: level!,
    summary: summary!,
    isNumbered: true,
    bindsServer: binds !== 'client',
  }))
}

function readUnnumbered(version: Version): Statement[] {
  return readTable(`mqtt-${version}-unnumbered`).map(({ label, level, obligation }) => ({
    key: `${version} ${label}`,
    version,
    id: label!,
    section: label!.split('-')[1]!,
    level: level!,
    summary: obligation!,
    isNumbered: false,
    bindsServer: true,
  }))
}

function readTable(name: string): Record<string, string>[] {
  const [head, ...rows] = parseCsv(readFileSync(join(root, 'test/spec/ledger', `${name}.csv`), 'utf8'))
  return rows.map((row) => Object.fromEntries(head!.map((column, at) => [column, row[at] ?? ''])))
}

/** Rows of cells; a cell in double quotes may hold commas, and doubled quotes stand for one. */
export function parseCsv(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) =>
      [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
        ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
      ),
    )
}

/** Within brackets a version holds for all ids behind it; our own labels say their version themselves. */
const TOKEN = /MQTT-[\d.]+-\d+|U311-[\d.]+-\d+|U-[\d.]+-\d+|\b3\.1\.1\b|\b5\.0\b/g

/**
 * The statements that a test's name carries, by key.
 *
 * @example
 * keysIn('A second CONNECT ends it [5.0 MQTT-3.1.0-2] [3.1.1 MQTT-3.1.0-2, U311-4.8-1]')
 * // ['5.0 MQTT-3.1.0-2', '3.1.1 MQTT-3.1.0-2', '3.1.1 U311-4.8-1']
 */
export function keysIn(testName: string): string[] {
  const keys = new Set<string>()
  for (const [, inside] of testName.matchAll(/\[([^\]]*)\]/g)) {
    let version = ''
    for (const [token] of inside!.matchAll(TOKEN)) {
      if (token.startsWith('U311-')) keys.add(`3.1.1 ${token}`)
      else if (token.startsWith('U-')) keys.add(`5.0 ${token}`)
      else if (token.startsWith('MQTT-')) keys.add(`${version} ${token}`)
      else version = token
    }
  }
  return [...keys]
}
