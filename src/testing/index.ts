/**
 * `sluice/testing`: a broker in memory and in virtual time for users' tests, and the contract of every Store. @module
 */
export { createTestBroker, TestBroker, type TestBrokerOptions } from './test-broker.ts'
export { TestStream } from './test-stream.ts'
export { Link, type LinkClient, type LinkConditions } from './link.ts'
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts'
export { replayTrace, replayTraceText, type ReplayOptions } from './replay-trace.ts'
export type { Replay } from './replayer.ts'
export type { Passwords } from './traced-packets.ts'
export type { ReplayDifference } from './replayed-client.ts'
export { TraceFileError } from '../admin/trace/trace-file.ts'
export { SeededRandom } from './random.ts'
export { storeCases, type StoreBed, type StoreCase } from './store-contract.ts'
export type {
  Change,
  Damage,
  Durability,
  AccessRecord,
  EntryRecord,
  Loaded,
  LoadProgress,
  MessageRecord,
  SessionRecord,
  Store,
  StoreCondition,
  StoreFigures,
  StoreHealth,
  SubscriptionRecord,
  ReplayRecord,
  WillRecord,
} from '../stores/store.ts'
