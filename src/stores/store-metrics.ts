/** The counters of a store, as plain numbers that can be read at any time. @module */
import { Histogram } from '../base/histogram.ts'

/** Upper bounds of the commit latency buckets, in milliseconds; the last bucket has no bound. */
export const commitLatencyBoundsMs = [0.5, 1, 2, 5, 10, 20, 50, 100, 500] as const

export class StoreMetrics {
  /** Turns written, and Changes in them. */
  turns = 0
  changes = 0
  /** Appends to the journal: each may hold several turns. */
  commits = 0
  syncs = 0
  /** Bytes appended to the journal. */
  journalBytes = 0
  /** Turns in the last commit, and in the largest one. */
  lastBatchTurns = 0
  maxBatchTurns = 0
  /** Duration of a commit from start to end, in milliseconds. */
  lastCommitMs = 0
  maxCommitMs = 0
  readonly commitLatency: Histogram = new Histogram(commitLatencyBoundsMs)
  /** Writes and syncs that failed. */
  failures = 0
  checkpoints = 0
  lastCheckpointMs = 0
  lastCheckpointBytes = 0
  /** Segments removed because nothing in them lived, and segments whose rest was copied forward. */
  segmentsRemoved = 0
  segmentsRewritten = 0
  payloadsRead = 0
  /** How often the disk was full, so that the reserve had to be released. */
  timesFull = 0

  /** Milliseconds that this share of all commits took at most: a bucket's upper bound, or the longest commit. */
  commitMs(share: number): number {
    return this.commitLatency.quantile(share)
  }

  committed(turns: number, bytes: number, tookMs: number): void {
    this.commits++
    this.journalBytes += bytes
    this.lastBatchTurns = turns
    if (turns > this.maxBatchTurns) this.maxBatchTurns = turns
    this.lastCommitMs = tookMs
    if (tookMs > this.maxCommitMs) this.maxCommitMs = tookMs
    this.commitLatency.observe(tookMs)
  }
}
