/**
 * What limits a Session.
 *
 * @module
 */

export interface SessionLimits {
  readonly maxInflightMessages: number
  readonly maxQueuedMessages: number
  /** The same while its Client is connected, where this is more. */
  readonly maxQueuedMessagesConnected: number
  readonly maxQueuedBytes: number
  /** Bytes that everything it holds may take; 0 sets no limit. */
  readonly maxMemoryPerSession: number
  /** Which message goes when the queue is full. */
  readonly queueFull: 'drop-newest' | 'drop-oldest'
  /** Connections that may end by the Client's own errors over one message, until it is dropped; 0 sets no limit. */
  readonly maxDeliveryAttempts: number
}
