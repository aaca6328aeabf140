/**
 * Counts connections of one client identifier or network in windows of time, to find those that come and go all the
 * time.
 *
 * The table is bounded: the entry that was used longest ago is dropped first.
 *
 * @module
 */
import { RecentMap } from '../../base/recent-map.ts'

/** Client identifiers and networks that are watched at one time. */
const MAX_WATCHED = 10_000
/** Longer client identifiers are not watched. */
const MAX_LENGTH = 256

export interface FlappingLimits {
  /** Connections in a window that are too many; 0 watches nobody. */
  readonly flappingConnects: number
  /** Seconds. */
  readonly flappingWindow: number
}

interface Window {
  readonly sinceMs: number
  readonly connects: number
}

export class Flapping {
  readonly #windows = new RecentMap<Window>(MAX_WATCHED)

  /**
   * Counts a connection.
   *
   * @returns true for the one that reaches the limit
   */
  isTooMuch(key: string, { flappingConnects, flappingWindow }: FlappingLimits, nowMs: number): boolean {
    if (flappingConnects === 0 || key.length > MAX_LENGTH) return false
    const known = this.#windows.get(key)
    const isOver = known === undefined || nowMs - known.sinceMs >= flappingWindow * 1000
    const window = isOver ? { sinceMs: nowMs, connects: 1 } : { ...known, connects: known.connects + 1 }
    this.#windows.set(key, window)
    return window.connects === flappingConnects
  }
}
