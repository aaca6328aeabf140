/**
 * The two interfaces of this floor: the host that a listener works for, and the listener itself.
 *
 * @module
 */
import type { AcceptingHost, OpenListener } from '../broker/host/open-listeners.ts'

export type { ListenerCounters } from '../broker/host/open-listeners.ts'

/** The host that a listener works for. */
export type ListenerHost = AcceptingHost

/** A listener, as the broker sees it. */
export interface Listener extends OpenListener {
  /**
   * Closes new sockets as they arrive until `resumeAccepting`; existing Connections continue. Both may be called twice.
   */
  pauseAccepting(): void
  resumeAccepting(): void
}
