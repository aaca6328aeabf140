/**
 * Measures what a WebSocket holds back. `ws` passes a message on when it is complete and keeps the pieces until then,
 * so this class follows the bytes of the stream below, header by header (RFC 6455 §5.2), without keeping any:
 *
 *   stream   | 02 7f … 16 MiB | payload ………          (first frame, not whole)
 *            | 02 81 x | 00 81 y | 00 81 z | …         (many fragments of a message that does not end)
 *
 * Each piece costs `ws` an object, however short it is, and is counted with it.
 *
 * @module
 */

/** A chunk of the stream or a fragment, as `ws` keeps it: a Buffer and its memory. */
const PIECE_BYTES = 300
/** Opcodes from here on are control frames, which are short, complete, and handled at once. */
const FIRST_CONTROL_OPCODE = 8
const FIN = 0x80
const MASK = 0x80
const MASK_BYTES = 4

export class FrameWatch {
  /** Memory of the fragments before the current frame. */
  #messageBytes = 0
  /** Memory of what has arrived of the current frame. */
  #frameBytes = 0
  readonly #header: Uint8Array = new Uint8Array(10)
  #headerLength = 0
  /** The rest of its payload; -1 while its header is incomplete. */
  #payloadLeft = -1

  /** Memory that an incomplete message takes; 0 if there is none. */
  get heldBytes(): number {
    return this.#messageBytes + this.#frameBytes
  }

  /**
   * Follows the next bytes of the stream.
   *
   * @returns the number of frames that end in them
   */
  push(chunk: Uint8Array): number {
    let frames = 0
    let at = 0
    while (at < chunk.length) {
      at = this.#payloadLeft < 0 ? this.#readHeader(chunk[at]!, at) : this.#readPayload(chunk, at)
      if (this.#payloadLeft !== 0) continue
      this.#endFrame()
      frames++
    }
    // The rest of the chunk stays in `ws`.
    if (this.#headerLength > 0) this.#frameBytes += PIECE_BYTES
    return frames
  }

  #readHeader(byte: number, at: number): number {
    const header = this.#header
    header[this.#headerLength++] = byte
    this.#frameBytes++
    if (this.#headerLength < 2) return at + 1
    const short = header[1]! & 0x7f
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0
    if (this.#headerLength < 2 + lengthBytes) return at + 1
    let length = lengthBytes === 0 ? short : 0
    for (let index = 2; index < 2 + lengthBytes; index++) length = length * 256 + header[index]!
    // The mask comes between both, and counts like payload.
    this.#payloadLeft = length + ((header[1]! & MASK) === 0 ? 0 : MASK_BYTES)
    return at + 1
  }

  #readPayload(chunk: Uint8Array, at: number): number {
    const bytes = Math.min(this.#payloadLeft, chunk.length - at)
    this.#payloadLeft -= bytes
    this.#frameBytes += bytes
    return at + bytes
  }

  #endFrame(): void {
    const first = this.#header[0]!
    if ((first & 0x0f) < FIRST_CONTROL_OPCODE) {
      this.#messageBytes = (first & FIN) === 0 ? this.#messageBytes + this.#frameBytes + PIECE_BYTES : 0
    }
    this.#frameBytes = 0
    this.#headerLength = 0
    this.#payloadLeft = -1
  }
}
