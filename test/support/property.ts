/** Property-based testing, drawn from the seed of this run. @module */
import fc from 'fast-check'
import { seed } from './seed.ts'

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed })

export { default } from 'fast-check'
