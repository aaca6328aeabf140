/**
 * The permissions of a fuzzed world, by name: what begins with `denied` is denied, what begins with `slow` is answered
 * by a promise, and the Authentication Method `fuzz` takes one step more, which `n…` fails.
 *
 * @module
 */
import type { Plugin } from '../../src/access/plugin.ts'

export const METHOD = 'fuzz'
export const DENIED = 'denied'
export const SLOW = 'slow'
const FAILS = 'n'.charCodeAt(0)

/** Whether this data lets an exchange fail. */
export function failsExchange(data: Uint8Array | undefined): boolean {
  return data?.[0] === FAILS
}

/** Answers that were promised and not given yet. */
export class Promises {
  #waiting: (() => void)[] = []

  later<Value>(value: Value): Promise<Value> {
    return new Promise((resolve) => this.#waiting.push(() => resolve(value)))
  }

  get size(): number {
    return this.#waiting.length
  }

  /** Gives every answer that is owed. */
  keep(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const give of waiting) give()
  }
}

export function makePlugin(promises: Promises, stable: boolean): Plugin {
  const soonOrLate = <Value>(name: string | undefined, value: Value): Value | Promise<Value> =>
    name?.startsWith(SLOW) === true ? promises.later(value) : value
  return {
    name: 'fuzz',
    stable,
    authenticate: ({ userName, authenticationMethod, authenticationData, exchangeState }) => {
      if (authenticationMethod === METHOD) {
        if (exchangeState === undefined) {
          return { decision: 'continue', authenticationData: Uint8Array.of(1), exchangeState: 1 }
        }
        return { decision: failsExchange(authenticationData) ? 'deny' : 'allow' }
      }
      if (authenticationMethod !== undefined) return undefined
      return soonOrLate(userName, { decision: userName?.startsWith(DENIED) === true ? 'deny' : 'allow' })
    },
    mayPublish: (_client, { topicName }) => soonOrLate(topicName, !topicName.startsWith(DENIED)),
    maySubscribe: (_client, topicFilter) => soonOrLate(topicFilter, !topicFilter.startsWith(DENIED)),
    mayReceive: (_client, topicName) => !topicName.startsWith(DENIED),
  }
}
