/**
 * What foreign code threw, or rejected with. It may be anything, and throw in turn when it is looked at; `messageOf`, `kindOf` and `isOurs` do not.
 *
 * @module
 */
import { types } from 'node:util'
import { SluiceError } from './errors.ts'

/** The message of an Error, or what was thrown in its place, in a few words. */
export function messageOf(thrown: unknown): string {
  try {
    if (!(thrown instanceof Error)) return `something that is no Error was thrown (${kindOf(thrown)})`
    const { message } = thrown
    return typeof message === 'string' ? message : `an Error was thrown whose message is ${kindOf(message)}`
  } catch {
    return 'what was thrown throws when it is looked at'
  }
}

/** Whether it is an Error with a code, of this project or of Node, which says all that is needed. */
export function hasCode(thrown: unknown): thrown is Error & { readonly code: string } {
  try {
    return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string'
  } catch {
    // What cannot even be looked at has none.
    return false
  }
}

/** Whether it is an Error of this project, which has a code and says all that is needed. */
export function isOurs(thrown: unknown): thrown is SluiceError {
  try {
    return thrown instanceof SluiceError
  } catch {
    // What cannot even be looked at is none.
    return false
  }
}

/**
 * Lets `failed` have the rejection of what foreign code returned, if that is a Promise: unhandled it would end the process. What
 * only looks like one is left alone, because many a query begins when its `then` is called.
 */
export function watchPromise(returned: unknown, failed: (error: unknown) => void): void {
  // Also one of another realm, such as a test runner's, which `instanceof` would not know.
  if (types.isPromise(returned)) void Promise.prototype.then.call(returned, undefined, failed)
}

/** What kind of value it is, for a message that must not quote it. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
