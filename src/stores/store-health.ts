/** Describes the health of a Store, so that logs, events and errors use the same words. @module */
import type { StoreHealth } from './store.ts'

/**
 * Explains why a Store is not well.
 *
 * @param otherwise the text for a Store that gives no cause
 *
 * @example
 * reasonOf('max-bytes') // 'persistence.max-bytes is reached'
 */
export function reasonOf(cause: StoreHealth['cause'], otherwise = 'the store gives no reason'): string {
  if (cause === undefined) return otherwise
  return cause === 'max-bytes' ? 'persistence.max-bytes is reached' : cause.message
}

/**
 * Describes the condition of a Store and the reason.
 *
 * @example
 * describeHealth({ condition: 'full', cause: 'max-bytes' }) // 'the store is full: persistence.max-bytes is reached'
 */
export function describeHealth({ condition, cause }: StoreHealth): string {
  if (condition === 'well') return 'the store accepts new messages'
  return `the store ${condition === 'full' ? 'is full' : 'cannot write'}: ${reasonOf(cause)}`
}
