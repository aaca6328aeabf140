/**
 * How well a Session can take a message.
 *
 * @module
 */

/**
 * How well a Session can take a message. A Shared Subscription chooses its member by this order; the best comes last.
 */
export const Readiness = {
  /** It cannot get the message at all. */
  None: 0,
  /** It exceeds the Client's Maximum Packet Size. */
  TooLarge: 1,
  /** Its Client is away, and its queue is full. */
  AwayFull: 2,
  Full: 3,
  /** It can keep the message until its Client is back. */
  Away: 4,
  /** It can keep the message until there is room in its window. */
  Waits: 5,
  /** It would send the message at once. */
  Now: 6,
} as const
export type Readiness = (typeof Readiness)[keyof typeof Readiness]
