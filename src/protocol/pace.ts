/** How long a packet may take to arrive. @module */

/** The pace that a Connection demands. */
export interface PaceLimits {
  /** Seconds that a packet may take to be complete, in addition to the time that its bytes may take. */
  readonly packetTimeout: number
  /** The least bytes per second. */
  readonly minPacketRate: number
}

/**
 * When a packet is late: each byte that arrives extends the deadline, so that a slow link is served and one that drips
 * is not.
 *
 * @param begunAtMs when its first byte arrived
 * @param bytes that have arrived since
 * @returns milliseconds, on the same clock as `begunAtMs`
 *
 * @example
 * packetDeadline(0, 1000, { packetTimeout: 30, minPacketRate: 100 }) // 40000
 */
export function packetDeadline(begunAtMs: number, bytes: number, { packetTimeout, minPacketRate }: PaceLimits): number {
  return begunAtMs + Math.ceil((packetTimeout + bytes / minPacketRate) * 1000)
}
