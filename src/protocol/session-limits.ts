/**
 * The limits of a Session.
 *
 * @module
 */

export interface SessionLimits {
  readonly maxInflightMessages: number
  readonly maxQueuedMessages: number
  /** The same while its Client is connected, if this is more. */
  readonly maxQueuedMessagesConnected: number
  readonly maxQueuedBytes: number
  /** The most bytes that everything it holds may take; 0 sets no limit. */
  readonly maxMemoryPerSession: number
  /** Which message is dropped when the queue is full. */
  readonly queueFull: 'drop-newest' | 'drop-oldest'
  /** Connections that may end by the Client's own errors over one message, until it is dropped; 0 sets no limit. */
  readonly maxDeliveryAttempts: number
}
