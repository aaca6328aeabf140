/** The Client's end of a Network Connection in memory, as a Node stream with faults on demand. @module */
import { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import { Link } from './link.ts'

/**
 * The Client's end: pass it to any MQTT client that accepts a stream. It reads and writes through a simulated network,
 * which the test controls.
 */
export class TestStream extends Duplex {
  readonly link: Link

  /** Created by `TestBroker.open`. */
  constructor(clock: Clock) {
    super({ allowHalfOpen: false })
    this.link = new Link(clock, {
      received: (bytes) => void this.push(bytes),
      closed: () => void this.push(null),
    })
  }

  /** Resets the connection: both ends are notified at once. */
  cut(): void {
    this.destroy()
  }

  /** Breaks the connection without notifying either end (half-open): from now on no byte goes either way. */
  silence(): void {
    this.link.silence()
  }

  /** The Client accepts nothing until `thaw`; the broker's output piles up on its side. */
  freeze(): void {
    this.link.freeze()
  }

  /** Ends what `freeze` began. */
  thaw(): void {
    this.link.thaw()
  }

  /** From now on each chunk takes this long in each direction; `advance` delivers it. */
  delay(milliseconds: number): void {
    this.link.conditions.delayMs = milliseconds
  }

  /** From now on the Client accepts this many bytes per second. */
  slow(bytesPerSecond: number): void {
    this.link.conditions.bytesPerSecond = bytesPerSecond
  }

  /** From now on the Client's output reaches the broker in pieces of at most this many bytes. */
  split(bytes: number): void {
    this.link.conditions.pieceBytes = bytes
  }

  override _read(): void {
    // Input is pushed when it arrives.
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.link.send(Uint8Array.from(chunk))
    done()
  }

  override _final(done: () => void): void {
    this.link.hangUp()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.link.reset()
    done(error)
  }
}
