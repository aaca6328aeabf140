/** The name that `VirtualBroker` had. @module */
export { VirtualBroker as TestBroker } from './virtual-broker.ts'
