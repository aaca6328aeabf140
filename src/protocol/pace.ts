/** How long a packet may take that has begun to come in. @module */

/** What a Connection allows. */
export interface PaceLimits {
  /** Seconds in which a packet has to be complete, besides the time that its bytes may take. */
  readonly packetTimeout: number
  /** Bytes per second that it may take no longer than. */
  readonly minPacketRate: number
}

/**
 * When a packet is late: each byte that comes moves the moment on, so that a slow link is served and one that drips is not.
 *
 * @param begunAtMs when its first byte came
 * @param bytes that have come since
 * @returns milliseconds, on the same clock as `begunAtMs`
 *
 * @example
 * packetDeadline(0, 1000, { packetTimeout: 30, minPacketRate: 100 }) // 40000
 */
export function packetDeadline(begunAtMs: number, bytes: number, { packetTimeout, minPacketRate }: PaceLimits): number {
  return begunAtMs + Math.ceil((packetTimeout + bytes / minPacketRate) * 1000)
}
