/**
 * What foreign code threw, or rejected with. It may be anything, and throw in turn when it is looked at; nothing here throws.
 *
 * @module
 */

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

/** What kind of value it is, for a message that must not quote it. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
