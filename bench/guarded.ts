/** The rows that the guard watches. @module */

/** A row of ours, and what it is compared with. */
export interface Guarded {
  readonly row: string
  /** The row of the relay that ours is compared with: the relay only knows CONNECT and QoS 0. */
  readonly reference: string
  /** Pairs of runs, if fewer are enough: memory varies little. */
  readonly pairs?: number
}

export const guarded: readonly Guarded[] = [
  { row: '1-1', reference: '1-1' },
  { row: '50-50', reference: '50-50' },
  { row: '1-50', reference: '1-50' },
  { row: '50-1', reference: '50-1' },
  { row: '50-50-q1', reference: '50-50' },
  { row: '50-50-q2', reference: '50-50' },
  // At the recorded commit a pause of 0.2 ms was the default, for which half of all messages waited 0.35 ms and more.
  // What was recorded then is compared with the same pause; `auto`, which adds at most 0.1 ms, has a record of its own.
  { row: '400-400-pause', reference: '400-400' },
  { row: '400-400', reference: '400-400' },
  { row: '400-400-5k', reference: '400-400-5k' },
  { row: '400-400-1k', reference: '400-400-1k' },
  { row: '1-450', reference: '1-450' },
  { row: 'durable-1k', reference: '400-400-1k' },
  { row: 'pings', reference: '400-400-1k' },
  { row: 'connects', reference: 'connects' },
  { row: 'takeovers', reference: 'connects' },
  { row: 'drops', reference: 'drops' },
  { row: 'storm', reference: 'connects', pairs: 2 },
  { row: 'start', reference: 'start', pairs: 2 },
  { row: 'idle', reference: 'idle', pairs: 2 },
  { row: 'idle-tls', reference: 'idle', pairs: 2 },
  { row: 'idle-ws', reference: 'idle', pairs: 2 },
  { row: 'kept-sessions', reference: 'idle', pairs: 2 },
  { row: 'kept-retained', reference: 'idle', pairs: 2 },
]
