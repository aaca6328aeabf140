/** Standard output of the tools: gathered, and written once per turn of the event loop. @module */
import { printableLines } from '../../base/printable.ts'
import type { Terminal } from '../terminal.ts'

const BUFFER_BYTES = 65_536

export class Output {
  readonly #terminal: Terminal
  #buffer = Buffer.allocUnsafe(BUFFER_BYTES)
  #length = 0
  #isScheduled = false

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  /** Writes text or bytes. On a terminal, control characters of others are escaped. Hot: runs for every message. */
  write(piece: string | Uint8Array): void {
    if (this.#terminal.isInteractive)
      this.#writeText(printableLines(typeof piece === 'string' ? piece : Buffer.from(piece).toString()))
    else if (typeof piece === 'string') this.#writeText(piece)
    else this.#writeBytes(piece)
  }

  /** Writes text of our own. */
  line(text: string): void {
    this.#writeText(`${text}\n`)
  }

  #writeText(text: string): void {
    // A UTF-16 unit takes three bytes at most.
    if (this.#room < text.length * 3) this.flush()
    if (text.length * 3 > BUFFER_BYTES) this.#pass(Buffer.from(text))
    else {
      this.#length += this.#buffer.write(text, this.#length)
      this.#schedule()
    }
  }

  #writeBytes(bytes: Uint8Array): void {
    if (this.#room < bytes.length) this.flush()
    if (bytes.length > BUFFER_BYTES) this.#pass(Buffer.from(bytes))
    else {
      this.#buffer.set(bytes, this.#length)
      this.#length += bytes.length
      this.#schedule()
    }
  }

  get #room(): number {
    return BUFFER_BYTES - this.#length
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.flush())
  }

  /** Writes what was gathered. */
  flush(): void {
    this.#isScheduled = false
    if (this.#length === 0) return
    const full = this.#buffer.subarray(0, this.#length)
    // A stream that cannot write at once keeps the bytes.
    this.#buffer = Buffer.allocUnsafe(BUFFER_BYTES)
    this.#length = 0
    this.#pass(full)
  }

  #pass(bytes: Buffer): void {
    this.#terminal.raw(bytes)
  }
}
