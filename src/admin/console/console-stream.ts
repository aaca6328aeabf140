/**
 * The byte stream of a console, between its WebSocket and the Connection:
 *
 *   WebSocket ──receive──> may its operator still? ──> Connection
 *             <──write──── may its operator still? <──
 *
 * Both ways it is asked each time, so nothing passes after a login has ended or a role was taken away.
 *
 * @module
 */
import type { Incoming, Transport } from '../../protocol/transport.ts'

export class ConsoleStream implements Transport, Incoming {
  /** Set once the Connection is accepted. */
  incoming: Incoming | undefined = undefined
  readonly #socket: Transport
  readonly #mayStay: () => boolean
  readonly #onLost: () => void
  #isMuted = false

  /**
   * @param mayStay whether its operator may still do what it could when the stream was opened
   * @param onLost called once, when the WebSocket is gone
   */
  constructor(socket: Transport, mayStay: () => boolean, onLost: () => void) {
    this.#socket = socket
    this.#mayStay = mayStay
    this.#onLost = onLost
  }

  /** Whether bytes pass; never again after they once did not. */
  get isOpen(): boolean {
    if (!this.#isMuted && !this.#mayStay()) this.#isMuted = true
    return !this.#isMuted
  }

  write(bytes: Uint8Array): boolean {
    return this.isOpen ? this.#socket.write(bytes) : true
  }

  get unsentBytes(): number {
    return this.#socket.unsentBytes
  }

  pauseReading(): void {
    this.#socket.pauseReading()
  }

  resumeReading(): void {
    this.#socket.resumeReading()
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  get isConnected(): boolean {
    return this.incoming?.isConnected === true
  }

  receive(chunk: Uint8Array): void {
    if (this.isOpen) this.incoming?.receive(chunk)
  }

  arriving(heldBytes: number): void {
    this.incoming?.arriving?.(heldBytes)
  }

  drained(): void {
    this.incoming?.drained()
  }

  lost(error?: Error): void {
    this.#onLost()
    this.incoming?.lost(error)
  }
}
