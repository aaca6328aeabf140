/** `sluice/testing`: a broker in memory and in virtual time, for users' tests. @module */
export { createTestBroker, TestBroker, type TestBrokerOptions } from './test-broker.ts'
export { TestStream } from './test-stream.ts'
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts'
export { SeededRandom } from './random.ts'
