/**
 * What a WebSocket holds back. `ws` hands a message on when all of it is there, and until then keeps it in pieces; so the bytes
 * on the stream below are followed here, header by header (RFC 6455 §5.2), without keeping any:
 *
 *   stream   | 02 7f … 16 MiB | payload ………          (first frame, not whole)
 *            | 02 81 x | 00 81 y | 00 81 z | …         (many fragments of a message that does not end)
 *
 * Each piece costs `ws` an object, however short it is, and counts with it.
 *
 * @module
 */

/** A chunk of the stream, or a fragment, as `ws` keeps it: a Buffer with its memory. */
const PIECE_BYTES = 300
/** Opcodes from here on are control frames: short, whole, and handled at once. */
const FIRST_CONTROL_OPCODE = 8
const FIN = 0x80
const MASK = 0x80
const MASK_BYTES = 4

export class FrameWatch {
  /** What the fragments take that came before the frame at hand. */
  #messageBytes = 0
  /** What has come of the frame at hand takes. */
  #frameBytes = 0
  readonly #header: Uint8Array = new Uint8Array(10)
  #headerLength = 0
  /** What is to come of its payload; -1 while its header is not complete. */
  #payloadLeft = -1

  /** Memory that the message takes which is not complete yet; 0 where none is under way. */
  get heldBytes(): number {
    return this.#messageBytes + this.#frameBytes
  }

  /** The next bytes of the stream, which `ws` has seen already. */
  push(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length) {
      at = this.#payloadLeft < 0 ? this.#readHeader(chunk[at]!, at) : this.#readPayload(chunk, at)
      if (this.#payloadLeft === 0) this.#endFrame()
    }
    // What is left of the chunk stays with ws.
    if (this.#headerLength > 0) this.#frameBytes += PIECE_BYTES
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
    // The mask stands between both, and counts like payload.
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
