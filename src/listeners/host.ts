/**
 * The two sides of this floor: what a listener works for, and what a listener is.
 *
 * @module
 */
import type { AcceptingHost, OpenListener } from '../broker/host/open-listeners.ts'

export type { ListenerCounters } from '../broker/host/open-listeners.ts'

/** What a listener works for. */
export type ListenerHost = AcceptingHost

/** What a listener is. */
export interface Listener extends OpenListener {
  /** Closes new sockets as they come until `resumeAccepting`; Connections that exist go on. Both may be called twice. */
  pauseAccepting(): void
  resumeAccepting(): void
}
