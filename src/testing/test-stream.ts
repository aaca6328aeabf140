/** The Client's end of a Network Connection in memory, as a Node stream with faults on demand. @module */
import { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import { Link } from './link.ts'

/**
 * The Client's end: hand it to any MQTT client that takes a stream. What it reads and writes goes through a network that does
 * what the test wants.
 */
export class TestStream extends Duplex {
  readonly link: Link

  /** Made by `TestBroker.open`. */
  constructor(clock: Clock) {
    super({ allowHalfOpen: false })
    this.link = new Link(clock, {
      received: (bytes) => void this.push(bytes),
      closed: () => void this.push(null),
    })
  }

  /** The connection is reset: both ends see it at once. */
  cut(): void {
    this.destroy()
  }

  /** Half-open: from now on no byte goes either way, and neither end is told. */
  silence(): void {
    this.link.silence()
  }

  /** The Client takes nothing until `thaw`; what the broker sends it piles up on the broker's side. */
  freeze(): void {
    this.link.freeze()
  }

  /** Ends what `freeze` began. */
  thaw(): void {
    this.link.thaw()
  }

  /** From now on each chunk takes that long, each way; `advance` brings it. */
  delay(milliseconds: number): void {
    this.link.conditions.delayMs = milliseconds
  }

  /** From now on the Client takes so many bytes a second. */
  slow(bytesPerSecond: number): void {
    this.link.conditions.bytesPerSecond = bytesPerSecond
  }

  /** From now on what the Client sends reaches the broker in pieces of at most so many bytes. */
  split(bytes: number): void {
    this.link.conditions.pieceBytes = bytes
  }

  override _read(): void {
    // What comes is pushed when it comes.
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
