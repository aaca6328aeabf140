/** The health of a Store in words: one wording for the log, events and errors. @module */
import type { StoreHealth } from './store.ts'

/**
 * Why a Store is not well.
 *
 * @param otherwise what is said where the Store names no cause
 *
 * @example
 * reasonOf('max-bytes') // 'persistence.max-bytes is reached'
 */
export function reasonOf(cause: StoreHealth['cause'], otherwise = 'the store gives no reason'): string {
  if (cause === undefined) return otherwise
  return cause === 'max-bytes' ? 'persistence.max-bytes is reached' : cause.message
}

/**
 * The condition of a Store and its reason.
 *
 * @example
 * describeHealth({ condition: 'full', cause: 'max-bytes' }) // 'the store is full: persistence.max-bytes is reached'
 */
export function describeHealth({ condition, cause }: StoreHealth): string {
  if (condition === 'well') return 'the store takes new messages'
  return `the store ${condition === 'full' ? 'is full' : 'cannot write'}: ${reasonOf(cause)}`
}
