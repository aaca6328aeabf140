/**
 * What a round has to show, and its line. What does not depend on the machine is judged as it is: who lives, who is
 * served, what memory is left, how many units of work a turn counts. Times are printed, and judged only where they are
 * far beyond their aim.
 *
 * @module
 */
import type { RoundResult } from './round.ts'

export interface Allowances {
  /** How long the broker may work while an honest message waits. */
  readonly waitMs: number
  /** How many times slower than a quiet machine this one is: 1 or more. */
  readonly busyness: number
  /** Units of work of a turn, besides the largest step of the attack. */
  readonly turnUnits: number
  /** Bytes more in use after the attack than before. */
  readonly growthBytes: number
  /** Bytes of the flight recorder. */
  readonly recorderBytes: number
  /** Bytes that the process may ever have had: twice its heap. */
  readonly residentBytes: number
}

/** What waits for more than the broker's thread (a disk, the check of a password) may wait so many times longer. */
const SLACK = 4

/** What is wrong with a round, one sentence each; nothing if it is fine. */
export function problemsOf(result: RoundResult, allowed: Allowances): string[] {
  const problems = [...result.faults]
  const { honest, memoryBefore, memoryAfter, peakResident } = result
  if (honest !== undefined) {
    // The rest of a wait is what this machine did with its processors.
    const { worstWorkMs, worstLoginWorkMs, worstWaitMs, worstLoginMs } = honest
    if (worstWorkMs > allowed.waitMs)
      problems.push(`while a message waited, others had ${seconds(worstWorkMs)} of work`)
    if (worstLoginWorkMs > allowed.waitMs * SLACK) {
      problems.push(`while a log-in waited, others had ${seconds(worstLoginWorkMs)} of work`)
    }
    const longMs = allowed.waitMs * SLACK * allowed.busyness
    if (worstWaitMs > longMs) problems.push(`an honest message waited ${seconds(worstWaitMs)}`)
    if (worstLoginMs > longMs) problems.push(`an honest log-in waited ${seconds(worstLoginMs)}`)
  }
  const { mostTurnUnits = 0, stepUnits } = result
  if (mostTurnUnits > allowed.turnUnits + stepUnits) problems.push(`one turn counted ${mostTurnUnits} units of work`)
  const { mostRecorderBytes = 0 } = result
  if (mostRecorderBytes > allowed.recorderBytes) problems.push(`the recorder took ${megabytes(mostRecorderBytes)}`)
  const { recordBefore, recordAfter } = result
  if (recordAfter !== undefined && !(recordBefore ?? []).every((line) => recordAfter.includes(line)))
    problems.push('the flight recorder has lost entries of a Client that kept silent')
  if (recordBefore?.length === 0) problems.push('the flight recorder has nothing of an honest Client')
  if (memoryAfter !== undefined && memoryAfter - memoryBefore > allowed.growthBytes) {
    problems.push(`${megabytes(memoryAfter - memoryBefore)} are not given back`)
  }
  if (peakResident > allowed.residentBytes) problems.push(`the process took ${megabytes(peakResident)}`)
  return problems
}

const WIDTHS = [24, 7, 8, 8, 8, 8, 9, 8, 8]

export const HEADLINE = row([
  'shape',
  'result',
  'wait',
  'work',
  'turn',
  'log-in',
  'memory',
  'at most',
  'restart',
  'parameters',
])

export function lineOf(result: RoundResult, problems: readonly string[]): string {
  const { shape, honest, memoryBefore, memoryAfter, peakResident, restartMs, parameters, notes } = result
  const { connections, mostTurnUnits } = result
  const memory = memoryAfter === undefined ? '-' : `${signed(memoryAfter - memoryBefore)} MB`
  return row([
    shape,
    problems.length === 0 ? 'fine' : 'FAILED',
    honest === undefined ? '-' : seconds(honest.worstWaitMs),
    honest === undefined ? '-' : seconds(honest.worstWorkMs),
    mostTurnUnits === undefined ? '-' : `${Math.ceil(mostTurnUnits / 1000)} k`,
    honest === undefined ? '-' : seconds(honest.worstLoginMs),
    memory,
    peakResident === 0 ? '-' : megabytes(peakResident),
    restartMs === undefined ? '-' : seconds(restartMs),
    [parameters, `${connections} connections`, ...notes].filter((text) => text !== '').join('; '),
  ])
}

function row(cells: readonly string[]): string {
  return cells
    .map((cell, at) =>
      at === 0 ? cell.padEnd(WIDTHS[0]!) : at < WIDTHS.length ? cell.padStart(WIDTHS[at]!) : ` ${cell}`,
    )
    .join(' ')
}

function seconds(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds.toFixed(0)} ms` : `${(milliseconds / 1000).toFixed(1)} s`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`
}

function signed(bytes: number): string {
  return `${bytes < 0 ? '' : '+'}${(bytes / 1e6).toFixed(1)}`
}
