/**
 * Describes values that foreign code threw, or rejected with. Such a value may be anything, and may itself throw when
 * it is read; `messageOf`, `kindOf`, `hasCode` and `isOurs` never do.
 *
 * @module
 */
import { types } from 'node:util'
import { SluiceError } from './errors.ts'

/** The message of an Error, or a short description of another value. */
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
 * Passes the rejection of a Promise that foreign code returned to `failed`: unhandled, it would end the process. An
 * object that only resembles a Promise is ignored, because many queries start when their `then` is called.
 */
export function watchPromise(returned: unknown, failed: (error: unknown) => void): void {
  // This includes promises of another realm, such as a test runner's, for which `instanceof` is false.
  if (types.isPromise(returned)) void Promise.prototype.then.call(returned, undefined, failed)
}

/** Describes the kind of a value, for a message that must not quote it. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
