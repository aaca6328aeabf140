/**
 * A terminal as a whole screen: drawn line by line without flicker, with single keys as input, and left as it was
 * found.
 *
 * @module
 */

/** The part of `process.stdin` that is used here. */
export interface KeyInput {
  readonly isTTY?: boolean
  setRawMode?(isRaw: boolean): unknown
  on(event: 'data', listener: (bytes: Buffer) => void): unknown
  off(event: 'data', listener: (bytes: Buffer) => void): unknown
  resume(): unknown
  pause(): unknown
}

/** The part of `process.stdout` that is used here. */
export interface ScreenOutput {
  readonly columns: number
  readonly rows: number
  write(text: string): unknown
  on(event: 'resize', listener: () => void): unknown
  off(event: 'resize', listener: () => void): unknown
}

const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const END_OF_LINE = '\u001b[K'
const END_OF_SCREEN = '\u001b[J'

const KEYS: Readonly<Record<string, string>> = {
  '\u001b[A': 'up',
  '\u001b[B': 'down',
  '\u001b[C': 'right',
  '\u001b[D': 'left',
  '\u001b[5~': 'page up',
  '\u001b[6~': 'page down',
  '\u001b[H': 'home',
  '\u001b': 'escape',
  '\u0003': 'ctrl-c',
}

export class FullScreen {
  readonly #input: KeyInput
  readonly #output: ScreenOutput
  readonly #onKey: (bytes: Buffer) => void
  readonly #onResize: () => void

  /** @param pressed is called with a character, or a name such as `up` */
  constructor(input: KeyInput, output: ScreenOutput, pressed: (key: string) => void, resized: () => void) {
    this.#input = input
    this.#output = output
    this.#onKey = (bytes) => pressed(KEYS[bytes.toString()] ?? bytes.toString())
    this.#onResize = resized
    input.setRawMode?.(true)
    input.on('data', this.#onKey)
    input.resume()
    output.on('resize', this.#onResize)
    output.write(ENTER)
  }

  get columns(): number {
    return this.#output.columns
  }

  get rows(): number {
    return this.#output.rows
  }

  /** @param lines as wide as the screen at most; those that do not fit below each other are left out */
  draw(lines: readonly string[]): void {
    const shown = lines.slice(0, this.rows)
    this.#output.write(`${HOME}${shown.join(`${END_OF_LINE}\r\n`)}${END_OF_LINE}${END_OF_SCREEN}`)
  }

  close(): void {
    this.#output.off('resize', this.#onResize)
    this.#input.off('data', this.#onKey)
    this.#input.setRawMode?.(false)
    this.#input.pause()
    this.#output.write(LEAVE)
  }
}
