/** One breakage of the source. @module */

export interface Mutant {
  /**
   * The statements whose tests must turn red, written as in a test's brackets: `3.1.1 MQTT-3.1.2-24, 5.0
   * MQTT-3.1.2-22`.
   */
  readonly breaks: string
  /** What is broken, as a person would say it. */
  readonly name: string
  readonly file: string
  /** Stands in the file exactly once. */
  readonly from: string
  readonly to: string
}

/** A row of the tables of breakages. */
export function mutant(breaks: string, name: string, file: string, from: string, to: string): Mutant {
  return { breaks, name, file, from, to }
}
