/**
 * A short pause at the end of a small turn, so that the next one has more to do.
 *
 * When hundreds of Clients send one packet each, every packet wakes the broker by itself, and the system calls cost
 * more than the message. Network cards coalesce their interrupts for the same reason.
 *
 *   without   ▂ ▂▂ ▂  ▂ ▂▂ ▂ ▂     each read a turn
 *   with      ▅    ▅    ▅    ▅     what came during the pause is one turn
 *
 * A pause has to pay off: a Client that waits for each answer before it sends more would only wait longer. So while
 * pauses gather few reads on average, there is only one now and then, after twice as many turns each time. A turn that
 * took as long as a pause, or whose reads brought many packets each, has gathered enough by itself.
 *
 * A message waits for the rest of the pause in which it arrives, and then for the turn that handles everything that the
 * pause has gathered. `auto` keeps this below 0.1 ms for half of all messages: it asks for the shortest pause, which
 * the system ends late (Linux by 0.07 ms), and watches how long pauses and the turns behind them really take. If they
 * take too long, because so much is gathered, timers are coarse, or others need the processor, it does not pause
 * either.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import type { Metrics } from '../reporting/metrics.ts'

/** Pauses that gather fewer reads on average cost more than they save; those of a set length are longer. */
const FEW_READS = 2.5
const FEW_READS_OF_AUTO = 1.75
/** If each read brings more than this, packets have gathered on the way already. */
const FEW_PACKETS_PER_READ = 2
/** The most turns without a pause before another one is tried. */
const MOST_SKIPPED_TURNS = 1024
/** After this many pauses in a row that paid off, the next that does not is followed by one turn without. */
const LASTING_PAUSES = 32
/** The share of the latest pause in the averages. */
const WEIGHT = 1 / 16
const AUTO_PAUSE_MS = 0.02
/**
 * So many pauses show whether more of them pay off: what arrives by chance varies by more than what divides the cases.
 */
const TRIAL = 1
const TRIAL_OF_AUTO = 8
/** The most that `auto` may add to the delay of half of all messages. */
const MOST_DELAY_MS = 0.1
/** How much of the turn behind a pause a message waits for, beyond what it would have waited for without. */
const SHARE_OF_TURN = 1.25

export class Gathering {
  readonly #clock: Clock
  readonly #metrics: Metrics
  #isAuto = false
  #pauseMs = 0
  /** A turn that takes this long needs no pause. */
  #enoughMs = 0
  #readsBefore = 0
  #packetsBefore = 0
  #hasPaused = false
  /** Averages of the latest pauses; the first after turns without one begins them anew. */
  #averageReads = 0
  #averageDelayMs = 0
  #lastPauseMs = 0
  #pausesInARow = 0
  #skippedTurns = 1
  #turnsToSkip = 0

  /** @param pause as in `pause` */
  constructor(clock: Clock, metrics: Metrics, pause: number | 'auto') {
    this.#clock = clock
    this.#metrics = metrics
    this.pause = pause
  }

  /** The length of a pause in milliseconds; 0 for no pauses. */
  set pause(pause: number | 'auto') {
    this.#isAuto = pause === 'auto'
    this.#pauseMs = pause === 'auto' ? AUTO_PAUSE_MS : pause
    this.#enoughMs = pause === 'auto' ? MOST_DELAY_MS : pause
  }

  /** Pauses after a turn that took this long, if that pays off. Runs at the end of every turn. */
  afterTurn(turnMs: number): void {
    if (this.#pauseMs === 0 || this.#clock.pause === undefined) return
    const { readsReceived, packetsReceived } = this.#metrics
    const reads = readsReceived - this.#readsBefore
    const packets = packetsReceived - this.#packetsBefore
    this.#readsBefore = readsReceived
    this.#packetsBefore = packetsReceived
    // The Store or a timer has started this turn.
    if (reads === 0) return
    if (this.#hasPaused) this.#judge(reads, turnMs)
    if (turnMs >= this.#enoughMs || packets > reads * FEW_PACKETS_PER_READ || this.#turnsToSkip-- > 0) return
    this.#turnsToSkip = 0
    this.#pause()
  }

  #pause(): void {
    this.#hasPaused = true
    this.#metrics.gatherPauses++
    const begin = this.#isAuto ? this.#clock.now() : 0
    this.#clock.pause!(this.#pauseMs)
    this.#lastPauseMs = this.#isAuto ? this.#clock.now() - begin : 0
  }

  #judge(reads: number, turnMs: number): void {
    this.#hasPaused = false
    const weight = Math.max(1 / ++this.#pausesInARow, WEIGHT)
    this.#averageReads += (reads - this.#averageReads) * weight
    this.#averageDelayMs += (this.#lastPauseMs / 2 + turnMs * SHARE_OF_TURN - this.#averageDelayMs) * weight
    if (this.#pausesInARow < (this.#isAuto ? TRIAL_OF_AUTO : TRIAL)) return
    if (this.#pays()) {
      if (this.#pausesInARow >= LASTING_PAUSES) this.#skippedTurns = 1
      return
    }
    this.#pausesInARow = 0
    this.#turnsToSkip = this.#skippedTurns
    this.#skippedTurns = Math.min(this.#skippedTurns * 2, MOST_SKIPPED_TURNS)
  }

  #pays(): boolean {
    if (!this.#isAuto) return this.#averageReads >= FEW_READS
    return this.#averageReads >= FEW_READS_OF_AUTO && this.#averageDelayMs <= MOST_DELAY_MS
  }
}
