/**
 * Where the bytes of a message lie: in the received chunk, whose memory is reused; in a buffer that is not reused but
 * may be much larger; in the arena; in memory of their own; packed in a string; only in the Store; or nowhere, because
 * the Store has lost them.
 *
 * @module
 */

export const Place = { Chunk: 0, Buffer: 1, Arena: 2, Own: 3, Packed: 4, Store: 5, Lost: 6 } as const
export type Place = (typeof Place)[keyof typeof Place]
