/** How the guard judges: pairs of runs become one ratio, and a ratio a verdict. @module */
import { median } from '../src/bench/statistics.ts'

/** A row is worse from this much above its record on, and better from as much below. */
const TOLERANCE = 0.15

export interface Comparison {
  /** Median of the pairs. */
  readonly ratio: number
  readonly least: number
  readonly most: number
}

/** @param ratios one for each pair of runs: our cost by the reference's */
export function compare(ratios: readonly number[]): Comparison {
  return { ratio: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
}

/**
 * Judges a ratio by its record.
 *
 * @example
 * verdict(1.2, 1) // 'worse'
 */
export function verdict(ratio: number, recorded: number): 'same' | 'worse' | 'better' {
  if (ratio > recorded * (1 + TOLERANCE)) return 'worse'
  return ratio < recorded / (1 + TOLERANCE) ? 'better' : 'same'
}
