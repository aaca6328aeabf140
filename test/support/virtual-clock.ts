/** The virtual Clock is public, so that users' tests have the same one. @module */
export { VirtualClock } from '../../src/testing/virtual-clock.ts'
