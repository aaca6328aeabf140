/**
 * The figures of the store: the part of the table of figures (`figure-table.ts`) that the store counts itself. A test
 * proves that it names the fields of `StoreFigures` and no other.
 *
 * @module
 */
import type { StoreFigures } from '../stores/store.ts'
import type { FigureKind, RowExtras } from './figure.ts'

/** A figure of the store, and where it is published below `$SYS/broker/store/`. */
export interface StoreRow extends RowExtras {
  readonly topic: string
  readonly unit: string
  readonly description: string
  readonly kind?: FigureKind
}

/** The figures of the store: `broker.storeFigures`, if the broker has one. */
export const storeTable: Readonly<Record<keyof StoreFigures, StoreRow>> = {
  turns: storeRow('turns', 'turns', 'Turns that stored something.'),
  changes: storeRow('changes', 'changes', 'Changes stored.'),
  commits: storeRow('commits', 'commits', 'Commits, each of which appends all waiting turns at once.'),
  syncs: storeRow('syncs', 'syncs', 'Syncs of the journal; everything written before one survives a power cut.'),
  failures: storeRow('failures', 'failures', 'Writes and syncs of the journal that failed and were repeated.'),
  journalBytes: storeRow('journal/bytes', 'bytes', 'Bytes appended to the journal.', {
    prometheus: 'sluice_store_journal_bytes_total',
  }),
  lastBatchTurns: storeGauge(
    'sluice_store_last_commit_turns',
    'commit/turns/last',
    'turns',
    'Turns in the last commit.',
  ),
  maxBatchTurns: storeGauge(
    'sluice_store_largest_commit_turns',
    'commit/turns/maximum',
    'turns',
    'Turns in the largest commit.',
  ),
  lastCommitMs: storeGauge(
    'sluice_store_last_commit_seconds',
    'commit/latency/last',
    'milliseconds',
    'Duration of the last commit.',
  ),
  maxCommitMs: storeGauge(
    'sluice_store_longest_commit_seconds',
    'commit/latency/maximum',
    'milliseconds',
    'Duration of the longest commit.',
  ),
  commitP50Ms: storeGauge(undefined, 'commit/latency/p50', 'milliseconds', 'Half of all commits took no longer.'),
  commitP99Ms: storeGauge(
    undefined,
    'commit/latency/p99',
    'milliseconds',
    'All but one in a hundred commits took no longer.',
  ),
  checkpoints: storeRow('checkpoints', 'checkpoints', 'Checkpoints written.'),
  lastCheckpointMs: storeGauge(
    'sluice_store_last_checkpoint_seconds',
    'checkpoint/duration/last',
    'milliseconds',
    'Duration of the last checkpoint.',
  ),
  lastCheckpointBytes: storeGauge(
    'sluice_store_last_checkpoint_bytes',
    'checkpoint/bytes/last',
    'bytes',
    'Size of the last checkpoint.',
  ),
  segmentsRemoved: storeRow(
    'segments/removed',
    'segments',
    'Segments removed because nothing in them was needed any more.',
  ),
  segmentsRewritten: storeRow('segments/rewritten', 'segments', 'Segments whose live data was copied to a newer one.'),
  payloadsRead: storeRow('payloads/read', 'payloads', 'Payloads of waiting messages read back from disk.'),
  timesFull: storeRow('full', 'times', 'Times that the disk was full and the reserve was released.'),
  segments: storeGauge('sluice_store_segments', 'segments/count', 'segments', 'Segments on disk.'),
  diskBytes: storeGauge('sluice_store_disk_bytes', 'disk/bytes', 'bytes', 'Size of all segments.'),
  reserveBytes: storeGauge(
    'sluice_store_reserve_bytes',
    'reserve/bytes',
    'bytes',
    'Size of the reserve for changes that remove data when the disk is full.',
  ),
  liveBytes: storeGauge('sluice_store_live_bytes', 'live/bytes', 'bytes', 'Live data in the segments.'),
  uncommittedBytes: storeGauge(
    'sluice_store_uncommitted_bytes',
    'uncommitted/bytes',
    'bytes',
    'Data waiting for a commit.',
  ),
}

function storeRow(topic: string, unit: string, description: string, extras: Partial<StoreRow> = {}): StoreRow {
  return { topic: `store/${topic}`, unit, description, ...extras }
}

function storeGauge(prometheus: string | undefined, topic: string, unit: string, description: string): StoreRow {
  return storeRow(topic, unit, description, { kind: 'gauge', prometheus })
}
