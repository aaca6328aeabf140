/**
 * Streams that are connected but have not finished what comes before MQTT: a PROXY header, a TLS handshake, an HTTP
 * upgrade. The host does not know them yet, so they are limited, counted, given a deadline, and in the end closed here.
 *
 * @module
 */
import type { Duplex } from 'node:stream'
import type { Timer } from '../base/clock.ts'
import type { ListenerCounters, ListenerHost } from './host.ts'

/** Streams of one listener that may wait at a time. */
export const MAX_WAITING = 1000

export class WaitingRoom {
  readonly #listener: string
  readonly #host: Pick<ListenerHost, 'clock' | 'log'>
  readonly #counters: ListenerCounters
  readonly #limit: number
  readonly #deadlines = new Map<Duplex, Timer>()
  readonly #onClose: (this: Duplex) => void
  #full = false

  constructor(
    listener: string,
    host: Pick<ListenerHost, 'clock' | 'log'>,
    counters: ListenerCounters,
    limit: number = MAX_WAITING,
  ) {
    this.#listener = listener
    this.#host = host
    this.#counters = counters
    this.#limit = limit
    const forget = (stream: Duplex) => this.#forget(stream)
    this.#onClose = function () {
      forget(this)
    }
  }

  /**
   * Lets a stream wait.
   *
   * @param onLate called before the stream is destroyed because it is still here after `deadlineMs`
   * @returns false when there is no room; the stream is destroyed then
   */
  enter(stream: Duplex, deadlineMs: number, onLate: () => void): boolean {
    if (this.#deadlines.size >= this.#limit) {
      this.#refuse(stream)
      return false
    }
    this.#full = false
    const deadline = this.#host.clock.setTimer(deadlineMs, () => {
      onLate()
      stream.destroy()
    })
    this.#deadlines.set(stream, deadline)
    stream.on('close', this.#onClose)
    stream.on('error', ignore)
    return true
  }

  /** The stream has come through: from here on it is somebody else's. */
  leave(stream: Duplex): void {
    this.#forget(stream)
    stream.off('close', this.#onClose)
    stream.off('error', ignore)
  }

  close(): void {
    for (const stream of this.#deadlines.keys()) stream.destroy()
  }

  #forget(stream: Duplex): void {
    this.#deadlines.get(stream)?.cancel()
    this.#deadlines.delete(stream)
  }

  /** One line for each time it fills up, not for each stream: the log must not drown in a flood. */
  #refuse(stream: Duplex): void {
    this.#counters.refusedWaiting++
    stream.destroy()
    if (this.#full) return
    this.#full = true
    this.#host.log.warn(
      { listener: this.#listener, limit: this.#limit },
      'Too many connections have not finished their handshake; further ones are closed at once',
    )
  }
}

/** An error before MQTT has begun is followed by 'close', which is all that matters here. */
function ignore(): void {}
