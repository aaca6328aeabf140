/**
 * Where the bytes of a message lie: in the received chunk, whose memory is reused; in a buffer that is not reused but
 * may be much larger; in the arena; in memory of their own; only in the Store; or nowhere, because the Store has lost
 * them.
 *
 * @module
 */

export const Place = { Chunk: 0, Buffer: 1, Arena: 2, Own: 3, Store: 4, Lost: 5 } as const
export type Place = (typeof Place)[keyof typeof Place]
