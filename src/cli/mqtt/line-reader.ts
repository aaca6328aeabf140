/**
 * Divides a stream into lines without creating a string or an object for any of them.
 *
 *   chunk  |one\ntwo\nthr|    one and two are passed on in place; `thr` waits
 *   chunk  |ee\n|             the only line that is copied
 *
 * @module
 */

const LINE_FEED = 10

/** Receives one line, without its line feed: `bytes[start..end)`. */
export type TakeLine = (bytes: Uint8Array, start: number, end: number) => void

export class LineReader {
  readonly #take: TakeLine
  #pieces: Uint8Array[] = []

  constructor(take: TakeLine) {
    this.#take = take
  }

  /** Hot: runs for every chunk of standard input. */
  push(chunk: Buffer): void {
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      if (this.#pieces.length === 0) this.#take(chunk, start, end)
      else this.#takePieces(chunk.subarray(start, end))
      start = end + 1
    }
    if (start < chunk.length) this.#pieces.push(new Uint8Array(chunk.subarray(start)))
  }

  /** The stream is over: the last line may lack its line feed. */
  end(): void {
    if (this.#pieces.length > 0) this.#takePieces(new Uint8Array(0))
  }

  #takePieces(last: Uint8Array): void {
    const whole = Buffer.concat([...this.#pieces, last])
    this.#pieces = []
    this.#take(whole, 0, whole.length)
  }
}
