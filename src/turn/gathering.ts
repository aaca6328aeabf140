/**
 * A short pause at the end of a small turn, so that the next one has more to do.
 *
 * When hundreds of Clients say one thing each, every packet wakes the broker by itself, and the way into the system and back
 * costs more than the message. Interrupts of network cards are spared in the same way.
 *
 *   without   ▂ ▂▂ ▂  ▂ ▂▂ ▂ ▂     each read a turn
 *   with      ▅    ▅    ▅    ▅     what came during the pause is one turn
 *
 * A pause has to pay. One Client that waits for each answer before it says more would only wait longer: so a pause that
 * gathered fewer than `FEW_READS` is not made again for a while, each time twice as long. A turn that took as long as a pause,
 * or whose reads brought many packets each, has gathered enough by itself.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import type { Metrics } from '../reporting/metrics.ts'

/** Reads of one turn. */
const FEW_READS = 3
/** Where each read brings more than that, packets have come together on the way already. */
const FEW_PACKETS_PER_READ = 2
/** The most turns without a pause before another one is tried. */
const MOST_SKIPPED_TURNS = 1024

export class Gathering {
  /** Milliseconds; 0 never pauses. */
  pauseMs: number
  readonly #clock: Clock
  readonly #metrics: Metrics
  #readsBefore = 0
  #packetsBefore = 0
  #hasPaused = false
  #skippedTurns = 1
  #turnsToSkip = 0

  constructor(clock: Clock, metrics: Metrics, pauseMs: number) {
    this.#clock = clock
    this.#metrics = metrics
    this.pauseMs = pauseMs
  }

  /** Pauses behind a turn that took so long, if that pays. Runs at the end of every turn. */
  afterTurn(turnMs: number): void {
    if (this.pauseMs === 0 || this.#clock.pause === undefined) return
    const { readsReceived, packetsReceived } = this.#metrics
    const reads = readsReceived - this.#readsBefore
    const packets = packetsReceived - this.#packetsBefore
    this.#readsBefore = readsReceived
    this.#packetsBefore = packetsReceived
    // The Store, or a timer, began this turn.
    if (reads === 0) return
    if (this.#hasPaused) this.#judge(reads)
    if (turnMs >= this.pauseMs || packets > reads * FEW_PACKETS_PER_READ || this.#turnsToSkip-- > 0) return
    this.#turnsToSkip = 0
    this.#hasPaused = true
    this.#metrics.gatherPauses++
    this.#clock.pause(this.pauseMs)
  }

  #judge(reads: number): void {
    this.#hasPaused = false
    if (reads >= FEW_READS) this.#skippedTurns = 1
    else {
      this.#turnsToSkip = this.#skippedTurns
      this.#skippedTurns = Math.min(this.#skippedTurns * 2, MOST_SKIPPED_TURNS)
    }
  }
}
