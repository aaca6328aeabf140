/**
 * The memory of the flight recorder: pages of rows in typed arrays, which are made in slabs and never given back to the
 * engine, and the texts that the rows refer to.
 *
 *   slab   page 0 [ row 0 … row 15 ]   page 1 [ … ]   …   page 63
 *
 * A row takes 20 bytes and two references, and a third one if payloads are recorded:
 *
 *   time, low 32 bits │ kind, first byte, code │ identifier 16, span 10, time high 6 │ bytes │ count      subject, detail
 *
 * @module
 */
import { sizeOfText } from '../../base/memory-account.ts'

export const PAGE_ROWS = 16
export const ROW_WORDS = 5
const SLAB_PAGES = 64
/** A page: its rows with two references each. */
export const PAGE_BYTES = PAGE_ROWS * (4 * ROW_WORDS + 16)
/** A text besides its characters. */
const TEXT_BYTES = 24
/** Characters of a text that are kept. */
export const MAX_TEXT_LENGTH = 256

/** Pages that are made together. */
export class RecordSlab {
  readonly words: Uint32Array = new Uint32Array(SLAB_PAGES * PAGE_ROWS * ROW_WORDS)
  readonly subjects: (string | undefined)[] = Array.from({ length: SLAB_PAGES * PAGE_ROWS }, () => undefined)
  readonly details: (string | undefined)[] = Array.from({ length: SLAB_PAGES * PAGE_ROWS }, () => undefined)
  #payloads: (string | undefined)[] | undefined = undefined

  get hasPayloads(): boolean {
    return this.#payloads !== undefined
  }

  /** Made when it is first needed. */
  get payloads(): (string | undefined)[] {
    return (this.#payloads ??= Array.from({ length: SLAB_PAGES * PAGE_ROWS }, () => undefined))
  }
}

export function sizeOfRecordText(text: string | undefined): number {
  return text === undefined ? 0 : TEXT_BYTES + sizeOfText(text)
}

/** The long text that was shortened last, and what it became: a Topic Alias stands for the same one again and again. */
let longText = ''
let shortened = ''

/** Shortens a text that is very long; the copy does not keep the whole of it in memory. */
export function shortText(text: string): string {
  // A text that was put together from pieces holds on to all of them until a character is read.
  text.charCodeAt(0)
  if (text.length <= MAX_TEXT_LENGTH) return text
  if (text !== longText) {
    longText = text
    shortened = `${Buffer.from(text.slice(0, MAX_TEXT_LENGTH), 'utf16le').toString('utf16le')}…`
  }
  return shortened
}

export class RecordPages {
  /** What is in use: pages, texts, and the records themselves. */
  bytes = 0
  readonly #slabs: RecordSlab[] = []
  readonly #free: number[] = []

  /** @returns the number of a page */
  take(): number {
    this.bytes += PAGE_BYTES
    if (this.#free.length === 0) this.#addSlab()
    return this.#free.pop()!
  }

  #addSlab(): void {
    const first = this.#slabs.length * SLAB_PAGES
    this.#slabs.push(new RecordSlab())
    for (let page = first + SLAB_PAGES - 1; page >= first; page--) this.#free.push(page)
  }

  /** @returns the bytes of texts that it held */
  clear(page: number): number {
    const { subjects, details } = this.slabOf(page)
    const first = this.firstRowOf(page)
    let bytes = 0
    for (let row = first; row < first + PAGE_ROWS; row++) {
      bytes += sizeOfRecordText(subjects[row]) + sizeOfRecordText(details[row])
      subjects[row] = details[row] = undefined
    }
    this.bytes -= bytes
    return bytes + this.clearPayloads(page)
  }

  /** @returns the bytes of payloads that it held */
  clearPayloads(page: number): number {
    const slab = this.slabOf(page)
    if (!slab.hasPayloads) return 0
    const { payloads } = slab
    const first = this.firstRowOf(page)
    let bytes = 0
    for (let row = first; row < first + PAGE_ROWS; row++) {
      bytes += sizeOfRecordText(payloads[row])
      payloads[row] = undefined
    }
    this.bytes -= bytes
    return bytes
  }

  /** Takes back a page that was cleared. */
  giveBack(page: number): void {
    this.bytes -= PAGE_BYTES
    this.#free.push(page)
  }

  slabOf(page: number): RecordSlab {
    return this.#slabs[Math.floor(page / SLAB_PAGES)]!
  }

  /** The index of its first row in its slab. */
  firstRowOf(page: number): number {
    return (page % SLAB_PAGES) * PAGE_ROWS
  }
}
