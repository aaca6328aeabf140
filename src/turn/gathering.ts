/**
 * A short pause at the end of a small turn, so that the next one has more to do.
 *
 * When hundreds of Clients send one packet each, every packet wakes the broker by itself, and the system calls cost
 * more than the message. Network cards coalesce their interrupts for the same reason.
 *
 *   without   ▂ ▂▂ ▂  ▂ ▂▂ ▂ ▂     each read a turn
 *   with      ▅    ▅    ▅    ▅     what came during the pause is one turn
 *
 * A pause has to pay off. A Client that waits for each answer before it sends more would only wait longer. So after a
 * pause that gathered fewer than `FEW_READS`, there is none for a while, twice as long each time. A turn that took as
 * long as a pause, or whose reads brought many packets each, has gathered enough by itself.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import type { Metrics } from '../reporting/metrics.ts'

/** A turn with fewer reads is small. */
const FEW_READS = 3
/** If each read brings more than this, packets have gathered on the way already. */
const FEW_PACKETS_PER_READ = 2
/** The most turns without a pause before another one is tried. */
const MOST_SKIPPED_TURNS = 1024

export class Gathering {
  /** The length of a pause in milliseconds; 0 for no pauses. */
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

  /** Pauses after a turn that took this long, if that pays off. Runs at the end of every turn. */
  afterTurn(turnMs: number): void {
    if (this.pauseMs === 0 || this.#clock.pause === undefined) return
    const { readsReceived, packetsReceived } = this.#metrics
    const reads = readsReceived - this.#readsBefore
    const packets = packetsReceived - this.#packetsBefore
    this.#readsBefore = readsReceived
    this.#packetsBefore = packetsReceived
    // The Store or a timer has started this turn.
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
