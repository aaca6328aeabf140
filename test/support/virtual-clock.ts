/** The Clock of whole brokers in virtual time is public: users' tests have the same. @module */
export { VirtualClock } from '../../src/testing/virtual-clock.ts'
