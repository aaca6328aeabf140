/**
 * Holds chunks of many small WebSocket frames until it is their Connection's turn.
 *
 * `ws` parses whatever a stream passes to it, at once: 64 KiB may contain ten thousand frames, or fragments of a
 * message that never ends. No Connection sees these before they are complete, so no work would be counted, and some
 * hundred sockets that send such chunks at the same time would take seconds. Therefore chunks are looked at on their
 * way into the stream, where counting frames costs a few per cent of parsing them:
 *
 *   socket ── push(chunk) ─┬─ few frames ────────────────────────────> stream ── 'data' ──> ws
 *                          └─ many: held, and the socket is not read ─> stream, a piece at a time, at its turn
 *
 * @module
 */
import type { Duplex } from 'node:stream'
import type { Incoming } from '../protocol/transport.ts'
import type { FrameWatch } from './frame-watch.ts'

/** A chunk with no more frames is passed on at once: parsing them takes well below a tenth of a millisecond. */
const FEW_FRAMES = 64
/** Passed on at a time: seven hundred of the smallest frames. */
const PIECE_BYTES = 4096
/** What `ws` and a Connection do for a frame, in units of work: 0.8 µs. */
const FRAME_UNITS = 8

export class FrameGate {
  readonly #stream: Duplex
  readonly #incoming: Incoming
  readonly #frames: FrameWatch
  readonly #passOn: (chunk: Buffer | null) => boolean
  #held: Buffer[] = []
  #heldBytes = 0
  /** Frames in what is held. */
  #heldFrames = 0
  /** The stream has ended behind what is held. */
  #hasEnded = false
  #isPaused = false

  /** @param frames follows the bytes as they arrive */
  constructor(stream: Duplex, incoming: Incoming, frames: FrameWatch) {
    this.#stream = stream
    this.#incoming = incoming
    this.#frames = frames
    this.#passOn = stream.push.bind(stream)
    stream.push = (chunk: Buffer | null) => this.push(chunk)
  }

  /** Bytes that are held here. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Takes a chunk for the stream, or its end. @returns false if no more should be read for now */
  push(chunk: Buffer | null): boolean {
    if (chunk === null) return this.#end()
    const frames = this.#frames.push(chunk)
    const isFirst = this.#heldBytes === 0
    const isCheap = frames <= FEW_FRAMES || this.#incoming.atTurn === undefined
    if (isFirst && isCheap) return this.#passOn(chunk)
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
    this.#heldFrames += frames
    this.#incoming.arriving?.(this.#frames.heldBytes + this.#heldBytes)
    if (isFirst) this.#askForTurn()
    return false
  }

  #end(): boolean {
    if (this.#heldBytes === 0) return this.#passOn(null)
    this.#hasEnded = true
    return false
  }

  /** The Connection does not want to be given anything until `resume`. */
  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    if (this.#heldBytes > 0) this.#askForTurn()
  }

  #askForTurn(): void {
    if (!this.#isPaused) this.#incoming.atTurn!(this.#passPiece)
  }

  /** Passes on the next piece. @returns the work that it was; 0 if there is nothing to do */
  readonly #passPiece = (): number => {
    if (this.#stream.destroyed) this.#drop()
    if (this.#isPaused || this.#heldBytes === 0) return 0
    const [first] = this.#held
    const piece = first!.subarray(0, PIECE_BYTES)
    const frames = Math.ceil((this.#heldFrames * piece.length) / this.#heldBytes)
    if (piece.length === first!.length) this.#held.shift()
    else this.#held[0] = first!.subarray(PIECE_BYTES)
    this.#heldBytes -= piece.length
    this.#heldFrames -= frames
    this.#passOn(piece)
    if (this.#heldBytes === 0 && this.#hasEnded) this.#passOn(null)
    return 1 + frames * FRAME_UNITS
  }

  #drop(): void {
    this.#held = []
    this.#heldBytes = 0
    this.#heldFrames = 0
  }
}
