/** One reader of live events: what it wants, what it has lost, and whether it still reads. @module */
import type { AdminRole } from '../../broker/host/api-key-views.ts'
import { eventText, roleFor, type LiveEvent } from './live-events.ts'
import type { EventSink } from './request.ts'

/** Heartbeats for which a reader may be over its buffer. */
const MAX_MISSED_BEATS = 4

export interface ReaderOptions {
  readonly names: readonly LiveEvent[]
  /** Seconds between two `overview`s; 0: none. */
  readonly overviewSeconds: number
  /** Bytes that may wait for it. */
  readonly maxBytes: number
  /** Whether the caller still has at least that role: its key may have been deleted. */
  readonly mayRead: (role: AdminRole) => boolean
}

export class EventReader {
  readonly wants: ReadonlySet<LiveEvent>
  readonly interval: number
  /** Events that it has not been given, and not been told about. */
  lost = 0
  readonly #options: ReaderOptions
  readonly #sink: EventSink
  #missedBeats = 0

  constructor(options: ReaderOptions, sink: EventSink) {
    this.wants = new Set(options.names)
    this.interval = options.overviewSeconds
    this.#options = options
    this.#sink = sink
  }

  get mayRead(): boolean {
    return this.#options.mayRead('viewer')
  }

  /** Whether it asks for an event, and may read it now. */
  takes(name: LiveEvent): boolean {
    if (!this.wants.has(name)) return false
    const role = roleFor(name)
    // Looked at each second; only what is not for everybody is looked at each time.
    return role === 'viewer' || this.#options.mayRead(role)
  }

  /** @returns whether there was room for it */
  write(text: string): boolean {
    if (this.#sink.waitingBytes + text.length > this.#options.maxBytes) {
      this.lost++
      return false
    }
    if (this.lost > 0) this.#sink.write(eventText('lost', { events: this.lost }))
    this.lost = 0
    this.#sink.write(text)
    return true
  }

  /** Shows proxies that the connection is alive. @returns whether it is to stay */
  beat(): boolean {
    const hasRoom = this.#sink.waitingBytes < this.#options.maxBytes / 2
    this.#missedBeats = hasRoom ? 0 : this.#missedBeats + 1
    if (hasRoom) this.#sink.write(':\n\n')
    const mayStay = this.#missedBeats < MAX_MISSED_BEATS
    if (!mayStay) this.close()
    return mayStay
  }

  close(): void {
    this.#sink.close()
  }
}
