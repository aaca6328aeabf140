/**
 * How well a Session can take a message.
 *
 * @module
 */

/** How well a Session can take a message: what the choice of a Shared Subscription goes by, the best last. */
export const Readiness = {
  /** It cannot have it at all. */
  None: 0,
  /** It exceeds the Client's Maximum Packet Size. */
  TooLarge: 1,
  /** Its queue is full, and it is away. */
  AwayFull: 2,
  Full: 3,
  /** It can keep it until its Client is back. */
  Away: 4,
  /** It can keep it until there is room in its window. */
  Waits: 5,
  /** It would send it at once. */
  Now: 6,
} as const
export type Readiness = (typeof Readiness)[keyof typeof Readiness]
